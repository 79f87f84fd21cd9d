"""The service's queue: entries, what happened to them, tokens, and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LIVING = "key IS NOT NULL OR state NOT IN ('failed', 'cancelled')"
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "archduel_entry",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("twin", sa.String(64), nullable=False),
        sa.Column("key", sa.String(200)),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("overrides", sa.Text, nullable=False),
        sa.Column("files", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("max_parallel", sa.Integer),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("fruitless", sa.Integer, nullable=False),
        sa.Column("done_before", sa.Integer, nullable=False),
        sa.Column("wake", sa.Float, nullable=False),
        sa.Column("job", sa.String(40)),
        sa.Column("holder", sa.String(100)),
        sa.Column("lease_until", sa.Float),
        sa.Column("ledger_key", sa.String(240)),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("planned", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("verdicts", sa.Text, nullable=False),
        sa.Column("behind", sa.Text),
        sa.Column("extensions", sa.Text, nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
        sa.Column("started", sa.String(40)),
        sa.Column("ended", sa.String(40)),
        sa.Column("updated", sa.String(40), nullable=False),
        sa.UniqueConstraint("owner", "key"),
    )
    op.create_index(
        "archduel_entry_twin",
        "archduel_entry",
        ["owner", "twin"],
        unique=True,
        sqlite_where=sa.text(_LIVING),
        postgresql_where=sa.text(_LIVING),
    )
    op.create_index("archduel_entry_state", "archduel_entry", ["state", "owner", "id"])
    op.create_index("archduel_entry_owner", "archduel_entry", ["owner", "id"])
    op.create_table(
        "archduel_event",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column(
            "entry",
            sa.String(20),
            sa.ForeignKey("archduel_entry.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("archduel_event_entry", "archduel_event", ["entry", "id"])
    op.create_table(
        "archduel_token",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user", sa.String(100), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("prefix", sa.String(20), nullable=False, unique=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
        sa.Column("expires", sa.String(40)),
        sa.Column("revoked", sa.String(40)),
        sa.Column("used", sa.String(40)),
    )
    op.create_table(
        "archduel_audit",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )

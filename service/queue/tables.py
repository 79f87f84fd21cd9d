"""The queue's tables; `service/database/migrations` makes them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

LIVING = "key IS NOT NULL OR state NOT IN ('failed', 'cancelled')"
"""Of one content there is one entry, except that what came to nothing may be submitted again."""

entry = sa.Table(
    "archduel_entry",
    metadata,
    sa.Column("id", sa.String(20), primary_key=True),
    sa.Column("owner", sa.String(100), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("content", sa.String(64), nullable=False),
    # What makes it one with an earlier submission: its content's hash, or a hash of its own.
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
    # Drivers in a row that were lost without having recorded a training, and where this one began.
    sa.Column("fruitless", sa.Integer, nullable=False),
    sa.Column("done_before", sa.Integer, nullable=False),
    # Not to be started before: seconds since 1970.
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
    sa.Index(
        "archduel_entry_twin",
        "owner",
        "twin",
        unique=True,
        sqlite_where=sa.text(LIVING),
        postgresql_where=sa.text(LIVING),
    ),
    sa.Index("archduel_entry_state", "state", "owner", "id"),
    sa.Index("archduel_entry_owner", "owner", "id"),
)
event = sa.Table(
    "archduel_event",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("entry", sa.ForeignKey("archduel_entry.id", ondelete="CASCADE"), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Index("archduel_event_entry", "entry", "id"),
    # An id is never given twice: who asks for what came after one must not miss the next.
    sqlite_autoincrement=True,
)
token = sa.Table(
    "archduel_token",
    metadata,
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
audit = sa.Table(
    "archduel_audit",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("who", sa.String(100), nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)

"""The ledger. One of before migrations has these tables already: it is taken over as it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, unless they are there."""
    there = sa.inspect(op.get_bind())
    if there.has_table("archduel_experiment"):
        if there.has_table("archduel_schema"):
            op.drop_table("archduel_schema")  # it held the number that `archduel_version` replaces
        return
    op.create_table(
        "archduel_experiment",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("key", sa.String(220), nullable=False, unique=True),
        sa.Column("uuid", sa.String(32), nullable=False, unique=True),
        sa.Column("protocol", sa.String(64), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("verdicts", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("planned", sa.Integer, nullable=False),
        sa.Column("started", sa.String(40), nullable=False),
        sa.Column("updated", sa.String(40), nullable=False),
        sa.UniqueConstraint("name", "generation"),
    )
    op.create_table(
        "archduel_session",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "experiment_id", sa.Integer, sa.ForeignKey("archduel_experiment.id"), nullable=False
        ),
        sa.Column("started", sa.String(40), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
    )
    op.create_index("ix_archduel_session_experiment_id", "archduel_session", ["experiment_id"])
    op.create_table(
        "archduel_trial",
        sa.Column("row", sa.Integer, primary_key=True),
        sa.Column(
            "experiment_id", sa.Integer, sa.ForeignKey("archduel_experiment.id"), nullable=False
        ),
        sa.Column("trial", sa.String(64), nullable=False),
        sa.Column("pair", sa.String(200), nullable=False),
        sa.Column("variant", sa.String(200), nullable=False),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("repetition", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("model", sa.String(300)),
        sa.Column("result", sa.Text, nullable=False),
        sa.UniqueConstraint("experiment_id", "trial"),
    )
    op.create_table(
        "archduel_outbox",
        sa.Column(
            "experiment_id", sa.Integer, sa.ForeignKey("archduel_experiment.id"), primary_key=True
        ),
        sa.Column("trial", sa.String(64), primary_key=True),
        sa.Column("target", sa.String(500), primary_key=True),
        sa.Column("run_id", sa.String(64)),
        sa.Column("synced_at", sa.String(40)),
    )

"""The ledger's tables; `service/database/migrations` makes them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

experiment = sa.Table(
    "archduel_experiment",
    metadata,
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
session = sa.Table(
    "archduel_session",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("experiment_id", sa.ForeignKey("archduel_experiment.id"), nullable=False, index=True),
    sa.Column("started", sa.String(40), nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
)
trial = sa.Table(
    "archduel_trial",
    metadata,
    # The order of recording: what is new since a reader last looked has a higher row.
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("experiment_id", sa.ForeignKey("archduel_experiment.id"), nullable=False),
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
outbox = sa.Table(
    "archduel_outbox",
    metadata,
    sa.Column("experiment_id", sa.ForeignKey("archduel_experiment.id"), primary_key=True),
    sa.Column("trial", sa.String(64), primary_key=True),
    # Where it is copied to: another tracking server is another copy.
    sa.Column("target", sa.String(500), primary_key=True),
    sa.Column("run_id", sa.String(64)),
    sa.Column("synced_at", sa.String(40)),
)

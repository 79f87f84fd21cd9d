"""What alembic runs: the migrations, in the transaction that `service.database.migrate` holds.

To write the next one, add a file to `versions` and its revision to `migrate.REVISIONS`.
"""

from __future__ import annotations

from alembic import context

from service.database.migrate import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    # SQLite's DDL is transactional, too, once transactions are in our hands (engine.py).
    transactional_ddl=True,
    # ALTER TABLE on SQLite copies the table.
    render_as_batch=True,
)
context.run_migrations()

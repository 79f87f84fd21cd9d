"""The database of the ledger and of the service's queue: SQLite or PostgreSQL, and its migrations."""

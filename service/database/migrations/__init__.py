"""Alembic's scripts: `env.py` and one file for each revision."""

"""The trackserver's alembic scripts."""

"""Runs the issuer's migrations; called by alembic through `plumbing.migrations`."""

from issuer import authorization_tables, delivery_tables, status_tables  # noqa: F401 - their tables are the issuer's too
from issuer.tables import Base
from plumbing.migrations import run_environment

run_environment(Base.metadata, role="issuer")

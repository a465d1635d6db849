"""Runs the issuer's migrations; called by alembic through `plumbing.migrations`."""

# Their tables are the issuer's too.
from issuer import authorization_tables, counting_tables, delivery_tables, status_tables  # noqa: F401
from issuer.tables import Base
from plumbing.migrations import run_environment

run_environment(Base.metadata, role="issuer")

"""Alembic's entry for the verifier's database."""

from plumbing.migrations import run_environment
from verifier import status_tables  # noqa: F401 - its table is the verifier's too
from verifier.tables import Base

run_environment(Base.metadata, role="verifier")

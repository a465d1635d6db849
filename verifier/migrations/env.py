"""Alembic's entry for the verifier's database."""

from plumbing.migrations import run_environment
from verifier.tables import Base

run_environment(Base.metadata, role="verifier")

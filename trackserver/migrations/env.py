"""Alembic's entry to the trackserver's tables."""

from plumbing.migrations import run_environment
from trackserver.tables import Base

run_environment(Base.metadata, role="trackserver")

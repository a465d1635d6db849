"""What is answered whatever happens: a watcher that is turned away would take a busy service for a dead one."""

from typing import Final

ALWAYS_ANSWERED: Final = frozenset({"/health", "/health/live", "/health/ready"})
"""The paths that are never limited and never shed."""

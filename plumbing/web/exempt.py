"""What is answered whatever happens: a watcher that is turned away would take a busy service for a dead one."""

from typing import Final

ALWAYS_ANSWERED: Final = frozenset({"/health/live", "/health/ready"})
"""The paths that are never limited and never shed: they cost next to nothing however often somebody asks. The older
`/health` reads the database each time, so it counts as any request."""

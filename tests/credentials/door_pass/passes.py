"""What the tests of door passes have in common."""

from __future__ import annotations

from tests.support.doors import DoorTown

TOWN = DoorTown()
HELD = TOWN.hold()

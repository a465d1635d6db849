"""The closed table of every kind of misconfiguration that the doctor knows."""

from typing import Final

from handstamp.doctor.checks import (
    coops,
    databases,
    files,
    keys,
    machine,
    postgresql,
    proxy,
    public,
    settings,
    sites,
    workers,
)
from handstamp.doctor.kinds import by_id

KINDS: Final = by_id(
    (
        *machine.KINDS,
        *settings.KINDS,
        *files.KINDS,
        *keys.KINDS,
        *databases.KINDS,
        *postgresql.KINDS,
        *public.KINDS,
        *proxy.KINDS,
        *coops.KINDS,
        *sites.KINDS,
        *workers.KINDS,
    )
)

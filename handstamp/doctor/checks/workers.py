"""What can be wrong with a role's workers: what the one that runs here may take, and how many share what."""

from collections.abc import Iterable
from typing import Final

from handstamp.doctor.case import Case, NotToBeSeen
from handstamp.doctor.kinds import SERVICES, Finding, Kind, warning

_MIB: Final = 1024 * 1024
_FILES_BESIDE: Final = 200  # the database, the log, what is read and served, and asking others
_LITTLE: Final = 256 * _MIB


def _process(case: Case) -> int:
    found = case.machine.listener(case.service.port)
    if found is None:
        raise NotToBeSeen
    return found


def _few_files(case: Case) -> Iterable[Finding]:
    process = _process(case)
    limit, wanted = case.machine.files_of(process), case.service.connections + _FILES_BESIDE
    if limit is not None and limit < wanted:
        yield warning(
            f"The worker that runs (process {process}) may have {limit} files and connections open, and is set to keep "
            f"{case.service.connections} connections: beyond its limit it answers nobody.",
            where=f"port {case.service.port}",
            do=f"Set LimitNOFILE=65536 in its systemd unit (ours have it) and start it again, or make {case.setting}"
            "connections smaller.",
        )


def _little_memory(case: Case) -> Iterable[Finding]:
    process = _process(case)
    limit = case.machine.memory_of(process)
    if limit is not None and limit < _LITTLE:
        yield warning(
            f"The unit of the worker that runs (process {process}) may take {limit // _MIB} MiB of memory: the kernel "
            "ends it as soon as a crowd comes.",
            where=f"port {case.service.port}",
            do=f"Set MemoryMax to {_LITTLE // _MIB}M at least for each worker, or take it out of the unit.",
        )


def _workers_on_file(case: Case) -> Iterable[Finding]:
    if case.service.workers > 1 and case.database_file is not None:
        yield warning(
            f"{case.service.workers} workers share one SQLite file: whoever writes keeps the others waiting.",
            where=f"{case.setting}workers",
            do=f"Set {case.setting}database_url to a PostgreSQL database, or run one worker and take the setting out.",
        )


KINDS: Final = (
    Kind(id="worker_files_few", title="A worker may open too few files", roles=SERVICES, look=_few_files),
    Kind(id="worker_memory_little", title="A worker may take too little memory", roles=SERVICES, look=_little_memory),
    Kind(id="workers_on_file", title="Several workers on SQLite", roles=SERVICES, look=_workers_on_file),
)

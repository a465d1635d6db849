"""What can be wrong with the machine itself."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from handstamp.doctor.case import Case
from handstamp.doctor.kinds import MACHINE, Finding, Kind, error, note, warning
from plumbing.web.pages import LOCALES

_LAST_FIXES: Final[Mapping[tuple[int, ...], date]] = {
    (3, 11): date(2027, 10, 31),
    (3, 12): date(2028, 10, 31),
    (3, 13): date(2029, 10, 31),
}
_OPENSSL: Final = (3, 0, 0)
_SQLITE: Final = (3, 35, 0)
_FEW_FILES: Final = 1024
_LITTLE_PART: Final = 20
_OTHERS_WRITE: Final = 0o022
_COMMON_HOSTS: Final = ("coop.localhost", "tracks.localhost", "artist.localhost")


def _root(case: Case) -> Iterable[Finding]:
    if case.machine.user() == 0:
        yield warning(
            "This runs as root. What root makes here the services' own user cannot read, and a fault in a service "
            "would "
            "have the whole machine.",
            where="the user of this process",
            do="Run services and commands as a user of their own, as docs/operations.md shows.",
        )


def _umask(case: Case) -> Iterable[Finding]:
    umask = case.machine.umask()
    if umask is not None and umask & _OTHERS_WRITE != _OTHERS_WRITE:
        yield warning(
            f"The umask is {umask:03o}: files are made writable for others. Ours are private whatever it says, exports "
            "and posters are not.",
            where="the umask of this process",
            do="Set `umask 077` in the shell, or UMask=0077 in the systemd unit.",
        )


def _python(case: Case) -> Iterable[Finding]:
    found = case.machine.versions()["python"]
    end = _LAST_FIXES.get(found[:2])
    if found < (3, 11) or (end is not None and case.now.date() > end):
        yield warning(
            f"Python {_dots(found)} gets no security fixes any more.",
            where="Python",
            do="Install a newer Python and make the environment anew with it.",
        )


def _openssl(case: Case) -> Iterable[Finding]:
    found = case.machine.versions()["openssl"]
    if found < _OPENSSL:
        yield warning(
            f"Python is linked to OpenSSL {_dots(found)}, which gets no security fixes any more.",
            where="OpenSSL",
            do=f"Use a Python that comes with OpenSSL {_dots(_OPENSSL)} or newer.",
        )


def _sqlite(case: Case) -> Iterable[Finding]:
    found = case.machine.versions()["sqlite"]
    if found < _SQLITE:
        yield error(
            f"Python is linked to SQLite {_dots(found)}; the services need {_dots(_SQLITE)}.",
            where="SQLite",
            do="Use a Python with a newer SQLite, or PostgreSQL (database_url).",
        )


def _open_files(case: Case) -> Iterable[Finding]:
    limit = case.machine.open_files()
    if limit is not None and 0 <= limit < _FEW_FILES:
        yield warning(
            f"A process may have only {limit} files and connections open; a busy gate needs more.",
            where="ulimit -n",
            do="Set LimitNOFILE=65536 in the systemd unit, or `ulimit -n 65536`.",
        )


def _memory(case: Case) -> Iterable[Finding]:
    room = case.machine.memory()
    if room is not None and room.free * _LITTLE_PART < room.total:
        yield warning(
            f"Only {room.free // 1024**2} MiB of memory are left: the kernel ends some program soon, and that may be a "
            "service.",
            where="memory",
            do="Look what takes it (`ps aux --sort=-rss`), run fewer workers, or give the machine more.",
        )


def _clock_set(case: Case) -> Iterable[Finding]:
    if case.machine.is_clock_set() is False:
        yield warning(
            "Nothing keeps this machine's clock right, as far as the kernel knows. A clock that is wrong by minutes "
            "lets "
            "wallets refuse what is signed here.",
            where="the system's clock",
            do="Switch a time service on: `timedatectl set-ntp true`, or install chrony.",
        )


def _catalogues(_: Case) -> Iterator[Finding]:
    for source in sorted(LOCALES.glob("*/LC_MESSAGES/messages.po")):
        if not source.with_suffix(".mo").is_file():
            yield warning(
                f"The catalogue of {source.parent.parent.name} is not compiled: its readers are shown English.",
                where=source,
                do="Run `make words` in the checkout, or install the wheel, which holds it compiled.",
            )


def _local_names(case: Case) -> Iterable[Finding]:
    unknown = [host for host in _COMMON_HOSTS if not case.machine.resolves(host)]
    if unknown:
        yield note(
            f"This machine's resolver does not know {', '.join(unknown)}. Browsers and Handstamp do; curl and other "
            "programs may not.",
            where="the resolver",
            do="Nothing for a public service. For trials with other programs: install libnss-myhostname, or name "
            "them in "
            "/etc/hosts.",
        )


def _dots(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


KINDS: Final = (
    Kind(id="runs_as_root", title="Runs as root", roles=(MACHINE,), look=_root),
    Kind(id="umask_open", title="Umask lets others write", roles=(MACHINE,), look=_umask),
    Kind(id="python_old", title="Python without security fixes", roles=(MACHINE,), look=_python),
    Kind(id="openssl_old", title="OpenSSL without security fixes", roles=(MACHINE,), look=_openssl),
    Kind(id="sqlite_old", title="SQLite too old", roles=(MACHINE,), look=_sqlite),
    Kind(id="open_files_few", title="Too few open files allowed", roles=(MACHINE,), look=_open_files),
    Kind(id="memory_little", title="Little memory left", roles=(MACHINE,), look=_memory),
    Kind(id="clock_unset", title="Nothing keeps the clock right", roles=(MACHINE,), look=_clock_set),
    Kind(id="catalogues_uncompiled", title="Languages not compiled", roles=(MACHINE,), look=_catalogues),
    Kind(id="local_names_unknown", title="*.localhost does not resolve", roles=(MACHINE,), look=_local_names),
)

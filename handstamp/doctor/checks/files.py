"""What can be wrong with folders, files and disks."""

import os
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from credentials.encoding import strict_json
from credentials.errors import HandstampError, Malformed
from handstamp.backup.making import RECORD
from handstamp.doctor.case import Case
from handstamp.doctor.kinds import SERVICES, SETTINGS, TRACKSERVER, WALLET, Finding, Kind, error, note, warning
from wallet import sealed
from wallet.errors import WrongPassphrase

_OTHERS: Final = 0o077
_MIB: Final = 1024 * 1024
_LITTLE_MIB: Final = 512
_LITTLE_PART: Final = 20
_OLD: Final = timedelta(days=7)
_READ_ONLY: Final = "ro"
_UNSAFE: Final = frozenset({"nobarrier", "barrier=0"})
_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs"})


def is_open_to(path: Path, bits: int) -> bool:
    """Tell whether others have these permissions on a file that is there."""
    return os.name == "posix" and path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & bits)


def _folder_open(case: Case) -> Iterable[Finding]:
    if is_open_to(case.folder, _OTHERS):
        yield warning(
            "Others on this machine may look into the folder of databases and keys.",
            where=case.folder,
            do=f"Run: chmod 700 '{case.folder}'",
        )


def _folder_unwritable(case: Case) -> Iterable[Finding]:
    folder = case.folder
    while not os.path.lexists(folder) and folder != folder.parent:  # `Path.exists` raises where one may not look
        folder = folder.parent
    if _READ_ONLY in case.machine.mount_options(folder):
        return  # a kind of its own says so
    if not folder.is_dir():
        yield error("It is a file where a folder is needed.", where=folder, do="Move it away, or set data_dir.")
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield error(
            "The user who runs this may not write there.",
            where=folder,
            do="Run it as the service's own user, or give that user the folder (chown), or set data_dir.",
        )


def _disk_read_only(case: Case) -> Iterable[Finding]:
    if _READ_ONLY in case.machine.mount_options(case.settings.data_dir):
        yield error(
            "The disk of the data folder can only be read, as after errors of the disk: nothing is issued or redeemed.",
            where=case.settings.data_dir,
            do="Look at what the kernel says (dmesg), make a backup, check or exchange the disk, and mount it for "
            "writing.",
        )


def _unsafe(case: Case) -> Iterator[Finding]:
    options = _UNSAFE & case.machine.mount_options(case.settings.data_dir)
    if options:
        yield error(
            f"The disk of the data folder is mounted with {', '.join(sorted(options))}: after a power cut what was "
            "answered may be gone, or the whole database.",
            where=case.settings.data_dir,
            do="Take the option out of /etc/fstab, and mount it again.",
        )
    if "eatmydata" in case.environment.get("LD_PRELOAD", ""):
        yield error(
            "libeatmydata is loaded, which makes nothing of every order to write to the disk: after a power cut what "
            "was answered may be gone.",
            where="LD_PRELOAD",
            do="Take it out of the environment of services and commands.",
        )


def _put_aside(case: Case) -> Iterator[Finding]:
    for left in sorted(case.settings.data_dir.glob("*.before-restore-*")):
        yield note(
            "What a restore put aside is still there; it holds people's names, and keys.",
            where=left,
            do=f"Once you are sure of what was restored: rm -r '{left}'",
        )


def _foreign_files(case: Case) -> Iterable[Finding]:
    if os.name != "posix" or not case.folder.is_dir():
        return
    owner = case.folder.stat().st_uid
    paths = [path for path in [*case.folder.iterdir(), *(case.folder / "keys").glob("*")] if not path.is_symlink()]
    foreign = [path for path in paths if path.stat().st_uid != owner]
    if foreign:
        yield error(
            f"{len(foreign)} files belong to another user than the folder, as after a command that was run as root: "
            "the "
            "service cannot read or write them.",
            where=foreign[0],
            do=f"Run: chown -R --reference='{case.folder}' '{case.folder}'",
        )


def _space(case: Case) -> Iterable[Finding]:
    room = case.machine.space(case.settings.data_dir)
    if room.free < _LITTLE_MIB * _MIB or room.free * _LITTLE_PART < room.total:
        yield warning(
            f"Only {room.free // _MIB} MiB are free on the disk of the data folder; when it is full, nothing is "
            "issued or "
            "redeemed.",
            where=case.settings.data_dir,
            do="Make room, or move data_dir to a larger disk.",
        )


def _entries(case: Case) -> Iterable[Finding]:
    room = case.machine.entries(case.settings.data_dir)
    if room is not None and room.free * _LITTLE_PART < room.total:
        yield warning(
            f"The disk of the data folder has room for {room.free} more files only, however small (inodes).",
            where=case.settings.data_dir,
            do="Find the folder with very many small files, and make room.",
        )


def _left_over(case: Case) -> Iterator[Finding]:
    for left in [*case.settings.data_dir.glob(".backup-*"), *case.settings.data_dir.glob(".restore-*")]:
        yield warning(
            "A backup or restore that was broken off left copies of databases behind.",
            where=left,
            do=f"If none is running now: rm -r '{left}'",
        )


def _backup_old(case: Case) -> Iterable[Finding]:
    file = case.folder / RECORD
    if not file.is_file():
        if case.is_public:
            yield note(
                "No backup of it was made here.",
                where=case.folder,
                do="Let a timer run `handstamp backup FILE --passphrase-file SECRET` each night, to another machine.",
            )
        return
    try:
        said = strict_json.parse_object(file.read_bytes(), what="record of the last backup").get("made_at")
        age = case.now - datetime.fromisoformat(str(said)).astimezone(UTC)
    except (Malformed, ValueError):
        age = timedelta.max
    if age > _OLD:
        yield warning(
            f"The last backup was made {'long' if age == timedelta.max else f'{age.days} days'} ago: so much is lost "
            "with "
            "the disk.",
            where=file,
            do="Look why the timer of `handstamp backup` does not run.",
        )


def _on_network(case: Case) -> Iterable[Finding]:
    file = case.database_file
    kind = case.machine.file_system(file) if file else ""
    if kind in _NETWORK:
        yield error(
            f"The database lies on a network file system ({kind}), whose locks SQLite cannot rely on: it gets damaged.",
            where=file,
            do="Move it to a disk of this machine, or use PostgreSQL (database_url).",
        )


def _masters(case: Case) -> Iterator[Finding]:
    missing, unreadable, changed = [], [], []
    for path, size, modified_ns in case.rows("SELECT path, size, modified_ns FROM stored_file ORDER BY path"):
        file = Path(path)
        if not file.exists():
            missing.append(file)
        elif not os.access(file, os.R_OK):
            unreadable.append(file)
        elif (file.stat().st_size, file.stat().st_mtime_ns) != (size, modified_ns):
            changed.append(file)
    for found, what in ((missing, "are not there"), (unreadable, "may not be read by this user")):
        if found:
            yield error(
                f"{len(found)} originals or pictures {what}; their downloads fail.",
                where=found[0],
                do="Mount the disk, or bring them back, or add the release anew from where it lies now "
                "(`handstamp tracks add`).",
            )
    if changed:
        yield error(
            f"{len(changed)} originals or pictures were changed after they were added; they are not handed out.",
            where=changed[0],
            do="Bring the first version back, or take the new one over: `handstamp tracks add FOLDER`.",
        )


def _passphrase_readable(case: Case) -> Iterable[Finding]:
    file = case.settings.wallet.passphrase_file
    if file is not None and is_open_to(file, _OTHERS):
        yield error(
            "Others on this machine may read the wallet's passphrase.",
            where=file,
            do=f"Run: chmod 600 '{file}', and choose another passphrase (`handstamp wallet passphrase`).",
        )


def _passphrase_missing(case: Case) -> Iterable[Finding]:
    file = case.settings.wallet.passphrase_file
    if file is not None and not file.is_file():
        yield error("There is no such file.", where=file, do="Correct wallet.passphrase_file, or take it out.")


def _wallet_readable(case: Case) -> Iterable[Finding]:
    file = case.settings.wallet_file()
    if is_open_to(file, _OTHERS):
        yield error(
            "Others on this machine may read the wallet file, and try passphrases on it; it is not opened so.",
            where=file,
            do=f"Run: chmod 600 '{file}'",
        )


def _wallet_damaged(case: Case) -> Iterable[Finding]:
    file = case.settings.wallet_file()
    if not file.is_file():
        return
    try:
        sealed.unseal(file.read_bytes())
    except WrongPassphrase:
        return  # none was given: as far as can be seen without one, it is whole
    except HandstampError as found:
        yield error(
            f"The wallet file cannot be opened: {found.detail.rstrip('.')}.",
            where=file,
            do="Take the newest export or copy of it, or the version of Handstamp that wrote it.",
        )


KINDS: Final = (
    Kind(id="disk_full", title="Little room on the disk", roles=(SETTINGS,), look=_space),
    Kind(id="inodes_few", title="Room for few more files", roles=(SETTINGS,), look=_entries),
    Kind(id="disk_read_only", title="Disk that can only be read", roles=(SETTINGS,), look=_disk_read_only),
    Kind(id="disk_unsafe", title="Disk that may lose what it was given", roles=(SETTINGS,), look=_unsafe),
    Kind(id="put_aside", title="Left aside by a restore", roles=(SETTINGS,), look=_put_aside),
    Kind(id="backup_left_over", title="Copies left by a broken backup", roles=(SETTINGS,), look=_left_over),
    Kind(id="backup_old", title="No backup, or an old one", roles=SERVICES, look=_backup_old),
    Kind(id="folder_open", title="Data folder open to others", roles=(*SERVICES, WALLET), look=_folder_open),
    Kind(
        id="folder_unwritable",
        title="Data folder cannot be written",
        roles=(*SERVICES, WALLET),
        look=_folder_unwritable,
    ),
    Kind(id="files_foreign", title="Files of another user", roles=(*SERVICES, WALLET), look=_foreign_files),
    Kind(id="database_on_network", title="SQLite on a network disk", roles=SERVICES, look=_on_network),
    Kind(id="masters_lost", title="Originals missing, unreadable or changed", roles=TRACKSERVER, look=_masters),
    Kind(id="passphrase_readable", title="Passphrase readable by others", roles=(WALLET,), look=_passphrase_readable),
    Kind(id="passphrase_missing", title="Passphrase file missing", roles=(WALLET,), look=_passphrase_missing),
    Kind(id="wallet_readable", title="Wallet readable by others", roles=(WALLET,), look=_wallet_readable),
    Kind(id="wallet_damaged", title="Wallet damaged or newer", roles=(WALLET,), look=_wallet_damaged),
)

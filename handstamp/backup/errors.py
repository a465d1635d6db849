"""What can be wrong with a backup, or with the place where one is restored."""

from pathlib import Path

from credentials.errors import OperatorError


class CannotBackUp(OperatorError):
    """Something that belongs into the backup cannot be read, or the backup cannot be written."""

    code = "cannot_back_up"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} cannot be backed up: {reason}. No backup was written.")


class CannotWriteBackup(CannotBackUp):
    """The backup itself cannot be written where it shall go."""

    code = "cannot_write_backup"

    def __init__(self, path: Path, reason: str) -> None:
        OperatorError.__init__(self, f"The backup cannot be written to {path}: {reason}. No backup was written.")


class DataFolderUnusable(OperatorError):
    """A backup or restore can do nothing in the data folder."""

    code = "data_folder_unusable"

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"The data folder {folder} cannot be worked in: {reason}. Nothing was done; look at data_dir, and at whose "
            "folder it is."
        )


class NothingToBackUp(OperatorError):
    """No service of these settings has a database yet."""

    code = "nothing_to_back_up"

    def __init__(self, folder: Path) -> None:
        super().__init__(f"There is nothing to back up: no service has a database in {folder} yet. Check the settings.")


class BackupRunning(OperatorError):
    """Another process makes a backup of the same data folder."""

    code = "backup_running"

    def __init__(self, folder: Path) -> None:
        super().__init__(f"Another backup or restore of {folder} is running. Wait for its end and try again.")


class UnusableBackup(OperatorError):
    """The file is no backup, or it was changed or cut since it was written."""

    code = "unusable_backup"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"The backup {path} cannot be used: {reason}. Nothing was restored; take another backup.")


class WrongBackupPassphrase(OperatorError):
    """The passphrase does not open this backup, which is intact as far as that can be seen."""

    code = "wrong_backup_passphrase"

    def __init__(self, path: Path) -> None:
        super().__init__(f"This passphrase does not open the backup {path}. Nothing was restored; try another.")


class NewerBackup(OperatorError):
    """The backup was written by a newer version."""

    code = "newer_backup"

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"The backup {path} was written by a newer version of Handstamp ({what}). Nothing was restored; "
            "install that version and try again."
        )


class PlaceTaken(OperatorError):
    """Something is already where a restore would write."""

    code = "place_taken"

    def __init__(self, place: str) -> None:
        super().__init__(
            f"There is something at {place} already, and nothing was restored. With --replace it is put aside, not "
            "deleted."
        )


class ServiceRuns(OperatorError):
    """A service is running where a restore would exchange its data."""

    code = "service_runs"

    def __init__(self, role: str, where: str) -> None:
        super().__init__(
            f"Something listens on {where}, where the {role} serves. Nothing was restored; stop it first, and every "
            "other worker of it."
        )


class OtherEngine(OperatorError):
    """The backup is of one database engine and the settings name the other."""

    code = "other_engine"

    def __init__(self, role: str, engine: str) -> None:
        wanted = "an SQLite file" if engine == "sqlite" else "a PostgreSQL database"
        super().__init__(
            f"The backup of the {role} is of {engine}, and the settings name another database. Nothing was restored; "
            f"let {role}.database_url name {wanted} for it."
        )


class ToolFailed(OperatorError):
    """A program of PostgreSQL failed."""

    code = "database_tool_failed"

    def __init__(self, program: str, said: str) -> None:
        super().__init__(f"{program} failed, and nothing was changed: {said.rstrip('.')}.")


class ToolMissing(ToolFailed):
    """A program of PostgreSQL is missing."""

    code = "database_tool_missing"

    def __init__(self, program: str, where: str) -> None:
        OperatorError.__init__(
            self,
            f"{program} is not {where}. Install PostgreSQL's client programs, of the server's version or newer, or "
            "name their folder with --database-tools.",
        )


class CannotRestore(OperatorError):
    """The place cannot be written."""

    code = "cannot_restore"

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where} cannot be restored: {reason}. What was there before is still there.")


class RunAsOwner(OperatorError):
    """Root would work where the owner of the data folder can exchange what root gives away."""

    code = "run_as_owner"

    def __init__(self, folder: Path) -> None:
        about = folder.stat()
        super().__init__(
            f"The data folder {folder} belongs to user {about.st_uid}, who could exchange there what root makes. "
            f"Nothing was restored; run this as that user: setpriv --reuid={about.st_uid} --regid={about.st_gid} "
            "--clear-groups handstamp restore ..."
        )

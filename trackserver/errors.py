"""What the trackserver refuses, and who must act on it."""

from credentials.errors import HandstampError, HolderError, OperatorError, VerifierError


class NoSuchFolder(OperatorError):
    """The folder that should be added is not there, or is not a folder."""

    code = "no_such_folder"

    def __init__(self, folder: str) -> None:
        super().__init__(f"{folder} is not a folder that can be read. Give the folder that holds one release.")


class NothingToAdd(OperatorError):
    """The folder holds no audio file that can be read."""

    code = "nothing_to_add"

    def __init__(self, folder: str) -> None:
        super().__init__(f"{folder} holds no FLAC, WAV or MP3 file that can be read, so there is nothing to add.")


class AlbumRefused(OperatorError):
    """The folder cannot become one release until its owner has mended something."""

    code = "album_refused"

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(f"The folder was not added. {' '.join(reasons)}")
        self.reasons = reasons


class ReleaseNotFound(HandstampError):
    """No release has this id here."""

    code = "release_not_found"

    def __init__(self) -> None:
        super().__init__("There is no release with this id on this trackserver.")


class CoverNotFound(HandstampError):
    """The release has no cover."""

    code = "cover_not_found"

    def __init__(self) -> None:
        super().__init__("This release has no cover.")


class MasterChanged(OperatorError):
    """A file is not, any more, the file that was added."""

    code = "file_changed"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was changed or moved since it was added, so it is not sent. "
            "Whoever runs this trackserver should put it back or add its folder again."
        )


class VerifierNotAllowed(VerifierError):
    """A pinned verifier grants a release that it may not grant."""

    code = "verifier_not_allowed"

    def __init__(self, issuer: str) -> None:
        super().__init__(
            f"{issuer} may not open this release here. "
            "The trackserver's owner allows it with `handstamp tracks allow VERIFIER --release ID`."
        )


class GrantUsed(HolderError):
    """The grant was redeemed before."""

    code = "grant_used"

    def __init__(self) -> None:
        super().__init__("This grant was redeemed before. Pass the gate again for a new one.")


class NothingGranted(VerifierError):
    """The grant names tracks or formats of which nothing is here."""

    code = "nothing_granted"

    def __init__(self) -> None:
        super().__init__("The grant names tracks or formats that this release does not have.")


class ProofByAnotherKey(HolderError):
    """The DPoP proof was made with a key other than the one that the grant or download is bound to."""

    code = "dpop_wrong_key"

    def __init__(self) -> None:
        super().__init__("The DPoP proof is not made with the key that this download is bound to.")


class ProofReplayed(HolderError):
    """The DPoP proof was seen before."""

    code = "dpop_proof_replayed"

    def __init__(self) -> None:
        super().__init__("This DPoP proof was used before. Make a new one for every request.")


class TicketUsed(HolderError):
    """The single-use link was opened before."""

    code = "link_used"

    def __init__(self) -> None:
        super().__init__(
            "This link was opened before, and it opens once only. "
            "Nothing is lost: go back to the site that gave it to you and pass its gate again."
        )


class TicketExpired(HolderError):
    """The single-use link is too old."""

    code = "link_expired"

    def __init__(self) -> None:
        super().__init__(
            "This link has expired. Nothing is lost: go back to the site that gave it to you and pass its gate again."
        )


class TicketUnknown(HolderError):
    """The single-use link is none of ours."""

    code = "link_unknown"

    def __init__(self) -> None:
        super().__init__(
            "This link is not complete, or was never made here. "
            "Nothing is lost: go back to the site that gave it to you and pass its gate again."
        )


class DownloadNotFound(HolderError):
    """There is no such download, or the request does not show that it is theirs. The two look alike on purpose."""

    code = "download_not_found"

    def __init__(self) -> None:
        super().__init__(
            "This download belongs to the browser or wallet that opened it, and this is not the one. "
            "Nothing is lost: pass the gate again from here."
        )


class DownloadExpired(HolderError):
    """The download page has closed."""

    code = "download_expired"

    def __init__(self) -> None:
        super().__init__(
            "This download page has closed. Nothing is lost: you own the music as before; pass the gate again."
        )


class FileNotFound(HandstampError):
    """The download holds no such file."""

    code = "file_not_found"

    def __init__(self) -> None:
        super().__init__("This download holds no such file.")

"""What the trackserver's use cases need of the world."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from trackserver.catalogue import Release
from trackserver.grants import Download, Pin, Ticket


class Catalogue(Protocol):
    """The releases."""

    def load_release(self, release_id: str) -> Release | None:
        """Return one release, or None."""
        ...

    def load_release_of_folder(self, folder: Path) -> Release | None:
        """Return the release that was added from this folder, or None."""
        ...

    def load_release_of_content(self, content_digest: str) -> Release | None:
        """Return the release whose files have this common digest, or None."""
        ...

    def load_releases(self) -> Sequence[Release]:
        """Return every release, by artist and title."""
        ...

    def save_release(self, release: Release, *, content_digest: str, now: datetime) -> None:
        """Add a release, or replace it with all its tracks and files."""
        ...


class Pins(Protocol):
    """The verifiers that may grant."""

    def load_pins_of_verifier(self, issuer: str) -> Sequence[Pin]:
        """Return every pin of one verifier."""
        ...

    def load_pins_of_release(self, release_id: str) -> Sequence[Pin]:
        """Return who may open a release."""
        ...

    def is_pinned(self, pin: Pin) -> bool:
        """Whether this very key may open this release now."""
        ...

    def save_pins(self, pins: Sequence[Pin], *, now: datetime) -> None:
        """Set the keys of one verifier for one release; its earlier keys for that release go."""
        ...

    def remove_pins(self, issuer: str, *, release_id: str | None) -> Sequence[str]:
        """Unpin a verifier for one release, or for all of them if None; return the releases it could open till now."""
        ...


class Passes(Protocol):
    """Grants that were redeemed, tickets, downloads, and DPoP proofs that were seen."""

    def claim_grant(self, issuer: str, jti: str, *, expires_at: datetime) -> bool:
        """Note that a grant is redeemed; False if it was before. Of several at the same moment, one wins."""
        ...

    def claim_proof(self, thumbprint: str, jti: str, *, expires_at: datetime) -> bool:
        """Note that a DPoP proof was seen; False if it was before."""
        ...

    def add_ticket(self, ticket: Ticket) -> None:
        """Keep a new ticket."""
        ...

    def load_ticket(self, secret_hash: str) -> Ticket | None:
        """Return a ticket, used or not, or None."""
        ...

    def claim_ticket(self, secret_hash: str) -> bool:
        """Use a ticket; False if it was used before. Of several at the same moment, one wins."""
        ...

    def add_download(self, download: Download) -> None:
        """Keep a new download."""
        ...

    def load_download(self, download_id: str) -> Download | None:
        """Return a download, open or closed, or None."""
        ...

    def forget_before(self, *, passes: datetime, proofs: datetime) -> int:
        """Erase grants, tickets and downloads that expired before `passes`, and proofs before `proofs`; count them."""
        ...

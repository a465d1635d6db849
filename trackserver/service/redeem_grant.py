"""Redeem a grant: once, for a browser a link that opens once, for a wallet a download bound to its key.

It is judged without a write transaction, so that a flood of bad grants holds up nobody who writes; then settled in one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from credentials.protocols.dpop import DpopProof
from credentials.protocols.grants import (
    Grant,
    UnknownGrantKey,
    read_unverified_issuer,
    read_unverified_kid,
    verify_grant,
)
from plumbing.clock import SET_BACK
from trackserver.errors import (
    GrantUsed,
    ProofByAnotherKey,
    ProofReplayed,
    ReleaseNotFound,
    VerifierNotAllowed,
)
from trackserver.grants import DOWNLOAD_TTL, TICKET_TTL, Download, Pin, Scope, Ticket, hash_secret
from trackserver.packages import build_package
from trackserver.ports import Catalogue, Passes, Pins

PROOF_TTL: Final = timedelta(minutes=15)
"""Longer than a DPoP proof is fresh, so that a number seen is remembered while it matters."""
_KEPT_AFTER_END: Final = timedelta(days=7)
"""So long a closed page still says in words that it is closed."""

NewSecret = Callable[[], str]
ReadProof = Callable[[], DpopProof]


def sweep(passes: Passes, *, now: datetime) -> int:
    """Erase what ended long enough ago; return how many rows."""
    return passes.forget_before(passes=now - _KEPT_AFTER_END, proofs=now - SET_BACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketMade:
    """A link for a browser: whoever opens it first has the download."""

    ticket: str
    expires_in_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadMade:
    """A download for a wallet; every request needs the token and a proof by the wallet's key."""

    download_id: str
    access_token: str
    expires_in_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedGrant:
    """A grant that is right in itself; whether it was redeemed before is not known yet.

    Attributes:
        pin: the key that signed it, pinned for its release when it was judged.
        proof: of the key that the grant is bound to; None if it is bound to none.
    """

    grant: Grant
    scope: Scope
    pin: Pin
    proof: DpopProof | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeGrant:
    """The use case's first half, which only reads.

    Attributes:
        catalogue: the releases.
        pins: the verifiers that may grant.
        audience: this trackserver's public address.
    """

    catalogue: Catalogue
    pins: Pins
    audience: str

    def __call__(self, text: str, *, read_proof: ReadProof, now: datetime) -> JudgedGrant:
        """Judge the grant `text`.

        1. Its key is pinned for the verifier that it names; signature, audience and time are right.
        2. That verifier may open this release here, with this very key.
        3. The release has what the grant names.
        4. If it is bound to a key: a fresh DPoP proof by that key came with it.

        Args:
            text: the grant as it came.
            read_proof: checks and returns the request's DPoP proof; called only if the grant is bound to a key.
            now: the present moment.

        Raises:
            HandstampError: the subclass says which step failed.
        """
        pins = self.pins.load_pins_of_verifier(read_unverified_issuer(text))
        grant, _ = self._verified(text, pins, now)
        scope = Scope(release_id=grant.release, tracks=grant.tracks, formats=grant.formats)
        release = self.catalogue.load_release(scope.release_id)
        if release is None:
            raise ReleaseNotFound
        allowed = [pin for pin in pins if pin.release_id == release.id]
        if not allowed:
            raise VerifierNotAllowed(grant.issuer)
        # A key that was replaced for this release may still be pinned for another: it opens that one only.
        _, pin = self._verified(text, allowed, now)
        build_package(release, scope)
        proof = None if grant.holder_key is None else _proof_by(grant.holder_key, read_proof)
        return JudgedGrant(grant=grant, scope=scope, pin=pin, proof=proof)

    def _verified(self, text: str, pins: Sequence[Pin], now: datetime) -> tuple[Grant, Pin]:
        by_kid = {pin.kid: pin for pin in pins}
        keys = {kid: pin.key for kid, pin in by_kid.items()}
        issuer = read_unverified_issuer(text)
        grant = verify_grant(text, keys=keys, audience=self.audience, at=now, issuer=issuer)
        return grant, by_kid[read_unverified_kid(text)]


def _proof_by(holder_key: str, read_proof: ReadProof) -> DpopProof:
    proof = read_proof()
    if proof.thumbprint != holder_key:
        raise ProofByAnotherKey
    return proof


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemGrant:
    """The use case's second half, which settles in one short write transaction.

    Attributes:
        pins: the verifiers that may grant.
        passes: where it is noted that a grant is redeemed.
        new_secret: 256 random bits; `new_id` 128.
    """

    pins: Pins
    passes: Passes
    new_secret: NewSecret
    new_id: NewSecret

    def __call__(self, judged: JudgedGrant, *, now: datetime) -> TicketMade | DownloadMade:
        """Redeem a grant that was judged just now.

        Raises:
            UnknownGrantKey: its key was replaced since it was judged.
            ProofReplayed: the DPoP proof was used before.
            GrantUsed: somebody redeemed it before.
        """
        grant, scope = judged.grant, judged.scope
        if not self.pins.is_pinned(judged.pin):
            raise UnknownGrantKey
        if judged.proof is not None:
            self._claim_proof(judged.proof, now)
        # Remembered a minute beyond its end, so that no clock's rounding opens a gap.
        end = datetime.fromtimestamp(grant.expires_at, UTC) + timedelta(minutes=1)
        if not self.passes.claim_grant(grant.issuer, grant.jti, expires_at=end):
            raise GrantUsed
        return self._ticket(scope, now) if grant.holder_key is None else self._download(scope, grant.holder_key, now)

    def _claim_proof(self, proof: DpopProof, now: datetime) -> None:
        if not self.passes.claim_proof(proof.thumbprint, proof.jti, expires_at=now + PROOF_TTL):
            raise ProofReplayed

    def _ticket(self, scope: Scope, now: datetime) -> TicketMade:
        secret = self.new_secret()
        self.passes.add_ticket(Ticket(secret_hash=hash_secret(secret), scope=scope, expires_at=now + TICKET_TTL))
        return TicketMade(ticket=secret, expires_in_s=int(TICKET_TTL.total_seconds()))

    def _download(self, scope: Scope, holder_key: str, now: datetime) -> DownloadMade:
        secret = self.new_secret()
        download = Download(
            id=self.new_id(),
            secret_hash=hash_secret(secret),
            holder_key=holder_key,
            scope=scope,
            expires_at=now + DOWNLOAD_TTL,
        )
        self.passes.add_download(download)
        return DownloadMade(
            download_id=download.id, access_token=secret, expires_in_s=int(DOWNLOAD_TTL.total_seconds())
        )

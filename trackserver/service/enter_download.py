"""Let a request in to a download, by its browser's cookie or by its wallet's token and proof."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from credentials.protocols.dpop import DpopProof
from credentials.protocols.oauth import InvalidToken
from trackserver.errors import DownloadExpired, DownloadNotFound, ProofReplayed, ReleaseNotFound
from trackserver.grants import Download
from trackserver.packages import Package, build_package
from trackserver.ports import Catalogue, Passes
from trackserver.service.redeem_grant import PROOF_TTL


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserKey:
    """What a browser shows: the cookie's value."""

    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletKey:
    """What a wallet shows.

    Attributes:
        read_proof: checks the request's DPoP proof against the key that the token is bound to, and returns it.
    """

    access_token: str
    read_proof: Callable[[str], DpopProof]


def enter_download(passes: Passes, download_id: str, key: BrowserKey | WalletKey | None, *, now: datetime) -> Download:
    """Return the open download that `key` opens.

    Raises:
        DownloadNotFound: there is none, or the key is not its own.
        DownloadExpired: it has closed.
        OAuthError: the token is not the download's, or the DPoP proof is missing or wrong.
        ProofReplayed: the DPoP proof was used before.
    """
    download = passes.load_download(download_id)
    match key:
        case None:
            raise DownloadNotFound
        case BrowserKey(cookie=cookie):
            # A token that is bound to a key opens nothing without that key.
            if download is None or download.holder_key is not None or not download.is_opened_by(cookie):
                raise DownloadNotFound
        case WalletKey(access_token=token):
            if download is None or download.holder_key is None or not download.is_opened_by(token):
                raise InvalidToken("The access token opens no such download.")
            proof = key.read_proof(download.holder_key)
            if not passes.claim_proof(proof.thumbprint, proof.jti, expires_at=now + PROOF_TTL):
                raise ProofReplayed
    if now >= download.expires_at:
        raise DownloadExpired
    return download


def load_package(catalogue: Catalogue, download: Download) -> Package:
    """Return what a download holds now."""
    release = catalogue.load_release(download.scope.release_id)
    if release is None:
        raise ReleaseNotFound
    return build_package(release, download.scope)

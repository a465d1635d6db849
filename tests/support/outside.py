"""The world outside a wallet, played by hostile parties: a co-op, a site and a trackserver that lie when told to.

Only a hostile party is simulated. The honest flow is tested against our own services in `tests/flows`. Each simulator
does the honest thing until a test replaces one of its answers.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import trustme

import schemas
from credentials.encoding import base64url
from credentials.keys.certificates import CertificateChain, load_chain_pem
from credentials.keys.jwk import PublicKey
from credentials.keys.signer import LocalSigner
from plumbing.fetch import HttpFetcher, Reach
from wallet.state import Authority as PinnedAuthority
from wallet.state import Wallet

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
MONTH_S = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())

T = TypeVar("T")
Handler = Callable[[httpx.Request], httpx.Response]


class Authority:
    """A certificate authority, and keys that it certifies."""

    def __init__(self) -> None:
        self.ca = trustme.CA()

    @property
    def pem(self) -> bytes:
        return self.ca.cert_pem.bytes()

    def certify(self, *hosts: str) -> tuple[LocalSigner, CertificateChain]:
        issued = self.ca.issue_cert(*hosts)
        chain = load_chain_pem(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        return LocalSigner.from_pem(issued.private_key_pem.bytes(), None), chain


class Memory:
    """A wallet that nothing outlives: to fill one once for many tests."""

    def __init__(self) -> None:
        self._wallet = Wallet()

    def load(self) -> Wallet:
        return self._wallet

    def change(self, apply: Callable[[Wallet], tuple[Wallet, T]]) -> T:
        self._wallet, result = apply(self._wallet)
        return result

    def check_room(self) -> None:
        """There is always room."""

    def pin(self, authority: Authority) -> None:
        """Trust an authority."""
        self._wallet = self._wallet.with_authority(
            PinnedAuthority(name="Test", certificate=authority.pem.decode(), fingerprint="AB:CD", added_at=NOW)
        )


@dataclass(slots=True)
class Outside:
    """Every host that a wallet can reach, and every request that it ever sent."""

    parties: dict[str, Handler] = field(default_factory=dict)
    seen: list[httpx.Request] = field(default_factory=list)

    def web(self, first_party: str) -> HttpFetcher:
        """Open the network as the composition does, with the same rules and limits, to these parties."""
        transport = httpx.MockTransport(self._answer)
        return HttpFetcher(Reach.of(first_party), user_agent="handstamp-wallet", transport=transport)

    def paths(self) -> list[str]:
        return [f"{request.method} {request.headers['Host']}{request.url.path}" for request in self.seen]

    def sent_to(self, host: str) -> list[httpx.Request]:
        return [request for request in self.seen if request.headers["Host"].partition(":")[0] == host]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.seen.append(request)
        party = self.parties.get(request.headers["Host"])
        if party is None:
            raise httpx.ConnectError("nobody is there")
        return party(request)


@dataclass(slots=True)
class Routes:
    """A party: one answer for each method and path; a test replaces some."""

    answers: dict[str, Handler] = field(default_factory=dict)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        handler = self.answers.get(f"{request.method} {request.url.path}")
        return handler(request) if handler else httpx.Response(404, json={"title": "Not Found", "detail": "Not here."})


def says(body: Mapping[str, Any], status: int = 200, **headers: str) -> Handler:
    """Answer with this JSON, always."""
    return lambda _: httpx.Response(status, json=dict(body), headers=headers)


def refuses(error: str, status: int = 400) -> Handler:
    """Answer with an OAuth error."""
    return says({"error": error, "error_description": "No."}, status)


def endless(piece: bytes = b"x" * 65536) -> Handler:
    """Answer with a body that never ends."""

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield piece

    return lambda _: httpx.Response(200, content=pieces())


def form(request: httpx.Request) -> dict[str, str]:
    """Read the body of a posted form."""
    return dict(httpx.QueryParams(request.content.decode()))


def posted(request: httpx.Request) -> Any:
    """Read a posted JSON body."""
    return json.loads(request.content)


def jwk_of(jwt: str) -> PublicKey:
    """Read the key in the header of a key proof."""
    header = json.loads(base64url.decode(jwt.partition(".")[0], what="header"))
    return PublicKey.parse_jwk(header["jwk"], what="key")


def release_claims(**changes: str) -> dict[str, str]:
    """Claims of an EP."""
    return {
        "release": "9d0f6a1e-2c53-4a4f-8f7d-1a2b3c4d5e6f",
        "name": "Night Bus EP",
        "byArtist": "The Long Way Home",
        "albumReleaseType": "EPRelease",
        "gtin": "none",
        "acquisition": "purchase",
        "acquired": "2026-11",
        "copy": "q83vEjRWeJCrze8SNFZ4kA",
        **changes,
    }


def track_claims(**changes: str) -> dict[str, str]:
    """Claims of a track."""
    example = schemas.TRACK_OWNERSHIP.example
    return {name: str(example[name]) for name in schemas.TRACK_OWNERSHIP.claim_names} | changes

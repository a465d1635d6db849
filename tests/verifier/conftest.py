"""A whole verifier on a temporary database with its real migrations, a co-op that issues, and a wallet that answers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
import trustme
from fastapi import FastAPI

from credentials.keys.certificates import CertificateChain, load_chain_pem
from credentials.keys.signer import LocalSigner
from credentials.protocols.grants import Grant, verify_grant
from credentials.protocols.openid4vp import (
    AuthorizationRequest,
    AuthorizationResponse,
    parse_request_link,
    verify_request_object,
)
from credentials.sd_jwt.issuing import build_sd_jwt_vc
from credentials.sd_jwt.presenting import build_presentation
from credentials.sd_jwt.reading import parse_sd_jwt
from credentials.status import StatusPolicy
from credentials.trust import TrustedIssuer
from plumbing.database import Database
from plumbing.fetch import HttpFetcher, Reach
from plumbing.web.csrf import FormGuard
from plumbing.web.pages import Pages
from schemas import ALL, BY_VCT, RELEASE_OWNERSHIP, TRACK_OWNERSHIP
from tests.support.databases import everything_in, fresh_database
from verifier.app import build_verifier_app
from verifier.doors import DoorKeys
from verifier.gates import Gate, Opens, Terms, TrackInside
from verifier.parts import VerifierParts
from verifier.party import Party, RequestSigner
from verifier.places import TEMPLATES
from verifier.proofs import OwnsRelease, OwnsTrack, Requirement
from verifier.releases import FileOnOffer
from verifier.statuses import StatusKeeper
from verifier.store import SqlWork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

COOP = "http://coop.localhost:8701"
ARTIST = "http://artist.localhost:8703"
TRACKS = "http://tracks.localhost:8702"
CLIENT_ID = "x509_san_dns:artist.localhost"
RELEASE = "3f0c2f9e-3a36-4b7e-9a35-0d8f6b7f5a11"
OTHER_RELEASE = "00000000-0000-4000-8000-000000000001"
TRACK = "8a1f1b52-6a0c-4f3e-8f5e-2b1f6f0a9c01"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html"}
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class TestClock:
    """A clock that stands still until it is moved."""

    __test__ = False

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass(frozen=True)
class Authority:
    """A certificate authority for tests, and what it certified."""

    ca: trustme.CA

    @property
    def pem(self) -> bytes:
        return self.ca.cert_pem.bytes()

    def certify(self, host: str) -> tuple[LocalSigner, CertificateChain]:
        issued = self.ca.issue_cert(host, key_type=trustme.KeyType.ECDSA)
        signer = LocalSigner.from_pem(issued.private_key_pem.bytes(), None)
        return signer, load_chain_pem(b"".join(blob.bytes() for blob in issued.cert_chain_pems))


@dataclass
class Coop:
    """Issues what the tests ask for."""

    signer: LocalSigner
    x5c: list[str]
    clock: TestClock
    url: str = COOP

    def issue(self, holder: LocalSigner, vct: str = RELEASE_OWNERSHIP.vct, **claims: Any) -> str:
        kind = BY_VCT.get(vct, RELEASE_OWNERSHIP)
        disclosable = dict.fromkeys(kind.claim_names, "none") | {kind.subject_claim: RELEASE} | claims
        return build_sd_jwt_vc(
            vct=vct,
            issuer=self.url,
            holder_key=holder.public_key,
            issued_at=int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()),
            disclosable=disclosable,
            digest_count=kind.digest_count,
            signer=self.signer,
            x5c=self.x5c,
            random=secrets.token_bytes,
        )


@dataclass
class Visitor:
    """One browser with its cookies, and the wallet beside it."""

    http: httpx.AsyncClient
    coop: Coop
    clock: TestClock
    anchor: bytes
    holder: LocalSigner = field(default_factory=LocalSigner.generate)
    visit: str = ""
    links: dict[str, str] = field(default_factory=dict)

    @property
    def visit_path(self) -> str:
        return urlsplit(self.visit).path

    async def start(self, gate: Gate) -> Visitor:
        reply = await self.http.post(f"/gates/{gate.gate_id}/visits", headers=JSON)
        assert reply.status_code == 201, reply.text
        started = reply.json()
        self.visit = started["visit"]
        self.links = {device: started[device] for device in ("same_device", "cross_device")}
        return self

    async def fetch_request(self, device: str = "same_device") -> AuthorizationRequest:
        reference = parse_request_link(self.links[device])
        reply = await self.http.get(reference.request_uri)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"] == "application/oauth-authz-req+jwt"
        return verify_request_object(reply.text, reference=reference, anchors=(self.anchor,), at=self.clock())

    def present(self, request: AuthorizationRequest, **changes: Any) -> str:
        made = {
            "credential": None,
            "disclose": ("release",),
            "nonce": request.nonce,
            "audience": request.client_id,
            "signer": self.holder,
            "issued_at": int(self.clock().timestamp()),
        } | changes
        credential = made.pop("credential") or self.coop.issue(self.holder)
        return build_presentation(parse_sd_jwt(credential), **made)

    def answer(self, request: AuthorizationRequest, **changes: Any) -> bytes:
        query = changes.pop("query", "release")
        state = changes.pop("state", request.state)
        presentation = self.present(request, **changes)
        return AuthorizationResponse(vp_token={query: (presentation,)}, state=state).to_form()

    async def send(self, request: AuthorizationRequest, form: bytes) -> httpx.Response:
        return await self.http.post(request.response_uri, content=form, headers=FORM)

    async def pass_gate(self, gate: Gate, device: str = "cross_device") -> Visitor:
        await self.start(gate)
        request = await self.fetch_request(device)
        reply = await self.send(request, self.answer(request))
        assert reply.status_code == 200, reply.text
        if device == "same_device":
            back = await self.http.get(reply.json()["redirect_uri"], headers=JSON)
            assert back.json() == {"visit": self.visit}
        return self


@dataclass
class Site:
    """The verifier under test, and doors into it."""

    app: FastAPI
    parts: VerifierParts
    database: Database
    clock: TestClock
    coop: Coop
    authority: Authority
    folder: Path

    def visitor(self) -> Visitor:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url=ARTIST)
        return Visitor(http=client, coop=self.coop, clock=self.clock, anchor=self.authority.pem)

    def save_gate(self, gate: Gate) -> Gate:
        with self.parts.work.write() as stores:
            stores.save_gate(gate, now=self.clock())
        return gate

    def dump(self) -> bytes:
        """Return every byte that the database keeps."""
        return everything_in(self.database)

    def verify_grant(self, grant: str) -> Grant:
        key = self.parts.grant_signer.public_key
        return verify_grant(grant, keys={key.thumbprint: key}, audience=TRACKS, at=self.clock(), issuer=ARTIST)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority(trustme.CA(key_type=trustme.KeyType.ECDSA))


@pytest.fixture(scope="session")
def certified(authority: Authority) -> dict[str, tuple[LocalSigner, CertificateChain]]:
    return {host: authority.certify(host) for host in ("coop.localhost", "artist.localhost")}


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def coop(certified: dict[str, tuple[LocalSigner, CertificateChain]], clock: TestClock) -> Coop:
    signer, chain = certified["coop.localhost"]
    return Coop(signer=signer, x5c=chain.x5c(), clock=clock)


@pytest.fixture
def trackserver() -> FastAPI:
    """The trackserver that the site's fetcher reaches; tests add what it answers."""
    return FastAPI()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(fresh_database("verifier", tmp_path))
    yield database
    database.close()


def trust_coop(parts: VerifierParts, authority: Authority, *, now: datetime) -> None:
    trusted = TrustedIssuer(
        issuer=COOP, name="Sound Commons", anchors=(authority.pem,), types=frozenset(each.vct for each in ALL)
    )
    with parts.work.write() as stores:
        stores.save_issuer("main", trusted, now=now)


@pytest_asyncio.fixture
async def site(
    tmp_path: Path,
    database: Database,
    authority: Authority,
    certified: dict[str, tuple[LocalSigner, CertificateChain]],
    clock: TestClock,
    coop: Coop,
    trackserver: FastAPI,
) -> AsyncIterator[Site]:
    signer, chain = certified["artist.localhost"]
    fetcher = HttpFetcher(Reach.LOOPBACK, transport=httpx.ASGITransport(app=trackserver))

    async def close() -> None:
        await fetcher.close()

    party, work = Party(base_url=ARTIST, site="main", name="The Long Way Home"), SqlWork(database, site="main")
    parts = VerifierParts(
        party=party,
        work=work,
        request_signer=RequestSigner(signer=signer, x5c=tuple(chain.x5c())),
        grant_signer=LocalSigner.generate(),
        guard=FormGuard(b"f" * 32),
        pages=Pages(TEMPLATES, site_name="The Long Way Home"),
        fetcher=fetcher,
        statuses=StatusKeeper(work, fetcher, party=party, policy=StatusPolicy.REFUSE),
        clock=clock,
        close=close,
        door_keys=DoorKeys(b"d" * 32),
    )
    trust_coop(parts, authority, now=clock())
    app = build_verifier_app(parts)
    yield Site(app=app, parts=parts, database=database, clock=clock, coop=coop, authority=authority, folder=tmp_path)
    await close()


@pytest.fixture
def gate(site: Site) -> Gate:
    return site.save_gate(make_gate(OwnsRelease(release_id=RELEASE), clock=site.clock))


@pytest.fixture
def track_gate(site: Site) -> Gate:
    return site.save_gate(make_gate(OwnsTrack(track_id=TRACK, release_id=RELEASE), clock=site.clock))


def make_gate(requirement: Requirement, *, clock: TestClock, **changes: Any) -> Gate:
    single = isinstance(requirement, OwnsTrack)
    opens = Opens(
        trackserver=TRACKS,
        release_id=RELEASE,
        track_ids=(TRACK,) if single else (),
        kind="track" if single else "EPRelease",
        title="Low Tide",
        artist="Marrow & Vale",
        tracks=(TrackInside(number=1, title="Harbour <b>Lights</b>"), TrackInside(number=2, title="Undertow")),
        package="original",
        files=(FileOnOffer(format="flac", size_bytes=31_000_000), FileOnOffer(format="mp3", size_bytes=200_000)),
        size_bytes=31_200_000,
    )
    gate = Gate(
        gate_id=secrets.token_urlsafe(16),
        site="main",
        title="Low Tide",
        requirement=requirement,
        terms=Terms.default(title="Low Tide", artist="Marrow & Vale"),
        opens=opens,
        created_at=clock(),
    )
    return replace(gate, **changes)


def owns_track(visitor: Visitor, track: str = TRACK) -> str:
    return visitor.coop.issue(visitor.holder, TRACK_OWNERSHIP.vct, track=track)


def response_code_of(redirect_uri: str) -> str:
    return parse_qs(urlsplit(redirect_uri).query)["response_code"][0]

"""A co-op on a temporary SQLite file with real migrations, and a wallet that speaks to it over ASGI."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
import trustme

from credentials.bbs import ProverBlind, ProverNym, commit_nym
from credentials.keys.certificates import load_chain_pem
from credentials.keys.signer import LocalSigner
from credentials.protocols.dpop import build_dpop_proof
from credentials.protocols.openid4vci import (
    PRE_AUTHORIZED_CODE_GRANT,
    Form,
    build_commitment_jwt,
    build_proof_jwt,
    split_name,
)
from issuer.app import build_app
from issuer.catalogue import parse_description
from issuer.identity import Identity
from issuer.ledger import Act, BuyRelease, BuyTrack, Entry, Play
from issuer.linked_keys import LinkedKeys
from issuer.listeners import Listener
from issuer.parts import TEMPLATES, IssuerParts
from issuer.policy import WalletPolicy
from issuer.secrets import OfferSecrets
from issuer.service.catalogue import Fetched, keep_release
from issuer.service.logins import make_login_link
from issuer.service.offers import OfferDesk, choose_copies
from issuer.service.record import record
from issuer.store import Store
from plumbing.database import Database
from plumbing.ids import new_internal_id
from plumbing.web.csrf import FormGuard
from plumbing.web.pages import Pages
from tests.support.databases import fresh_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from issuer.catalogue import Cover, Release
    from issuer.copies import Copy
    from issuer.offers import Open

URL = "http://coop.localhost:8701"
NO_POLICY = WalletPolicy()
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
RELEASE = "9d0f6a1e-2c53-4a4f-8f7d-1a2b3c4d5e6f"
TRACKS = tuple(f"3f1c2a70-5a1f-4b0e-9b1e-0c6a5f0d7e1{n}" for n in (1, 2, 3))
SOURCE = f"http://tracks.localhost:8702/releases/{RELEASE}"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def description(release: str = RELEASE, track_ids: tuple[str, ...] = TRACKS, **changed: Any) -> dict[str, Any]:
    """What a trackserver says of a release."""
    return {
        "id": release,
        "title": "Night Bus EP",
        "artist": "The Long Way Home",
        "release_type": "EPRelease",
        "date": "2026-10-01",
        "gtin": None,
        "cover": None,
        "tracks": [
            {
                "id": track,
                "number": n,
                "title": f"Stop {n}",
                "artist": "The Long Way Home",
                "isrc": None,
                "duration_s": 61,
            }
            for n, track in enumerate(track_ids, 1)
        ],
        "packages": [{"format": "original", "bytes": 1234}],
        **changed,
    }


@dataclass
class Coop:
    """The co-op under test, with a clock that stands until it is moved."""

    parts: IssuerParts
    app: FastAPI
    authority: trustme.CA
    now: datetime = NOW

    def listener(self, name: str | None = None, email: str | None = None, birth_date: str | None = None) -> str:
        listener = Listener.parse(listener_id=new_internal_id(self.now), name=name, email=email, birth_date=birth_date)
        with self.parts.database.write() as session:
            Store(session).add_listener(listener, now=self.now)
        return listener.id

    def add_release(
        self, body: dict[str, Any] | None = None, *, source: str = SOURCE, cover: Cover | None = None, free: Any = None
    ) -> Release:
        described = parse_description(json.dumps(body or description()).encode(), source_url=source)
        with self.parts.database.write() as session:
            return keep_release(Store(session), Fetched(described=described, cover=cover), free=free)

    def write(self, listener: str, act: Act, key: str | None = None) -> Entry:
        with self.parts.database.write() as session:
            return record(Store(session), listener=listener, act=act, key=key or secrets.token_hex(8), now=self.now)

    def play(self, listener: str, track: str, times: int = 1, seconds: int = 60) -> None:
        for _ in range(times):
            self.write(listener, Play(track=track, seconds=seconds))

    def buy(self, listener: str, thing: str) -> Entry:
        return self.write(listener, BuyRelease(release=thing) if thing == RELEASE else BuyTrack(track=thing))

    def copies(self, listener: str) -> list[Copy]:
        with self.parts.database.read() as session:
            return list(Store(session).copies(listener))

    def owner(self, **about: str) -> str:
        """A listener who bought the whole release."""
        listener = self.listener(**about)
        self.buy(listener, RELEASE)
        return listener

    def offer(self, listener: str, copies: list[str] | None = None) -> Open:
        with self.parts.database.write() as session:
            store = Store(session)
            chosen = choose_copies(store, listener=listener, copy_ids=copies)
            return self.parts.desk.make(store, chosen, listener=listener, now=self.now)

    def code(self, offer: Open) -> str:
        return self.parts.desk.secrets.code(offer.id)

    def tx_code(self, offer: Open) -> str:
        return self.parts.desk.secrets.tx_code(offer.id)

    def login_token(self, listener: str) -> str:
        with self.parts.database.write() as session:
            return make_login_link(Store(session), listener=listener, now=self.now)

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def rows(self, table: Any) -> int:
        from sqlmodel import func, select  # noqa: PLC0415

        with self.parts.database.read() as session:
            return session.exec(select(func.count()).select_from(table)).one()


@dataclass
class Wallet:
    """A wallet with one DPoP key; every step can be done wrongly by changing an argument."""

    coop: Coop
    http: httpx.AsyncClient
    dpop: LocalSigner = field(default_factory=LocalSigner.generate)
    nyms: dict[str, tuple[ProverNym, ProverBlind]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def proof_of_possession(self, path: str, access_token: str | None = None, **changed: Any) -> str:
        arguments: dict[str, Any] = {
            "signer": self.dpop,
            "method": "POST",
            "url": URL + path,
            "issued_at": int(self.coop.now.timestamp()),
            "jti": secrets.token_hex(16),
            "access_token": access_token,
        }
        return build_dpop_proof(**{**arguments, **changed})

    async def token(
        self, offer: Open, tx_code: str | None = "right", *, dpop: str | None = "new", **form: str
    ) -> httpx.Response:
        fields = {"grant_type": PRE_AUTHORIZED_CODE_GRANT, "pre-authorized_code": self.coop.code(offer)}
        if tx_code is not None:
            fields["tx_code"] = self.coop.tx_code(offer) if tx_code == "right" else tx_code
        headers = {} if dpop is None else {"DPoP": self.proof_of_possession("/token") if dpop == "new" else dpop}
        return self._note(await self.http.post("/token", data={**fields, **form}, headers=headers))

    def _note(self, answer: httpx.Response) -> httpx.Response:
        for detail in answer.json().get("authorization_details", ()):
            self.labels.update(detail.get("handstamp_commitments", {}))
        return answer

    async def nonce(self) -> str:
        answer = await self.http.post("/nonce")
        assert answer.status_code == 200
        return str(answer.json()["c_nonce"])

    def key_proofs(self, nonce: str, keys: list[LocalSigner], audience: str = URL) -> list[str]:
        now = int(self.coop.now.timestamp())
        return [build_proof_jwt(signer=key, audience=audience, nonce=nonce, issued_at=now) for key in keys]

    async def credential(self, access_token: str, body: Any, *, dpop: str | None = None) -> httpx.Response:
        headers = {
            "Authorization": f"DPoP {access_token}",
            "DPoP": dpop or self.proof_of_possession("/credential", access_token),
            "Content-Type": "application/json",
        }
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post("/credential", content=content, headers=headers)

    async def refresh(
        self, refresh_token: str, *, dpop: str | None = "new", headers: dict[str, str] | None = None, **form: str
    ) -> httpx.Response:
        fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        proof = {} if dpop is None else {"DPoP": self.proof_of_possession("/token") if dpop == "new" else dpop}
        return self._note(await self.http.post("/token", data={**fields, **form}, headers={**proof, **(headers or {})}))

    async def post(
        self, path: str, access_token: str, body: Any, *, bearer: bool = False, content_type: str = "application/json"
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {access_token}" if bearer else f"DPoP {access_token}"}
        if not bearer:
            headers["DPoP"] = self.proof_of_possession(path, access_token)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post(path, content=content, headers={**headers, "Content-Type": content_type})

    async def ask(self, access_token: str, identifier: str, keys: list[LocalSigner] | None = None) -> httpx.Response:
        """Ask for a copy with what its form wants; every scope of one copy and release has one nym."""
        form = split_name(identifier)[1]
        body: dict[str, Any] = {"credential_identifier": identifier}
        if form and form.needs_commitment:
            body["proofs"] = {"bbs2023_commitment": [self.commitment(await self.nonce(), self.label_of(identifier))]}
        elif form is not Form.BBS:
            body["proofs"] = {"jwt": self.key_proofs(await self.nonce(), keys or [LocalSigner.generate()])}
        return await self.credential(access_token, body)

    def label_of(self, identifier: str) -> str:
        """The label that came with the token; the identifier itself before any did."""
        return self.labels.get(identifier, identifier)

    def commitment(self, nonce: str, label: str, **changed: Any) -> str:
        """A commitment to the nym of a scope, with the same blind each time."""
        if label not in self.nyms:
            self.nyms[label] = ProverNym.generate(secrets.token_bytes), ProverBlind.generate(secrets.token_bytes)
        nym, blind = self.nyms[label]
        made = commit_nym(nym, random=secrets.token_bytes, blind=blind)
        arguments: dict[str, Any] = {
            "signer": LocalSigner.generate(),
            "audience": URL,
            "nonce": nonce,
            "issued_at": int(self.coop.now.timestamp()),
            "commitment_with_proof": made.commitment_with_proof,
        }
        return build_commitment_jwt(**{**arguments, **changed})


@cache
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@cache
def certified_key() -> tuple[bytes, bytes]:
    leaf = authority().issue_cert("coop.localhost", key_type=trustme.KeyType.ECDSA)
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return leaf.private_key_pem.bytes(), chain


@cache
def linked_keys() -> LinkedKeys:
    return LinkedKeys.generate()


@cache
def pages() -> Pages:
    return Pages(TEMPLATES, site_name="Sound Commons")


class Standing:
    """Lets one application serve one co-op after another: building it takes longer than what most tests do with it."""

    def __init__(self) -> None:
        self._parts: IssuerParts | None = None
        self._app: FastAPI | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parts, name)

    def serve(self, parts: IssuerParts) -> FastAPI:
        self._parts = parts
        self._app = self._app or build_app(cast("IssuerParts", self))
        return self._app


_free: list[Standing] = []


def make_coop(
    folder: Path, *, url: str = URL, policy: WalletPolicy = NO_POLICY, standing: Standing | None = None
) -> Coop:
    key_pem, chain_pem = certified_key()
    coop: Coop
    parts = IssuerParts(
        database=Database(fresh_database("issuer", folder)),
        identity=Identity.build(
            url=url,
            name="Sound Commons",
            signer=LocalSigner.from_pem(key_pem, None),
            linked=linked_keys(),
            chain=load_chain_pem(chain_pem),
        ),
        desk=OfferDesk(issuer_url=url, secrets=OfferSecrets(key=secrets.token_bytes(32)), haip=policy.haip),
        forms=FormGuard(secrets.token_bytes(32)),
        pages=pages(),
        clock=lambda: coop.now,
        random=secrets.token_bytes,
        policy=policy,
    )
    app = standing.serve(parts) if standing else build_app(parts)
    coop = Coop(parts=parts, app=app, authority=authority())
    return coop


@pytest.fixture
def coop(tmp_path: Path) -> Iterator[Coop]:
    standing = _free.pop() if _free else Standing()
    made = make_coop(tmp_path, standing=standing)
    made.add_release()
    yield made
    made.parts.database.close()
    _free.append(standing)


@pytest.fixture
async def browser(coop: Coop) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(coop.app), base_url=URL) as client:
        yield client


@pytest.fixture
async def wallet(coop: Coop) -> AsyncIterator[Wallet]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(coop.app), base_url=URL) as client:
        yield Wallet(coop, client)

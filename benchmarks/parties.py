"""A co-op with a wallet and a site with a wallet, as the measured flows need them; whom they ask is an argument."""

import contextlib
import io
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Self

import structlog
import trustme

from benchmarks.asgi import Server
from benchmarks.statuses import GOOD_FOR, Statuses
from benchmarks.wire import Asker
from credentials.encoding.strict_json import Json, dump
from credentials.keys.signer import LocalSigner
from credentials.protocols.dpop import build_dpop_proof
from credentials.protocols.openid4vci import (
    CredentialRequest,
    CredentialResponse,
    NonceResponse,
    TokenRequest,
    TokenResponse,
    build_proof_jwt,
)
from credentials.protocols.openid4vp import AuthorizationResponse, parse_request_link, verify_request_object
from credentials.sd_jwt import SdJwt, build_presentation, build_sd_jwt_vc, parse_sd_jwt
from credentials.trust import TrustedIssuer
from handstamp.composition.issuer import KEY_NAME, issuer_keys
from handstamp.composition.issuer_service import compose_service
from handstamp.composition.verifier import REQUEST_KEY, compose_verifier
from handstamp.composition.verifier_service import build_app as build_verifier_app
from handstamp.settings import Settings
from issuer.app import build_app as build_issuer_app
from issuer.catalogue import parse_description
from issuer.copies import CopyKind
from issuer.ledger import BuyRelease
from issuer.listeners import Listener
from issuer.parts import IssuerParts
from issuer.service.catalogue import Fetched, keep_release
from issuer.service.offers import choose_copies
from issuer.service.record import record
from issuer.store import Store
from plumbing.clock import epoch_s, system_clock
from plumbing.ids import new_internal_id
from plumbing.logs import configure
from schemas import ALL, RELEASE_OWNERSHIP
from verifier.gates import Gate, Opens, Terms, TrackInside
from verifier.parts import VerifierParts
from verifier.proofs import OwnsRelease
from verifier.releases import FileOnOffer
from verifier.statuses import KeptList

RELEASE: Final = "3f0c2f9e-3a36-4b7e-9a35-0d8f6b7f5a11"
_TRACKS: Final = "http://tracks.localhost:8702"
_FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
Flow = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A credential, and the key that it is bound to."""

    key: LocalSigner
    credential: SdJwt


@dataclass(frozen=True, slots=True, kw_only=True)
class Coop:
    """The issuer, with one listener who owns one release, and a wallet; `keys` are holder keys made ahead."""

    server: Server
    parts: IssuerParts
    listener: str
    wallet: LocalSigner = field(default_factory=LocalSigner.generate)
    turn: Iterator[int] = field(default_factory=count)
    keys: list[LocalSigner] = field(default_factory=list)

    @classmethod
    def build(cls, settings: Settings, authority: trustme.CA) -> Self:
        """Start a co-op in a folder of its own."""
        _install(authority, "coop.localhost", issuer_keys(settings).install, KEY_NAME)
        parts = compose_service(settings)
        with parts.database.write() as session:
            store, now = Store(session), parts.clock()
            keep_release(store, Fetched(described=parse_description(_description(), source_url=_source()), cover=None))
            listener = Listener.parse(listener_id=new_internal_id(now), name=None, email=None, birth_date=None)
            store.add_listener(listener, now=now)
            record(store, listener=listener.id, act=BuyRelease(release=RELEASE), key="bought", now=now)
        return cls(server=Server(build_issuer_app(parts)), parts=parts, listener=listener.id)

    def flow(self, instances: int) -> Flow:
        """Return the flow: an offer is made and fetched, a token, a nonce, a credential in several instances."""

        async def issue() -> None:
            await self.receive(self.server, self._make_offer(), instances)

        return issue

    async def receive(self, server: Asker, offer_id: str, instances: int) -> None:
        """Take an offer as a wallet does: fetch it, then a token, a nonce, and a credential in several instances."""
        url, ask = self.parts.identity.url, server.request
        await ask("GET", f"{url}/offers/{offer_id}")
        codes = self.parts.desk.secrets
        form = TokenRequest(pre_authorized_code=codes.code(offer_id), tx_code=codes.tx_code(offer_id)).to_form()
        answer = await ask("POST", f"{url}/token", headers=_FORM | self._dpop(f"{url}/token"), body=form)
        token = TokenResponse.parse(answer.body)
        nonce = NonceResponse.parse((await ask("POST", f"{url}/nonce")).body).c_nonce
        wanted = token.authorization_details[0].credential_identifiers[0]
        asked = CredentialRequest(credential_identifier=wanted, proofs=self._proofs(nonce, instances))
        headers = {"authorization": f"DPoP {token.access_token}", "content-type": "application/json"}
        headers |= self._dpop(f"{url}/credential", token.access_token)
        answer = await ask("POST", f"{url}/credential", headers=headers, body=dump(asked.to_json()))
        assert len(CredentialResponse.parse(answer.body).credentials) == instances

    def make_offers(self, count: int) -> list[str]:
        """Make offers ahead, each of another track in turn and by itself; `server` counts what they take."""
        return [self._make_offer() for _ in range(count)]

    def _make_offer(self) -> str:
        """Do what the page's button does, without the page."""
        began = time.process_time()
        with self.parts.database.write() as session:
            offer_id = self._offer_track(Store(session))
        self.server.cpu_s += time.process_time() - began
        return offer_id

    def _offer_track(self, store: Store) -> str:
        # Track after track, so that none gets more instances than one listener ever has of it.
        chosen = choose_copies(store, listener=self.listener, copy_ids=None)
        tracks = [copy for copy in chosen if copy.kind is CopyKind.TRACK]
        offered = [tracks[next(self.turn) % len(tracks)]]
        return self.parts.desk.make(store, offered, listener=self.listener, now=self.parts.clock()).id

    def _dpop(self, url: str, access_token: str | None = None) -> dict[str, str]:
        proof = build_dpop_proof(
            signer=self.wallet,
            method="POST",
            url=url,
            issued_at=epoch_s(self.parts.clock()),
            jti=secrets.token_hex(16),
            access_token=access_token,
        )
        return {"dpop": proof}

    def _proofs(self, nonce: str, instances: int) -> tuple[str, ...]:
        url, now_s = self.parts.identity.url, epoch_s(self.parts.clock())
        keys = [self.keys.pop() if self.keys else LocalSigner.generate() for _ in range(instances)]
        return tuple(build_proof_jwt(signer=key, audience=url, nonce=nonce, issued_at=now_s) for key in keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The verifier, with one gate, and a wallet that holds the release."""

    server: Server
    parts: VerifierParts
    url: str
    gate: str
    anchor: bytes
    credential: Callable[[LocalSigner], str]

    @classmethod
    def build(cls, settings: Settings, authority: trustme.CA) -> Self:
        """Start a site in a folder of its own."""
        tools = compose_verifier(settings)
        _install(authority, "artist.localhost", tools.keys.install, REQUEST_KEY)
        anchor, now = authority.cert_pem.bytes(), system_clock()
        types = frozenset(kind.vct for kind in ALL)
        trusted = TrustedIssuer(issuer=settings.issuer.base_url, name="Co-op", anchors=(anchor,), types=types)
        gate = _gate(settings.verifier.site)
        issue, kept = _credentials(settings)
        with tools.work.write() as stores:
            stores.save_issuer(settings.verifier.site, trusted, now=now)
            stores.save_gate(gate, now=now)
            stores.save_status_list(kept)
        tools.database.close()
        app = build_verifier_app(settings)
        return cls(
            server=Server(app),
            parts=app.state.verifier,
            url=settings.verifier.base_url,
            gate=gate.gate_id,
            anchor=anchor,
            credential=issue,
        )

    async def close(self) -> None:
        """Let go of the database."""
        await self.parts.close()

    async def present(self) -> None:
        """Visit, request object, answer, result; on one device."""
        await self.show(self.server, self.hold())

    def hold(self) -> Held:
        """Give a new holder a credential."""
        holder = LocalSigner.generate()
        return Held(key=holder, credential=parse_sd_jwt(self.credential(holder)))

    async def show(self, server: Asker, held: Held) -> None:
        """Pass the gate as a browser and a wallet on one device do."""
        ask = server.request
        json = {"accept": "application/json"}
        started = await ask("POST", f"{self.url}/gates/{self.gate}/visits", headers=json, status=201)
        reference = parse_request_link(started.text_of("same_device"))
        signed = (await ask("GET", reference.request_uri)).body.decode()
        request = verify_request_object(signed, reference=reference, anchors=(self.anchor,), at=system_clock())
        presentation = build_presentation(
            held.credential,
            disclose=("release",),
            nonce=request.nonce,
            audience=request.client_id,
            issued_at=epoch_s(system_clock()),
            signer=held.key,
        )
        answer = AuthorizationResponse(vp_token={"release": (presentation,)}, state=request.state).to_form()
        taken = await ask("POST", request.response_uri, headers=_FORM, body=answer)
        back = json | {"cookie": started.cookies()}
        result = await ask("GET", taken.text_of("redirect_uri"), headers=back)
        assert result.text_of("visit") == started.text_of("visit")


@contextlib.contextmanager
def logs_to_nowhere() -> Iterator[None]:
    """Let lines be written as in production, but to nowhere."""
    before = structlog.get_config()
    configure()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(io.StringIO()))
    try:
        yield
    finally:
        structlog.configure(**before)


def _install(authority: trustme.CA, host: str, install: Callable[..., object], name: str) -> None:
    leaf = authority.issue_cert(host, key_type=trustme.KeyType.ECDSA)
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    install(name, key_pem=leaf.private_key_pem.bytes(), chain_pem=chain)


def _credentials(settings: Settings) -> tuple[Callable[[LocalSigner], str], KeptList]:
    """Return what issues a credential for the release to a holder, with the co-op's key, without the co-op.

    And the list of their statuses, as a site keeps it that fetched it ahead of need.
    """
    keys, now, url = issuer_keys(settings), system_clock(), settings.issuer.base_url
    signer, chain = keys.signer(KEY_NAME), keys.chain(KEY_NAME)
    assert chain is not None
    x5c = chain.x5c()
    statuses = Statuses.build(issuer=url, signer=signer, x5c=x5c, now=now)

    def issue(holder: LocalSigner) -> str:
        return build_sd_jwt_vc(
            vct=RELEASE_OWNERSHIP.vct,
            issuer=url,
            holder_key=holder.public_key,
            issued_at=int(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()),
            disclosable=dict.fromkeys(RELEASE_OWNERSHIP.claim_names, "none") | {"release": RELEASE},
            digest_count=RELEASE_OWNERSHIP.digest_count,
            signer=signer,
            x5c=x5c,
            random=secrets.token_bytes,
            status=statuses.draw(),
        )

    return issue, KeptList(
        uri=statuses.uri,
        issuer=url,
        token=statuses.token,
        etag=None,
        issued_at=epoch_s(now),
        fetched_at=now,
        fetch_after=now + GOOD_FOR,
    )


def _source() -> str:
    return f"{_TRACKS}/releases/{RELEASE}"


def _description() -> bytes:
    """Describe a three-track EP, as a trackserver does."""
    tracks: list[Json] = [
        {
            "id": f"3f1c2a70-5a1f-4b0e-9b1e-0c6a5f0d7e1{number}",
            "number": number,
            "title": f"Stop {number}",
            "artist": "The Long Way Home",
            "isrc": None,
            "duration_s": 61,
        }
        for number in (1, 2, 3)
    ]
    return dump(
        {
            "id": RELEASE,
            "title": "Night Bus EP",
            "artist": "The Long Way Home",
            "release_type": "EPRelease",
            "date": "2026-10-01",
            "gtin": None,
            "cover": None,
            "tracks": tracks,
            "packages": [{"format": "original", "bytes": 1234}],
        }
    )


def _gate(site: str) -> Gate:
    opens = Opens(
        trackserver=_TRACKS,
        release_id=RELEASE,
        track_ids=(),
        kind="EPRelease",
        title="Night Bus EP",
        artist="The Long Way Home",
        tracks=(TrackInside(number=1, title="Stop 1"), TrackInside(number=2, title="Stop 2")),
        package="original",
        files=(FileOnOffer(format="flac", size_bytes=31_000_000),),
        size_bytes=31_000_000,
    )
    return Gate(
        gate_id=secrets.token_urlsafe(16),
        site=site,
        title="Night Bus EP",
        requirement=OwnsRelease(release_id=RELEASE),
        terms=Terms.default(title="Night Bus EP", artist="The Long Way Home"),
        opens=opens,
        created_at=system_clock(),
    )

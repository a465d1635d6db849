"""Independent Python code on what our co-op publishes and our wallet shows: polaris-oid4vp and openvc-core.

Both insist on https, so this co-op has an https address; it is asked over ASGI, everybody else over real connections.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from openvc.did.did_web import DidWebResolver
from openvc.jwt_vc_issuer import resolve_jwt_vc_issuer_key
from openvc.keys import P256KeyAgreementKey
from openvc.openid4vci import (
    parse_credential_issuer_metadata,
    parse_credential_offer,
    verify_credential_request_proofs,
)
from openvc.openid4vp import verify_encrypted_vp_response
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from openvc.status.issue import verify_status_list_token
from openvc.status.token_status_list import check_token_status
from openvc.type_metadata import validate_type_metadata
from openvc.x5c import resolve_x5c_key
from polaris_oid4vp.serve import serve
from polaris_oid4vp.status import StatedAuthority, decide_by_fetching
from polaris_oid4vp.verifier import Session, Verifier
from typing_extensions import override

from credentials.encoding import base64url
from credentials.keys.signer import LocalSigner
from credentials.protocols.oauth import parse_form
from credentials.protocols.openid4vci import CredentialRequest
from issuer.forms import CONFIGURATIONS
from plumbing.clock import system_clock
from schemas import ALL, RELEASE_OWNERSHIP, CredentialType
from tests.issuer.conftest import RELEASE
from tests.support.live import build_coop, make_offer, new_wallet, owner_of_everything, take, take_back_now
from tests.support.outside import Authority
from tests.support.recording import free_port
from tests.support.town import elsewhere
from wallet.counter import build_proofs
from wallet.errors import SiteRefused
from wallet.service.answer_request import answer, read_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.issuer.conftest import Coop
    from wallet.ports import Tools
    from wallet.state import Wallet

COOP = "https://coop.localhost"


class Network(httpx.AsyncBaseTransport):
    """The co-op over ASGI, everybody else as they are; what was sent to these is kept."""

    def __init__(self, coop: Coop) -> None:
        self._coop = httpx.ASGITransport(coop.app)
        self.sent: list[bytes] = []

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers["Host"] == "coop.localhost":
            return await self._coop.handle_async_request(request)
        self.sent.append(await request.aread())
        async with httpx.AsyncHTTPTransport() as others:
            reply = await others.handle_async_request(request)
            return httpx.Response(reply.status_code, headers=reply.headers, content=await reply.aread())


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def coop(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Coop]:
    built = build_coop(tmp_path_factory.mktemp("coop"), authority, COOP)
    yield built
    built.parts.database.close()


def ask(coop: Coop, url: str, accept: str = "application/json") -> httpx.Response:
    """Get what the co-op publishes at an address."""

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(coop.app)) as client:
            return await client.get(url, headers={"Accept": accept})

    reply = elsewhere(get())
    assert reply.status_code == 200, url
    return reply


@pytest.fixture(scope="module")
def network(coop: Coop) -> Network:
    return Network(coop)


@pytest.fixture(scope="module")
def filled(coop: Coop, network: Network, authority: Authority) -> Wallet:
    """What a wallet holds that received everything our co-op says of a listener."""
    tools, memory = new_wallet(authority, network)
    offer = make_offer(coop, owner_of_everything(coop))
    asyncio.run(take(tools, offer["offer"], offer["txCode"]))
    return memory.load()


@pytest.fixture
def stocked(network: Network, authority: Authority, filled: Wallet) -> Tools:
    tools, memory = new_wallet(authority, network)
    memory.change(lambda _: (filled, None))
    return tools


# polaris-oid4vp, certified for OpenID4VP 1.0 with HAIP 1.0: x509_hash, request by POST, direct_post.jwt.


@dataclass(slots=True)
class Door:
    """A door that polaris-oid4vp keeps; what it makes of each answer is in `verdicts`."""

    verifier: Verifier
    verdicts: list[Any]

    def ask(self) -> Session:
        session, _ = self.verifier.new_request()
        return session

    def link(self, session: Session | None = None) -> str:
        session = session or self.ask()
        return f"openid4vp://?{urlencode(self.verifier.authorization_request_params(session))}"


@pytest.fixture(scope="module")
def door(coop: Coop, authority: Authority) -> Iterator[Door]:
    port = free_port()
    url = f"http://door.localhost:{port}"
    signer, chain = authority.certify("door.localhost")
    verdicts: list[Any] = []
    verifier = Verifier(
        client_cert_pem=chain.certificates[0].public_bytes(Encoding.PEM),
        client_key_pem=signer.to_pem(None),
        request_uri=f"{url}/request.jwt",
        response_uri=f"{url}/response",
        issuer_trust_anchors=[x509.load_pem_x509_certificate(authority.pem)],
        vct_values=(RELEASE_OWNERSHIP.vct,),
        claims=("name", {"path": ["release"], "values": [RELEASE]}),
        status_resolver=status_reader(coop),
    )
    server = serve(
        verifier, host="127.0.0.1", port=port, on_verdict=lambda *answered: verdicts.append((answered[0], answered[2]))
    )
    yield Door(verifier, verdicts)
    server.shutdown()
    server.server_close()


def status_reader(coop: Coop) -> Any:
    """Let polaris-oid4vp fetch and decide our status list; the co-op's own key is stated to speak for it."""
    key = coop.parts.identity.signer.public_key

    def verified(signing_input: bytes, signature: bytes, _header: Any) -> bool:
        key.verify(signature, signing_input)
        return True

    def fetch(uri: str) -> bytes:
        return ask(coop, uri, "application/statuslist+jwt").content

    def read(*, uri: str, idx: int, issuer: str | None) -> Any:
        stated = StatedAuthority()
        stated.state(credential_issuer=issuer, status_uri=uri, verify=verified, why="the co-op's own list")
        return decide_by_fetching(index=idx, expected_uri=uri, authority=stated, fetch=fetch, credential_issuer=issuer)

    return read


async def test_our_wallet_answers_polaris(door: Door, stocked: Tools) -> None:
    read = await read_request(door.link(), tools=stocked)
    assert read.consent.site == "door.localhost"
    answered = await answer(read, tools=stocked)
    assert (answered.redirect_uri or "").endswith("/done")
    status, verdict = door.verdicts[-1]
    assert (status, verdict.authentic) == (200, True)
    assert {"name", "release"} == verdict.claims.keys() & set(RELEASE_OWNERSHIP.claim_names)
    assert verdict.issuer_subject
    assert verdict.iss_bound
    assert (verdict.revocation["state"], verdict.revocation["status"]) == ("checked", 0)


async def test_polaris_refuses_our_refunded_copy_as_revoked(
    door: Door, coop: Coop, network: Network, authority: Authority
) -> None:
    listener = coop.listener()
    coop.buy(listener, RELEASE)
    tools, _ = new_wallet(authority, network)
    offer = make_offer(coop, listener, kinds=frozenset({"release"}))
    await take(tools, offer["offer"], offer["txCode"])
    (release,) = (copy for copy in coop.copies(listener) if copy.kind.value == "release")
    take_back_now(coop, release.id)
    with pytest.raises(SiteRefused):
        await answer(await read_request(door.link(), tools=tools), tools=tools)
    assert door.verdicts[-1][1].code == "revoked"


# openvc-core, on everything that the co-op publishes and what our wallet sends.


def anchors(authority: Authority) -> list[x509.Certificate]:
    return [x509.load_pem_x509_certificate(authority.pem)]


def credentials_of(wallet: Wallet) -> dict[str, str]:
    """One instance of each type that the wallet holds."""
    return {copy.vct: copy.instances[0].credential for copy in wallet.copies}


def verify_with_openvc(credential: str, authority: Authority) -> Any:
    header = peek(credential, 0)
    key = resolve_x5c_key(header["x5c"], COOP, trust_anchors=anchors(authority))
    return SdJwtVcProofSuite().verify(credential, public_key_jwk=key)


def peek(jwt: str, part: int) -> Any:
    return json.loads(base64url.decode(jwt.partition("~")[0].split(".")[part], what="part"))


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.configuration_id)
def test_openvc_verifies_a_credential_of_each_type_with_its_status_and_what_its_type_says(
    filled: Wallet, coop: Coop, authority: Authority, kind: CredentialType
) -> None:
    verified = verify_with_openvc(credentials_of(filled)[kind.vct], authority)
    assert (verified.vct, verified.issuer) == (kind.vct, COOP)
    assert set(kind.claim_names) <= verified.claims.keys()
    status = check_token_status(verified.claims, resolve_status_list_token=lambda uri: read_list(coop, authority, uri))
    assert status is not None
    assert status.status == 0
    described = validate_type_metadata(
        verified.claims,
        vct=kind.vct,
        vct_integrity=verified.claims.get("vct#integrity"),
        resolve=lambda _: ask(coop, f"{COOP}/types/{kind.configuration_id}").content,
    )
    assert {claim["path"][0] for claim in described.claims} >= set(kind.claim_names)


def read_list(coop: Coop, authority: Authority, uri: str) -> dict[str, Any]:
    token = ask(coop, uri, "application/statuslist+jwt").text
    key = resolve_x5c_key(peek(token, 0)["x5c"], COOP, trust_anchors=anchors(authority))
    return verify_status_list_token(token, public_key_jwk=key, expected_uri=uri)


def test_openvc_finds_our_key_in_our_did_and_in_our_issuer_metadata(coop: Coop) -> None:
    own = coop.parts.identity.signer.public_key
    document = DidWebResolver(lambda url: ask(coop, url).json()).resolve("did:web:coop.localhost")
    published = coop.parts.identity.linked.signer.public_key
    # Methods of kinds that it does not know, as BBS keys are, it leaves out.
    methods = document.verification_methods
    assert [method.public_key_jwk["x"] for method in methods] == [own.jwk["x"], published.jwk["x"]]
    assert {method.id for method in methods} < set(document.relationships["assertionMethod"])
    stated = resolve_jwt_vc_issuer_key(COOP, own.thumbprint, fetch=lambda url: ask(coop, url).json())
    assert stated["x"] == own.jwk["x"]


def test_openvc_reads_our_issuer_metadata_and_our_offer(coop: Coop) -> None:
    metadata = parse_credential_issuer_metadata(ask(coop, f"{COOP}/.well-known/openid-credential-issuer").text)
    assert metadata.credential_issuer == COOP
    assert set(metadata.credential_configurations_supported) == set(CONFIGURATIONS)
    link = urlsplit(make_offer(coop, coop.owner())["offer"])
    offer = parse_credential_offer(ask(coop, parse_qs(link.query)["credential_offer_uri"][0]).text)
    assert offer.credential_issuer == COOP
    assert len(offer.grants) == 1


def test_openvc_verifies_the_key_proofs_of_our_wallet() -> None:
    keys = [LocalSigner.generate() for _ in range(4)]
    proofs = build_proofs(keys, audience=COOP, nonce="a-nonce", clock=system_clock)
    request = CredentialRequest(credential_identifier="copy", proofs=proofs)
    seen = verify_credential_request_proofs(
        request.to_json(), credential_issuer=COOP, check_nonce=lambda nonce: nonce == "a-nonce", batch_size=len(keys)
    )
    assert [each.thumbprint for each in seen] == [key.public_key.thumbprint for key in keys]


async def test_openvc_opens_and_verifies_the_encrypted_answer_of_our_wallet(
    door: Door, coop: Coop, network: Network, authority: Authority, stocked: Tools
) -> None:
    session = door.ask()
    asked = await read_request(door.link(session), tools=stocked)
    await answer(asked, tools=stocked)
    seen = verify_encrypted_vp_response(
        parse_form(network.sent[-1])["response"],
        key=P256KeyAgreementKey(session.enc_key, f"enc-{session.state}"),
        dcql_query=asked.request.dcql.to_json(),
        nonce=session.nonce,
        client_id=door.verifier.client_id,
        require_holder_binding=True,
        x5c_trust_anchors=anchors(authority),
        resolve_status_list_token=lambda uri: read_list(coop, authority, uri),
        require_status=True,
    )
    (shown,) = seen.for_query("pid")
    assert shown.raw.claims["release"] == RELEASE

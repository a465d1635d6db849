"""HAIP mode: who vouches for the wallet and its keys; and signed metadata."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    PRE_AUTHORIZED_CODE_GRANT,
    SD_JWT_VC,
    AuthorizationServerMetadata,
    CredentialResponse,
    IssuerMetadata,
    parse_signed_metadata,
)
from issuer.policy import WalletPolicy
from issuer.service.metadata import issuer_metadata
from issuer.signed_metadata import SignedMetadata, prefers_signed
from tests.issuer.conftest import URL, Coop, Wallet, make_coop
from tests.issuer.test_hostile_token import refused
from tests.support.attesting import make_provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from issuer.offers import Open

pytestmark = pytest.mark.database

PROVIDER = make_provider()
MISSING = {
    "error": "invalid_client",
    "error_description": "This co-op takes only wallets that somebody vouches for: an attestation is missing.",
}


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Wallet]:
    """A wallet at a co-op in HAIP mode."""
    coop = make_coop(tmp_path, policy=WalletPolicy(haip=True, attesters=(PROVIDER.anchor,)))
    coop.add_release()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(coop.app), base_url=URL) as client:
        yield Wallet(coop, client)
    coop.parts.database.close()


def attested(coop: Coop, **changed: Any) -> dict[str, str]:
    proof = {"audience": URL, "now": coop.now, "jti": secrets.token_hex(8), **changed}
    return {
        "OAuth-Client-Attestation": PROVIDER.attest_wallet(now=coop.now),
        "OAuth-Client-Attestation-PoP": PROVIDER.prove_wallet(**proof),
    }


async def redeem(wallet: Wallet, offer: Open, headers: dict[str, str]) -> httpx.Response:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code",
        "pre-authorized_code": wallet.coop.code(offer),
        "tx_code": wallet.coop.tx_code(offer),
    }
    proof = {"DPoP": wallet.proof_of_possession("/token")}
    return await wallet.http.post("/token", data=form, headers={**proof, **headers})


async def test_an_attested_wallet_gets_credentials_for_attested_keys(strict: Wallet) -> None:
    coop = strict.coop
    offer = coop.offer(coop.owner())
    token = (await redeem(strict, offer, attested(coop))).json()
    keys = [LocalSigner.generate() for _ in range(4)]
    attestation = PROVIDER.attest_keys(keys, nonce=await strict.nonce(), now=coop.now)
    body = {"credential_identifier": offer.copies[0].id, "proofs": {"attestation": [attestation]}}
    answer = await strict.credential(token["access_token"], body)
    assert len(CredentialResponse.parse(answer.content).credentials) == 4
    again = await strict.refresh(token["refresh_token"], headers=attested(coop))
    assert again.status_code == 200


async def test_a_wallet_that_nobody_vouches_for_gets_nothing_and_burns_nothing(strict: Wallet) -> None:
    offer = strict.coop.offer(strict.coop.owner())
    answer = await strict.token(offer)
    refused(answer, MISSING, status=401)
    elsewhere = attested(strict.coop, audience="https://another.example")
    assert (await redeem(strict, offer, elsewhere)).json()["error"] == "invalid_client"
    assert (await redeem(strict, offer, attested(strict.coop))).status_code == 200


async def test_a_proof_of_a_wallet_serves_once(strict: Wallet) -> None:
    offer = strict.coop.offer(strict.coop.owner())
    headers = attested(strict.coop)
    token = (await redeem(strict, offer, headers)).json()
    refused(
        await strict.refresh(token["refresh_token"], headers=headers),
        {
            "error": "invalid_client",
            "error_description": "The proof of the wallet attestation was used before.",
        },
        status=401,
    )


async def test_a_wallet_asks_and_redeems_only_under_the_name_that_is_vouched_for(strict: Wallet) -> None:
    asked = {
        "response_type": "code",
        "client_id": "https://another.example",
        "redirect_uri": "https://wallet.example/back",
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
        "scope": "release_ownership",
    }
    other_name = {
        "error": "invalid_client",
        "error_description": "The client_id is another than the one of the wallet attestation.",
    }
    refused(await strict.http.post("/par", data=asked, headers=attested(strict.coop)), other_name, status=401)
    refused(await strict.http.post("/par", data=asked), MISSING, status=401)
    shown = {"grant_type": "authorization_code", "code": "x", "code_verifier": "y", **asked}
    headers = {"DPoP": strict.proof_of_possession("/token"), **attested(strict.coop)}
    refused(await strict.http.post("/token", data=shown, headers=headers), other_name, status=401)
    asked["client_id"] = "https://wallet.example"
    assert (await strict.http.post("/par", data=asked, headers=attested(strict.coop))).status_code == 201


async def test_an_offer_in_haip_mode_can_also_be_taken_by_logging_in(strict: Wallet, wallet: Wallet) -> None:
    for each, grants in (
        (strict, {AUTHORIZATION_CODE_GRANT, PRE_AUTHORIZED_CODE_GRANT}),
        (wallet, {PRE_AUTHORIZED_CODE_GRANT}),
    ):
        offer = await each.http.get(f"/offers/{each.coop.offer(each.coop.owner()).id}")
        assert offer.json()["grants"].keys() == grants


async def test_there_is_no_bearer_token_in_haip_mode(strict: Wallet) -> None:
    answer = await strict.token(strict.coop.offer(strict.coop.owner()), dpop=None)
    refused(answer, {"error": "invalid_dpop_proof", "error_description": "The DPoP header is missing."})


async def test_a_key_that_nobody_attested_is_refused_in_haip_mode(strict: Wallet) -> None:
    offer = strict.coop.offer(strict.coop.owner())
    token = (await redeem(strict, offer, attested(strict.coop))).json()["access_token"]
    refused(
        await strict.ask(token, offer.copies[0].id),
        {
            "error": "invalid_proof",
            "error_description": "This co-op gives records only to keys with a key attestation.",
        },
    )


async def test_an_attestation_for_a_used_nonce_is_refused(strict: Wallet) -> None:
    offer = strict.coop.offer(strict.coop.owner())
    token = (await redeem(strict, offer, attested(strict.coop))).json()["access_token"]
    nonce = await strict.nonce()
    answers = []
    for _ in range(2):
        attestation = PROVIDER.attest_keys([LocalSigner.generate()], nonce=nonce, now=strict.coop.now)
        body = {"credential_identifier": offer.copies[0].id, "proofs": {"attestation": [attestation]}}
        answers.append(await strict.credential(token, body))
    assert answers[0].status_code == 200
    assert answers[1].json()["error"] == "invalid_nonce"


async def test_the_metadata_says_what_is_demanded(strict: Wallet) -> None:
    found = await strict.http.get("/.well-known/openid-credential-issuer")
    for configuration in IssuerMetadata.parse(found.content, issuer=URL).configurations:
        # What is bound to no key needs none attested.
        bound = bool(configuration.proof_algorithms)
        assert configuration.key_attestation_required is bound
        assert configuration.attestation_algorithms == (("ES256",) if bound else ())
        assert configuration.scope
    found = await strict.http.get("/.well-known/oauth-authorization-server")
    server = AuthorizationServerMetadata.parse(found.content, issuer=URL)
    assert server.token_endpoint_auth_methods_supported == ("attest_jwt_client_auth",)
    assert not server.anonymous_pre_authorized


async def test_an_attestation_is_checked_where_it_is_not_demanded_and_ignored_where_nobody_is_trusted(
    tmp_path: Path, wallet: Wallet, coop: Coop
) -> None:
    offer = coop.offer(coop.owner())
    assert (await redeem(wallet, offer, {"OAuth-Client-Attestation": "nonsense"})).status_code == 200
    folder = tmp_path / "other"
    folder.mkdir()
    lenient = make_coop(folder, policy=WalletPolicy(attesters=(PROVIDER.anchor,)))
    lenient.add_release()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(lenient.app), base_url=URL) as client:
        guest = replace(wallet, coop=lenient, http=client)
        offer = lenient.offer(lenient.owner())
        refused(await redeem(guest, offer, {"OAuth-Client-Attestation": "nonsense"}), MISSING, status=401)
        assert (await guest.token(offer)).status_code == 200
    lenient.parts.database.close()


# Signed metadata


async def test_who_prefers_signed_metadata_gets_it_signed_by_the_certificate_of_the_host(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    plain = await browser.get("/.well-known/openid-credential-issuer")
    signed = await browser.get("/.well-known/openid-credential-issuer", headers={"Accept": "application/jwt"})
    assert signed.headers["content-type"] == "application/jwt"
    assert (plain.headers["vary"], signed.headers["vary"]) == ("Accept", "Accept")
    read = parse_signed_metadata(signed.text, issuer=URL, anchors=(coop.authority.cert_pem.bytes(),), at=coop.now)
    assert read == IssuerMetadata.parse(plain.content, issuer=URL)
    tag = {"Accept": "application/jwt", "If-None-Match": signed.headers["etag"]}
    assert (await browser.get("/.well-known/openid-credential-issuer", headers=tag)).status_code == 304


@pytest.mark.parametrize("kind", list(KeyKind), ids=str)
def test_the_metadata_names_the_algorithm_of_the_key_that_signs(coop: Coop, kind: KeyKind) -> None:
    identity = replace(coop.parts.identity, signer=LocalSigner.generate(kind))
    said = issuer_metadata(identity)
    instances = [each for each in said.configurations if each.format == SD_JWT_VC]
    assert {each.signing_algorithms for each in instances} == {(identity.signer.algorithm,)}


def test_metadata_is_signed_once_an_hour_and_not_with_an_expired_certificate(coop: Coop) -> None:
    metadata = IssuerMetadata(credential_issuer=URL, credential_endpoint=f"{URL}/credential", configurations=())
    signing = SignedMetadata(metadata, coop.parts.identity)
    first = signing.at(coop.now)
    coop.wait(minutes=59)
    assert signing.at(coop.now) == first
    coop.wait(minutes=1)
    second = signing.at(coop.now)
    assert second not in {None, first}
    expired = SignedMetadata(metadata, replace(coop.parts.identity, valid_until=coop.now))
    coop.wait(seconds=1)
    assert expired.at(coop.now) is None
    bare = replace(coop.parts.identity, x5c=(), dns_names=(), valid_until=None)
    assert SignedMetadata(metadata, bare).at(coop.now) is None


@pytest.mark.parametrize(
    ("accept", "signed"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/jwt", True),
        ("application/jwt, application/json", False),
        ("application/jwt, application/json;q=0.9", True),
        ("application/json, application/jwt;q=0.9", False),
        ("application/jwt;q=nonsense", False),
        ("text/html, application/jwt;q=0.5, */*;q=0.1", True),
    ],
)
def test_json_is_what_everybody_gets_who_does_not_prefer_the_other(accept: str, *, signed: bool) -> None:
    assert prefers_signed(accept) is signed

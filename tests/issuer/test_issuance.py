"""The way that goes right: offer, token, nonce, credential; and the documents around it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import jsonschema
import pytest

from credentials.keys.certificates import check_chain, parse_x5c
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import (
    AuthorizationServerMetadata,
    CredentialOffer,
    CredentialResponse,
    IssuerMetadata,
    OfferReference,
    TokenResponse,
    parse_offer_link,
)
from credentials.sd_jwt import parse_sd_jwt
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.verify import verify_issued
from schemas import BY_VCT, RELEASE_OWNERSHIP, TRACK_OWNERSHIP
from tests.issuer.conftest import RELEASE, TRACKS, URL

if TYPE_CHECKING:
    import httpx

    from tests.issuer.conftest import Coop, Wallet

MONTH_START = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())


async def test_a_wallet_receives_every_copy_of_an_offer(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    offer = coop.offer(listener)
    answer = await wallet.token(offer)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token = TokenResponse.parse(answer.content)
    assert token.token_type == "DPoP"
    assert token.expires_in == 600
    by_configuration = {d.credential_configuration_id: d.credential_identifiers for d in token.authorization_details}
    assert {name: len(ids) for name, ids in by_configuration.items()} == {
        f"{kind}{form}": count
        for kind, count in (("TrackOwnershipCredential", 3), ("ReleaseOwnershipCredential", 1))
        for form in ("", ".bbs", ".pseudonym", ".door")
    }
    identifiers = [each for ids in by_configuration.values() for each in ids if "." not in each]
    subjects = set()
    for identifier in identifiers:
        keys = [LocalSigner.generate() for _ in range(4)]
        answer = await wallet.ask(token.access_token, identifier, keys)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        received = CredentialResponse.parse(answer.content).credentials
        assert len(received) == 4
        for text, key in zip(received, keys, strict=True):
            credential = parse_sd_jwt(text)
            kind = BY_VCT[str(credential.claims["vct"])]
            jsonschema.validate(dict(credential.claims), kind.json_schema)
            assert credential.claims["cnf"] == {"jwk": key.public_key.jwk}
            assert credential.claims["iat"] == MONTH_START
            assert credential.claims["copy"] == identifier
            assert credential.claims["iss"] == URL
            assert len(credential.issuer_claims["_sd"]) == kind.digest_count  # type: ignore[arg-type]
            subjects.add(str(credential.claims[kind.subject_claim]))
    assert subjects == {RELEASE, *TRACKS}


async def test_a_credential_is_certified_and_says_what_the_catalogue_says(coop: Coop, wallet: Wallet) -> None:
    listener = coop.listener()
    coop.play(listener, TRACKS[1], 9)
    token = (await wallet.token(coop.offer(listener))).json()
    identifier = token["authorization_details"][0]["credential_identifiers"][0]
    answer = await wallet.ask(token["access_token"], identifier)
    credential = parse_sd_jwt(answer.json()["credentials"][0]["credential"])
    chain = parse_x5c(credential.header["x5c"], what="credential")
    check_chain(chain, anchors=(coop.authority.cert_pem.bytes(),), dns_name="coop.localhost", at=coop.now)
    assert credential.header["typ"] == "dc+sd-jwt"
    assert credential.header["kid"] == chain.leaf_key.thumbprint
    claims = {name: credential.claims[name] for name in TRACK_OWNERSHIP.claim_names}
    assert claims == {
        "track": TRACKS[1],
        "name": "Stop 2",
        "byArtist": "The Long Way Home",
        "isrcCode": "none",
        "inAlbum": RELEASE,
        "albumName": "Night Bus EP",
        "acquisition": "stream_to_own",
        "acquired": "2026-11",
        "copy": identifier,
    }


async def test_twenty_instances_come_at_once_and_share_nothing_that_could_join_them(coop: Coop, wallet: Wallet) -> None:
    token = (await wallet.token(coop.offer(coop.owner()))).json()
    identifier = token["authorization_details"][0]["credential_identifiers"][0]
    answer = await wallet.ask(token["access_token"], identifier, [LocalSigner.generate() for _ in range(20)])
    received = [parse_sd_jwt(each["credential"]) for each in answer.json()["credentials"]]
    assert len(received) == 20
    digests = [digest for each in received for digest in each.issuer_claims["_sd"]]  # type: ignore[union-attr]
    assert len(set(map(str, digests))) == 20 * 12
    assert len({json.dumps(each.claims["cnf"]) for each in received}) == 20


async def test_an_offer_by_reference_can_be_fetched_twice_and_equals_the_offer_by_value(
    coop: Coop, wallet: Wallet
) -> None:
    offer = coop.offer(coop.owner())
    link = coop.parts.desk.by_reference(offer).to_link()
    reference = parse_offer_link(link)
    assert isinstance(reference, OfferReference)
    first = await wallet.http.get(reference.url)
    second = await wallet.http.get(reference.url)
    assert first.headers["content-type"] == "application/json"
    assert first.headers["cache-control"] == "no-store"
    assert first.content == second.content
    by_value = parse_offer_link(coop.parts.desk.by_value(offer).to_link())
    assert CredentialOffer.parse(first.content) == by_value
    assert isinstance(by_value, CredentialOffer)
    # What every wallet knows comes first.
    assert by_value.credential_configuration_ids == tuple(
        f"{kind}OwnershipCredential{form}"
        for form in ("", ".bbs", ".pseudonym", ".door")
        for kind in ("Release", "Track")
    )
    assert by_value.tx_code
    assert by_value.tx_code.length == 6
    assert len(by_value.pre_authorized_code or "") == 43


async def test_a_wallet_may_ask_for_one_configuration_only(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    wanted = [{"type": "openid_credential", "credential_configuration_id": "ReleaseOwnershipCredential"}]
    answer = await wallet.token(coop.offer(listener), authorization_details=json.dumps(wanted))
    details = answer.json()["authorization_details"]
    assert [each["credential_configuration_id"] for each in details] == ["ReleaseOwnershipCredential"]
    track = next(copy.id for copy in coop.copies(listener) if copy.kind == "track")
    refused = await wallet.ask(answer.json()["access_token"], track)
    assert refused.json()["error"] == "unknown_credential_identifier"


async def test_the_metadata_can_be_read_by_our_own_kernel(coop: Coop, browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/.well-known/openid-credential-issuer")
    assert answer.headers["content-type"] == "application/json"
    metadata = IssuerMetadata.parse(answer.content, issuer=URL)
    assert metadata.batch_size == 20
    assert metadata.nonce_endpoint == f"{URL}/nonce"
    for kind in (TRACK_OWNERSHIP, RELEASE_OWNERSHIP):
        configuration = metadata.configuration(kind.configuration_id)
        assert configuration.vct == kind.vct
        assert configuration.scope
        assert [claim.path for claim in configuration.claims] == [(name,) for name in kind.claim_names]
    server = AuthorizationServerMetadata.parse(
        (await browser.get("/.well-known/oauth-authorization-server")).content, issuer=URL
    )
    assert server.token_endpoint == f"{URL}/token"
    assert server.dpop_signing_alg_values_supported == ("ES256", "ES384", "EdDSA")
    assert server.anonymous_pre_authorized
    assert coop.parts.identity.url == URL


async def test_the_key_is_published_three_ways_and_is_one_key(coop: Coop, browser: httpx.AsyncClient) -> None:
    issuer = (await browser.get("/.well-known/jwt-vc-issuer")).json()
    did = (await browser.get("/.well-known/did.json")).json()
    key = coop.parts.identity.signer.public_key
    assert issuer["issuer"] == URL
    assert issuer["jwks"]["keys"][0]["kid"] == key.thumbprint
    assert did["id"] == "did:web:coop.localhost%3A8701"
    method = did["verificationMethod"][0]
    assert method["id"] == f"did:web:coop.localhost%3A8701#{key.thumbprint}"
    assert did["assertionMethod"][0] == method["id"]
    assert {name: method["publicKeyJwk"][name] for name in key.jwk} == key.jwk
    assert issuer["jwks"]["keys"][0] == method["publicKeyJwk"] | {"x5c": list(coop.parts.identity.x5c)}


@pytest.mark.parametrize("kind", [TRACK_OWNERSHIP, RELEASE_OWNERSHIP])
async def test_types_are_published_and_do_not_travel_twice(browser: httpx.AsyncClient, kind: object) -> None:
    assert kind in (TRACK_OWNERSHIP, RELEASE_OWNERSHIP)
    path = f"/types/{kind.configuration_id}"  # type: ignore[attr-defined]
    answer = await browser.get(path)
    assert answer.json() == kind.type_metadata  # type: ignore[attr-defined]
    again = await browser.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await browser.get(f"{path}/schema")).json() == kind.json_schema  # type: ignore[attr-defined]
    assert (await browser.get("/types/Nothing")).status_code == 404


async def test_health_says_ok(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/health")).json() == {"status": "ok"}


async def test_the_copy_keeps_its_id_when_it_is_offered_again(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    first = (await wallet.token(coop.offer(listener))).json()["authorization_details"]
    coop.wait(days=40)
    second = (await wallet.token(coop.offer(listener))).json()["authorization_details"]
    assert first == second


@pytest.mark.parametrize(
    ("moment", "month_start"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
        (datetime(2026, 12, 1, 0, 0, 0, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        (datetime(2027, 1, 31, 12, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
async def test_what_is_issued_passes_every_check_of_a_wallet_at_any_end_of_a_month(
    coop: Coop, wallet: Wallet, moment: datetime, month_start: datetime
) -> None:
    listener = coop.owner()
    # The certificate of the tests is older than these moments and valid for years.
    coop.now = moment
    token = (await wallet.token(coop.offer(listener))).json()
    identifier = token["authorization_details"][0]["credential_identifiers"][0]
    key = LocalSigner.generate()
    answer = await wallet.ask(token["access_token"], identifier, [key])
    text = answer.json()["credentials"][0]["credential"]
    trusted = TrustedIssuer(
        issuer=URL,
        name="Sound Commons",
        keys=frozenset(),
        anchors=(coop.authority.cert_pem.bytes(),),
        types=frozenset(BY_VCT),
    )
    received = verify_issued(
        text,
        policy=TrustPolicy((trusted,)),
        holder_keys=frozenset({key.public_key.thumbprint}),
        at=moment,
        digest_count=12,
        claim_names=frozenset(RELEASE_OWNERSHIP.claim_names),
    )
    assert received.issued_at == month_start.timestamp()
    assert parse_sd_jwt(text).claims["acquired"] == "2026-11"

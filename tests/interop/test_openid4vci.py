"""OpenID4VCI messages between our code and @openid4vc/openid4vci: their wallet reads what our issuer says, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from credentials.encoding.strict_json import dump
from credentials.protocols.dpop import check_dpop_proof
from credentials.protocols.openid4vci import (
    DOOR_PASS,
    AuthorizedCredential,
    CredentialOffer,
    CredentialRequest,
    CredentialResponse,
    NonceResponse,
    OfferReference,
    TokenRequest,
    TokenResponse,
    TxCode,
    check_proofs,
)
from issuer.identity import Identity
from issuer.linked_keys import LinkedKeys
from issuer.service.metadata import authorization_server_metadata, issuer_metadata
from plumbing.clock import system_clock
from schemas import TRACK_OWNERSHIP

CODE = "pre-authorized-code-of-this-offer"
TOKEN = "opaque-access-token-0123456789"
PIN = "493536"
CONFIGURATION = TRACK_OWNERSHIP.configuration_id


@pytest.fixture(scope="module")
def offer(world: Any) -> CredentialOffer:
    return CredentialOffer(
        credential_issuer=world.coop.url,
        credential_configuration_ids=(CONFIGURATION,),
        pre_authorized_code=CODE,
        tx_code=TxCode(length=len(PIN), description="On the co-op's page"),
    )


def answers(world: Any, offer: CredentialOffer) -> dict[str, Any]:
    """Everything that our issuer answers on the way, written by our own types."""
    url = world.coop.url
    identity = Identity(
        url=url, name="Co-op", signer=world.coop.signer, linked=LinkedKeys.generate(), x5c=tuple(world.coop.x5c)
    )
    token = TokenResponse(
        access_token=TOKEN,
        expires_in=600,
        authorization_details=(
            AuthorizedCredential(credential_configuration_id=CONFIGURATION, credential_identifiers=("copy-1",)),
        ),
    )
    messages = {
        f"{url}/offers/1": offer,
        f"{url}/.well-known/openid-credential-issuer": issuer_metadata(identity),
        f"{url}/.well-known/oauth-authorization-server": authorization_server_metadata(identity),
        f"{url}/token": token,
        f"{url}/nonce": NonceResponse(c_nonce=world.nonce),
        f"{url}/credential": CredentialResponse(credentials=(world.issue(),)),
    }
    return {
        address: {"body": dump(message.to_json()).decode(), "type": "application/json"}
        for address, message in messages.items()
    }


@pytest.fixture(scope="module")
def visit(node: Any, world: Any, offer: CredentialOffer) -> dict[str, Any]:
    """Their wallet receives a credential by our messages, from an offer by reference."""
    seen = node(
        "openid4vci",
        "receive",
        offer=OfferReference(url=f"{world.coop.url}/offers/1").to_link(),
        issuer=world.coop.url,
        answers=answers(world, offer),
        privateJwk=world.holder.private_jwk,
        txCode=PIN,
        configuration=CONFIGURATION,
    )
    assert isinstance(seen, dict)
    return {**seen, "at": system_clock()}  # what it proves is fresh now; nobody knows when it will be read


def find(visit: dict[str, Any], url: str) -> dict[str, Any]:
    """What their wallet sent to one address."""
    (message,) = (message for message in visit["sent"] if message["url"] == url)
    assert isinstance(message, dict)
    return message


def test_their_wallet_reads_our_offer(visit: dict[str, Any], offer: CredentialOffer) -> None:
    assert visit["credentialOffer"] == offer.to_json()


def test_their_wallet_reads_our_metadata(visit: dict[str, Any], world: Any) -> None:
    issuer = visit["issuerMetadata"]["credentialIssuer"]
    assert issuer["batch_credential_issuance"]["batch_size"] == 20
    assert issuer["credential_configurations_supported"][CONFIGURATION]["vct"] == world.vct
    known = visit["issuerMetadata"]["knownCredentialConfigurations"]
    # Door passes are ours alone; everything else it knows.
    ours = {name for name, each in issuer["credential_configurations_supported"].items() if each["format"] == DOOR_PASS}
    assert set(known) == set(issuer["credential_configurations_supported"]) - ours
    (server,) = visit["issuerMetadata"]["authorizationServers"]
    assert server["dpop_signing_alg_values_supported"] == ["ES256", "ES384", "EdDSA"]


def test_their_wallet_reads_our_token_response(visit: dict[str, Any]) -> None:
    assert visit["token"]["token_type"] == "DPoP"
    (detail,) = visit["token"]["authorization_details"]
    assert detail["credential_identifiers"] == ["copy-1"]


def test_their_wallet_reads_our_credential_response(visit: dict[str, Any]) -> None:
    (entry,) = visit["received"]["credentials"]
    assert entry["credential"].endswith("~")


def test_we_read_their_token_request_and_dpop_proof(visit: dict[str, Any], world: Any) -> None:
    url = f"{world.coop.url}/token"
    sent = find(visit, url)
    asked = TokenRequest.parse_form(sent["body"].encode())
    assert asked.pre_authorized_code == CODE
    assert asked.tx_code == PIN
    proof = check_dpop_proof(sent["headers"]["dpop"], method="POST", url=url, at=visit["at"])
    assert proof.thumbprint == world.holder.signer.public_key.thumbprint


def test_we_read_their_credential_request_and_key_proof(visit: dict[str, Any], world: Any) -> None:
    url = f"{world.coop.url}/credential"
    sent = find(visit, url)
    asked = CredentialRequest.parse(sent["body"].encode())
    (proof,) = check_proofs(asked.proofs, audience=world.coop.url, at=visit["at"])
    assert proof.key == world.holder.signer.public_key
    assert proof.nonce == world.nonce
    assert sent["headers"]["authorization"] == f"DPoP {TOKEN}"
    check_dpop_proof(sent["headers"]["dpop"], method="POST", url=url, at=visit["at"], access_token=TOKEN)


def test_their_wallet_refuses_metadata_of_another_issuer(node: Any, world: Any, offer: CredentialOffer) -> None:
    given = answers(world, offer)
    address = f"{world.coop.url}/.well-known/openid-credential-issuer"
    metadata = json.loads(given[address]["body"])
    given[address]["body"] = json.dumps(metadata | {"credential_issuer": "https://elsewhere.example"})
    reason = node.refusal(
        "openid4vci",
        "receive",
        offer=offer.to_link(),
        issuer=world.coop.url,
        answers=given,
        privateJwk=world.holder.private_jwk,
        txCode=PIN,
        configuration=CONFIGURATION,
    )
    assert "credential_issuer" in reason

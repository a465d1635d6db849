"""What a credential endpoint must refuse of tokens, requests and numbers, with the standard's exact errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from credentials.keys.encryption import DecryptionKey
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import Form
from issuer.copies import CopyKind
from issuer.deliveries import NOTIFICATION_TTL
from issuer.delivery_tables import NotificationRow
from issuer.service.preparing import MOST_IN_A_MONTH
from issuer.store import Store
from issuer.tables import InstanceRow, SeenProofRow
from tests.issuer.acts import enrol
from tests.issuer.holding import Holding
from tests.issuer.test_hostile_token import refused

if TYPE_CHECKING:
    from tests.issuer.conftest import Coop, Wallet

NO_TOKEN = {"error": "invalid_token", "error_description": "The access token is unknown, expired or revoked."}
NOT_OPENED = {
    "error": "unknown_credential_identifier",
    "error_description": "The access token does not open this credential_identifier.",
}
NO_MORE = {
    "error": "credential_request_denied",
    "error_description": "No more is made of this record this month; come back in the next.",
}


@pytest.fixture
async def holding(coop: Coop, wallet: Wallet) -> Holding:
    offer = coop.offer(coop.owner())
    return Holding(wallet, offer, (await wallet.token(offer)).json()["access_token"])


async def test_without_a_token_the_answer_only_says_how(wallet: Wallet) -> None:
    answer = await wallet.http.post("/credential", content=b"{}")
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["www-authenticate"] == 'DPoP algs="ES256 ES384 EdDSA", Bearer'


async def test_an_unknown_token_is_refused_with_a_challenge(wallet: Wallet) -> None:
    answer = await wallet.credential("nobody-knows-this", {})
    refused(answer, NO_TOKEN, status=401)
    assert answer.headers["www-authenticate"] == (
        'DPoP error="invalid_token", error_description="The access token is unknown, expired or revoked.", '
        'algs="ES256 ES384 EdDSA"'
    )


async def test_a_token_that_is_bound_to_a_key_is_no_bearer_token(holding: Holding) -> None:
    answer = await holding.wallet.http.post("/credential", headers={"Authorization": f"Bearer {holding.token}"})
    refused(
        answer,
        {
            "error": "invalid_token",
            "error_description": "The access token goes with the other scheme: see its token_type.",
        },
        status=401,
    )
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


async def test_an_expired_token_is_refused(coop: Coop, holding: Holding) -> None:
    coop.wait(minutes=10)
    refused(await holding.wallet.credential(holding.token, await holding.body()), NO_TOKEN, status=401)


async def test_a_stolen_token_is_worth_nothing_without_its_key(holding: Holding) -> None:
    body = await holding.body()
    holding.wallet.dpop = LocalSigner.generate()
    answer = await holding.wallet.credential(holding.token, body)
    refused(
        answer,
        {
            "error": "invalid_token",
            "error_description": "The access token is bound to another key than the one of the DPoP proof.",
        },
        status=401,
    )


async def test_a_dpop_proof_for_another_token_is_refused(holding: Holding) -> None:
    proof = holding.wallet.proof_of_possession("/credential", "another-token")
    answer = await holding.wallet.credential(holding.token, await holding.body(), dpop=proof)
    refused(
        answer,
        {"error": "invalid_dpop_proof", "error_description": "The DPoP proof was made for another access token."},
        status=401,
    )
    assert answer.headers["www-authenticate"].startswith('DPoP error="invalid_dpop_proof"')


async def test_a_replayed_dpop_proof_is_refused(holding: Holding) -> None:
    proof = holding.wallet.proof_of_possession("/credential", holding.token)
    assert (await holding.wallet.credential(holding.token, await holding.body(), dpop=proof)).status_code == 200
    refused(
        await holding.wallet.credential(holding.token, await holding.body(), dpop=proof),
        {"error": "invalid_dpop_proof", "error_description": "The DPoP proof was used before."},
        status=401,
    )


async def test_another_listeners_copy_is_refused(coop: Coop, holding: Holding) -> None:
    other = coop.owner()
    body = await holding.body(credential_identifier=coop.copies(other)[0].id)
    refused(await holding.wallet.credential(holding.token, body), NOT_OPENED)
    assert coop.rows(InstanceRow) == 0


async def test_a_copy_of_ones_own_that_was_not_offered_is_refused(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    first, second, *_ = coop.copies(listener)
    token = (await wallet.token(coop.offer(listener, [first.id]))).json()["access_token"]
    refused(await wallet.ask(token, second.id), NOT_OPENED)


async def test_nobody_fills_the_lists_of_a_month(coop: Coop, holding: Holding) -> None:
    with coop.parts.database.write() as session:
        Store(session).draw(holding.identifier, count=MOST_IN_A_MONTH - 1, month=f"{coop.now:%Y-%m}", now=coop.now)
    assert (await holding.wallet.ask(holding.token, holding.identifier)).status_code == 200
    refused(await holding.wallet.ask(holding.token, holding.identifier), NO_MORE)
    assert (await holding.wallet.ask(holding.token, holding.offer.copies[1].id)).status_code == 200


async def test_what_has_no_entry_in_a_list_is_not_made_without_end_either(coop: Coop, holding: Holding) -> None:
    plain = Form.BBS.of(holding.identifier)
    assert (await holding.wallet.ask(holding.token, plain)).status_code == 200
    until = int((coop.now + NOTIFICATION_TTL).timestamp())
    with coop.parts.database.write() as session:
        (first,) = session.exec(select(NotificationRow))
        session.add_all(
            NotificationRow(id_hash=str(n), delivery_id=first.delivery_id, copy_id=holding.identifier, expires_at=until)
            for n in range(MOST_IN_A_MONTH - 1)
        )
    refused(await holding.wallet.ask(holding.token, plain), NO_MORE)
    assert (await holding.wallet.ask(holding.token, Form.BBS.of(holding.offer.copies[1].id))).status_code == 200
    assert (await holding.wallet.ask(holding.token, holding.identifier)).status_code == 200


async def test_what_an_artist_publishes_fills_no_list_either(coop: Coop, wallet: Wallet) -> None:
    robin = coop.listener()
    enrol(coop, robin)
    artist = next(copy.id for copy in coop.copies(robin) if copy.kind is CopyKind.ARTIST)
    token = (await wallet.token(coop.offer(robin, [artist]))).json()["access_token"]
    with coop.parts.database.write() as session:
        Store(session).draw(artist, count=MOST_IN_A_MONTH, month=f"{coop.now:%Y-%m}", now=coop.now)
    refused(await wallet.ask(token, Form.EDDSA.of(artist)), NO_MORE)


async def test_a_configuration_id_instead_of_an_identifier_is_refused(holding: Holding) -> None:
    body = await holding.body(credential_configuration_id="TrackOwnershipCredential")
    del body["credential_identifier"]
    refused(
        await holding.wallet.credential(holding.token, body),
        {
            "error": "invalid_credential_request",
            "error_description": "Use a credential_identifier from the token response.",
        },
    )
    body = await holding.body(credential_configuration_id="Nothing")
    del body["credential_identifier"]
    refused(
        await holding.wallet.credential(holding.token, body),
        {
            "error": "unknown_credential_configuration",
            "error_description": "There is no such credential configuration here.",
        },
    )


async def test_both_ways_of_naming_a_credential_are_refused(holding: Holding) -> None:
    body = await holding.body(credential_configuration_id="TrackOwnershipCredential")
    answer = await holding.wallet.credential(holding.token, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_credential_request")


async def test_a_plaintext_request_for_an_encrypted_response_is_refused(holding: Holding) -> None:
    jwk = DecryptionKey.generate().public_jwk
    body = await holding.body(credential_response_encryption={"jwk": jwk, "enc": "A128GCM"})
    answer = await holding.wallet.credential(holding.token, body)
    refused(
        answer,
        {
            "error": "invalid_encryption_parameters",
            "error_description": "Who wants the response encrypted must encrypt the request too.",
        },
    )


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b'{"a":1,"a":2}', b"\xff\xfe", b'{"x":' + b"[" * 40 + b"]" * 40 + b"}"]
)
async def test_what_is_not_a_json_object_is_refused(holding: Holding, body: bytes) -> None:
    answer = await holding.wallet.credential(holding.token, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_credential_request")


async def test_nothing_is_signed_with_an_expired_certificate(coop: Coop, holding: Holding) -> None:
    valid_until = coop.parts.identity.valid_until
    assert valid_until
    body = await holding.body()
    coop.parts.identity.check_can_sign(valid_until)
    object.__setattr__(coop.parts.identity, "valid_until", coop.now.replace(year=2025))
    answer = await holding.wallet.credential(holding.token, body)
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert coop.rows(InstanceRow) == 0
    assert coop.rows(SeenProofRow) == 1  # that of the token: neither proof nor nonce was used up


async def test_no_write_lock_is_held_while_signing(coop: Coop, holding: Holding) -> None:
    body = await holding.body()
    signer = coop.parts.identity.signer
    wrote: list[str] = []

    class Watching:
        algorithm = signer.algorithm
        public_key = signer.public_key

        def sign(self, data: bytes) -> bytes:
            wrote.append(coop.listener())  # fails after 10 s if the request still held the lock
            return signer.sign(data)

    object.__setattr__(coop.parts.identity, "signer", Watching())
    assert (await holding.wallet.credential(holding.token, body)).status_code == 200
    assert wrote

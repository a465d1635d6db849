"""Deferred and encrypted credentials, and what wallets say became of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select

from credentials.keys.encryption import DecryptionKey
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import (
    CredentialResponse,
    DeferredResponse,
    IssuerMetadata,
    parse_credential_response,
    seal,
    unseal,
)
from credentials.sd_jwt import parse_sd_jwt
from issuer.copies import Ended
from issuer.delivery_tables import DeferredRow, NotificationRow
from issuer.service.credentials import MOST_WAITING
from issuer.service.deferred import hold_copy, let_copy_go
from issuer.service.losses import NoSuchCopy
from issuer.service.preparing import MOST_IN_A_MONTH
from issuer.store import Store
from tests.issuer.conftest import URL
from tests.issuer.test_hostile_token import refused

if TYPE_CHECKING:
    import httpx

    from tests.issuer.conftest import Coop, Wallet

UNKNOWN_TRANSACTION = {
    "error": "invalid_transaction_id",
    "error_description": "The transaction_id is unknown, expired, or its credentials were fetched already.",
}


@dataclass
class Held:
    """A wallet with a token for copies of which the first is held back."""

    coop: Coop
    wallet: Wallet
    token: str
    refresh: str
    copy: str
    other: str

    async def body(self, **more: Any) -> dict[str, Any]:
        proofs = {"jwt": self.wallet.key_proofs(await self.wallet.nonce(), [LocalSigner.generate() for _ in range(2)])}
        return {"credential_identifier": self.copy, "proofs": proofs, **more}

    async def ask(self) -> DeferredResponse:
        answer = await self.wallet.post("/credential", self.token, await self.body())
        assert answer.status_code == 202
        assert answer.headers["cache-control"] == "no-store"
        deferred = parse_credential_response(answer.content)
        assert isinstance(deferred, DeferredResponse)
        return deferred

    async def come_back(self, transaction_id: str, **more: Any) -> httpx.Response:
        return await self.wallet.post("/deferred_credential", self.token, {"transaction_id": transaction_id, **more})

    def let_go(self) -> None:
        with self.coop.parts.database.write() as session:
            assert let_copy_go(Store(session), self.copy)


@pytest.fixture
async def held(coop: Coop, wallet: Wallet) -> Held:
    offer = coop.offer(coop.owner())
    with coop.parts.database.write() as session:
        hold_copy(Store(session), offer.copies[0].id, now=coop.now)
    token = (await wallet.token(offer)).json()
    return Held(coop, wallet, token["access_token"], token["refresh_token"], offer.copies[0].id, offer.copies[1].id)


async def test_a_copy_that_is_held_back_comes_later_for_the_keys_that_were_proven(held: Held) -> None:
    deferred = await held.ask()
    assert deferred.interval == 3600
    still = await held.come_back(deferred.transaction_id)
    assert (still.status_code, parse_credential_response(still.content)) == (202, deferred)
    held.let_go()
    answer = await held.come_back(deferred.transaction_id)
    assert answer.status_code == 200
    received = CredentialResponse.parse(answer.content)
    assert [parse_sd_jwt(each).claims["copy"] for each in received.credentials] == [held.copy] * 2
    assert received.notification_id
    refused(await held.come_back(deferred.transaction_id), UNKNOWN_TRANSACTION)


async def test_a_wallet_fetches_what_waited_with_a_refreshed_token(held: Held) -> None:
    deferred = await held.ask()
    held.coop.wait(days=20)
    held.let_go()
    held.token = (await held.wallet.refresh(held.refresh)).json()["access_token"]
    assert (await held.come_back(deferred.transaction_id)).status_code == 200


async def test_only_what_is_held_back_waits(held: Held) -> None:
    assert (await held.wallet.ask(held.token, held.other)).status_code == 200


async def test_what_ended_while_it_waited_is_denied_for_good(held: Held) -> None:
    deferred = await held.ask()
    with held.coop.parts.database.write() as session:
        Store(session).end_copy(held.copy, why=Ended.REFUNDED, now=held.coop.now)
    refused(
        await held.come_back(deferred.transaction_id),
        {
            "error": "credential_request_denied",
            "error_description": "What was waited for is not owned any more, so it cannot be sent.",
        },
    )
    refused(await held.come_back(deferred.transaction_id), UNKNOWN_TRANSACTION)


async def test_what_waits_is_neither_hoarded_nor_fills_the_lists_when_it_is_let_go(held: Held) -> None:
    first = await held.ask()
    with held.coop.parts.database.write() as session:
        (row,) = session.exec(select(DeferredRow))
        session.add_all(
            DeferredRow(**{**row.model_dump(), "transaction_hash": str(n)}) for n in range(MOST_WAITING - 1)
        )
    answer = await held.wallet.ask(held.token, held.copy)
    assert (answer.status_code, answer.json()["error"]) == (400, "credential_request_denied")
    with held.coop.parts.database.write() as session:
        month = f"{held.coop.now:%Y-%m}"
        Store(session).draw(held.copy, count=MOST_IN_A_MONTH - 1, month=month, now=held.coop.now)
    held.let_go()
    refused(
        await held.come_back(first.transaction_id),
        {
            "error": "credential_request_denied",
            "error_description": "No more is made of this record this month; come back in the next.",
        },
    )
    assert held.coop.rows(DeferredRow) == MOST_WAITING, "nothing is lost by it"


async def test_another_wallets_transaction_is_unknown(held: Held) -> None:
    deferred = await held.ask()
    held.let_go()
    other = (await held.wallet.token(held.coop.offer(held.coop.owner()))).json()["access_token"]
    body = {"transaction_id": deferred.transaction_id}
    refused(await held.wallet.post("/deferred_credential", other, body), UNKNOWN_TRANSACTION)
    assert held.coop.rows(DeferredRow) == 1


async def test_what_nobody_fetched_for_three_months_is_gone(held: Held) -> None:
    deferred = await held.ask()
    held.let_go()
    held.coop.wait(days=90)
    held.token = (await held.wallet.refresh(held.refresh)).json()["access_token"]
    refused(await held.come_back(deferred.transaction_id), UNKNOWN_TRANSACTION)


async def test_a_deferred_request_without_its_number_is_refused(held: Held) -> None:
    answer = await held.wallet.post("/deferred_credential", held.token, {})
    refused(
        answer,
        {
            "error": "invalid_credential_request",
            "error_description": "The deferred credential request cannot be read: 'transaction_id' is missing.",
        },
    )


def test_only_a_good_copy_is_held_back(held: Held) -> None:
    with held.coop.parts.database.write() as session, pytest.raises(NoSuchCopy):
        hold_copy(Store(session), "nobody's", now=held.coop.now)
    with held.coop.parts.database.write() as session:
        assert not let_copy_go(Store(session), held.other)


@pytest.mark.parametrize("path", ["/credential", "/deferred_credential", "/notification"])
async def test_without_a_token_nothing_is_said_but_how(wallet: Wallet, path: str) -> None:
    answer = await wallet.http.post(path, content=b"{}")
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["www-authenticate"] == 'DPoP algs="ES256 ES384 EdDSA", Bearer'


@pytest.mark.parametrize("path", ["/deferred_credential", "/notification"])
async def test_a_dpop_proof_serves_once_at_every_endpoint(held: Held, path: str) -> None:
    headers = {
        "Authorization": f"DPoP {held.token}",
        "DPoP": held.wallet.proof_of_possession(path, held.token),
    }
    body = json.dumps({"transaction_id": "x", "notification_id": "x", "event": "credential_accepted"})
    assert (await held.wallet.http.post(path, content=body, headers=headers)).status_code == 400
    refused(
        await held.wallet.http.post(path, content=body, headers=headers),
        {"error": "invalid_dpop_proof", "error_description": "The DPoP proof was used before."},
        status=401,
    )


# Notifications


async def test_a_wallet_may_say_what_became_of_it_as_often_as_it_likes(held: Held) -> None:
    told = (await held.wallet.ask(held.token, held.other)).json()["notification_id"]
    for event in ("credential_accepted", "credential_accepted", "credential_deleted"):
        body = {"notification_id": told, "event": event, "event_description": "All is well."}
        answer = await held.wallet.post("/notification", held.token, body)
        assert (answer.status_code, answer.content) == (204, b"")
    with held.coop.parts.database.read() as session:
        [row] = [row.model_dump() for row in session.exec(select(NotificationRow))]
    assert (row["event"], row["copy_id"]) == ("credential_deleted", held.other)
    assert told not in str(row)


async def test_a_notification_of_another_wallet_or_of_nothing_is_refused(held: Held) -> None:
    told = (await held.wallet.ask(held.token, held.other)).json()["notification_id"]
    stranger = (await held.wallet.token(held.coop.offer(held.coop.owner()))).json()["access_token"]
    for token, number in ((stranger, told), (held.token, "unheard-of")):
        refused(
            await held.wallet.post("/notification", token, {"notification_id": number, "event": "credential_accepted"}),
            {
                "error": "invalid_notification_id",
                "error_description": "No credential response under this access token had this notification_id.",
            },
        )


@pytest.mark.parametrize(
    "body",
    [
        {"event": "credential_accepted"},
        {"notification_id": "x"},
        {"notification_id": "x", "event": "credential_lost"},
        {"notification_id": "x", "event": "credential_failure", "event_description": 'a "quote"'},
        b"[]",
        b"{",
    ],
)
async def test_a_malformed_notification_has_its_own_error(held: Held, body: Any) -> None:
    answer = await held.wallet.post("/notification", held.token, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_notification_request")


# Encryption


async def published(wallet: Wallet) -> IssuerMetadata:
    answer = await wallet.http.get("/.well-known/openid-credential-issuer")
    return IssuerMetadata.parse(answer.content, issuer=URL)


async def test_request_and_response_travel_encrypted(held: Held) -> None:
    metadata = await published(held.wallet)
    assert metadata.request_encryption
    assert metadata.response_encryption
    assert not metadata.encryption_required
    key = metadata.request_encryption.usable_key()
    assert key
    own = DecryptionKey.generate()
    wanted = {"jwk": own.public_jwk, "enc": metadata.response_encryption.usable_enc()}
    for path, body, status in (
        ("/credential", await held.body(credential_response_encryption=wanted), 202),
        ("/credential", await held.body() | {"credential_identifier": held.other}, 200),
        ("/credential", await held.body(credential_response_encryption=wanted), 202),
    ):
        sealed = seal(body, to=key, enc="A128GCM").encode()
        answer = await held.wallet.post(path, held.token, sealed, content_type="application/jwt")
        assert answer.status_code == status, answer.text
        if "credential_response_encryption" not in body:
            assert len(CredentialResponse.parse(answer.content).credentials) == 2
            continue
        assert answer.headers["content-type"] == "application/jwt"
        plain = unseal(answer.content, keys={own.kid: own}, max_bytes=100_000, what="response")
        assert isinstance(parse_credential_response(plain), DeferredResponse)


async def test_a_deferred_answer_is_encrypted_as_its_own_request_says(held: Held) -> None:
    deferred = await held.ask()
    held.let_go()
    key = held.coop.parts.encryption_key.public_jwk
    own = DecryptionKey.generate()
    wanted = {"jwk": own.public_jwk, "enc": "A256GCM"}
    body: dict[str, Any] = {
        "transaction_id": deferred.transaction_id,
        "credential_response_encryption": wanted,
    }
    plain = await held.come_back(deferred.transaction_id, credential_response_encryption=wanted)
    assert plain.json()["error"] == "invalid_encryption_parameters"
    sealed = seal(body, to=key, enc="A256GCM").encode()
    answer = await held.wallet.post("/deferred_credential", held.token, sealed, content_type="application/jwt")
    opened = unseal(answer.content, keys={own.kid: own}, max_bytes=100_000, what="response")
    assert len(CredentialResponse.parse(opened).credentials) == 2


async def test_an_error_is_never_encrypted(held: Held) -> None:
    own = DecryptionKey.generate()
    body = await held.body(credential_response_encryption={"jwk": own.public_jwk, "enc": "A256GCM"})
    sealed = seal(body | {"credential_identifier": "x"}, to=held.coop.parts.encryption_key.public_jwk, enc="A256GCM")
    answer = await held.wallet.post("/credential", held.token, sealed.encode(), content_type="application/jwt")
    assert (answer.status_code, answer.json()["error"]) == (400, "unknown_credential_identifier")


@pytest.mark.parametrize("body", [b"", b"a.b.c", b"a.b.c.d.e", b"\xff", b"{}"])
async def test_what_does_not_open_is_refused(held: Held, body: bytes) -> None:
    answer = await held.wallet.post("/credential", held.token, body, content_type="application/jwt; charset=x")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_encryption_parameters")


async def test_what_is_sealed_for_another_key_is_refused(held: Held) -> None:
    sealed = seal(await held.body(), to=DecryptionKey.generate().public_jwk, enc="A256GCM")
    answer = await held.wallet.post("/credential", held.token, sealed.encode(), content_type="application/jwt")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_encryption_parameters")


@pytest.mark.parametrize(
    "change",
    [
        {"enc": "A128CBC-HS256"},
        {"enc": None},
        {"zip": "DEF"},
        {"jwk": {"kty": "RSA", "alg": "RSA-OAEP"}},
        {"jwk": {"kty": "EC", "crv": "P-256", "alg": "ECDH-ES", "x": "AAAA", "y": "AAAA"}},
        {"jwk": None},
    ],
)
async def test_encryption_that_cannot_be_given_is_refused_before_anything_is_used_up(
    held: Held, change: dict[str, Any]
) -> None:
    wanted: dict[str, Any] = {"jwk": DecryptionKey.generate().public_jwk, "enc": "A256GCM", **change}
    body = await held.body() | {"credential_identifier": held.other}
    key = held.coop.parts.encryption_key.public_jwk
    sealed = seal(body | {"credential_response_encryption": wanted}, to=key, enc="A256GCM").encode()
    answer = await held.wallet.post("/credential", held.token, sealed, content_type="application/jwt")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_encryption_parameters")
    assert (await held.wallet.post("/credential", held.token, body)).status_code == 200

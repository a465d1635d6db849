"""What a credential endpoint must refuse of proofs, their nonces and keys, with the standard's exact errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credentials.encoding import base64url
from credentials.keys.signer import LocalSigner
from issuer.secrets import OfferSecrets
from issuer.service.nonces import give_nonce
from issuer.tables import InstanceRow, SeenProofRow
from tests.issuer.holding import Holding
from tests.issuer.test_hostile_token import refused

if TYPE_CHECKING:
    from tests.issuer.conftest import Coop, Wallet

WRONG_NONCE = {
    "error": "invalid_nonce",
    "error_description": "A key proof has a c_nonce that is unknown, expired or used. Fetch a new one.",
}
SEEN_KEY = {
    "error": "invalid_proof",
    "error_description": "A credential was made for one of these keys before. Every one needs a new key.",
}


@pytest.fixture
async def holding(coop: Coop, wallet: Wallet) -> Holding:
    offer = coop.offer(coop.owner())
    return Holding(wallet, offer, (await wallet.token(offer)).json()["access_token"])


async def test_a_nonce_is_good_once(holding: Holding) -> None:
    nonce = await holding.wallet.nonce()
    for expected in (200, 400):
        proofs = holding.wallet.key_proofs(nonce, [LocalSigner.generate()])
        answer = await holding.wallet.credential(
            holding.token, {"credential_identifier": holding.identifier, "proofs": {"jwt": proofs}}
        )
        assert answer.status_code == expected
    refused(answer, WRONG_NONCE)


async def test_nothing_is_kept_of_a_nonce_that_nobody_uses(coop: Coop, wallet: Wallet) -> None:
    before = coop.rows(SeenProofRow)
    nonces = {await wallet.nonce() for _ in range(3)}
    assert len(nonces) == 3
    assert coop.rows(SeenProofRow) == before


@pytest.mark.parametrize("change", ["invented", "a longer life", "of another co-op", "cut", "empty"])
async def test_a_nonce_of_ones_own_invention_is_refused(change: str, coop: Coop, holding: Holding) -> None:
    whole = base64url.decode(await holding.wallet.nonce(), what="nonce")
    other = OfferSecrets(key=bytes(32))
    invented = {
        "invented": "invented",
        "a longer life": base64url.encode(b"\1" + whole[1:]),
        "of another co-op": give_nonce(other, now=coop.now).c_nonce,
        "cut": base64url.encode(whole[:-1]),
        "empty": base64url.encode(other.nonce_mac(b"")),
    }
    proofs = holding.wallet.key_proofs(invented[change], [LocalSigner.generate()])
    refused(await holding.wallet.credential(holding.token, await holding.body(proofs={"jwt": proofs})), WRONG_NONCE)


async def test_an_expired_nonce_is_refused(coop: Coop, holding: Holding) -> None:
    nonce = await holding.wallet.nonce()
    coop.wait(minutes=5)
    proofs = holding.wallet.key_proofs(nonce, [LocalSigner.generate()])
    refused(await holding.wallet.credential(holding.token, await holding.body(proofs={"jwt": proofs})), WRONG_NONCE)


async def test_one_key_twice_in_a_request_is_refused(coop: Coop, holding: Holding) -> None:
    key = LocalSigner.generate()
    answer = await holding.wallet.credential(holding.token, await holding.body([key, key]))
    refused(
        answer,
        {
            "error": "invalid_proof",
            "error_description": "Two key proofs are for the same key. Every credential needs a key of its own.",
        },
    )
    assert coop.rows(InstanceRow) == 0


async def test_a_key_of_an_earlier_instance_is_refused_and_its_companions_stay_usable(
    coop: Coop, holding: Holding
) -> None:
    old, new = LocalSigner.generate(), LocalSigner.generate()
    assert (await holding.wallet.credential(holding.token, await holding.body([old]))).status_code == 200
    refused(await holding.wallet.credential(holding.token, await holding.body([new, old])), SEEN_KEY)
    assert coop.rows(InstanceRow) == 1
    assert (await holding.wallet.credential(holding.token, await holding.body([new]))).status_code == 200


async def test_one_wrong_proof_among_twenty_refuses_them_all_and_uses_nothing_up(coop: Coop, holding: Holding) -> None:
    keys = [LocalSigner.generate() for _ in range(20)]
    body = await holding.body(keys)
    right = list(body["proofs"]["jwt"])
    body["proofs"]["jwt"][13] = right[13][:-6] + right[12][-6:]
    answer = await holding.wallet.credential(holding.token, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_proof")
    assert coop.rows(InstanceRow) == 0
    answer = await holding.wallet.credential(holding.token, body | {"proofs": {"jwt": right}})
    assert len(answer.json()["credentials"]) == 20


async def test_a_key_of_another_listeners_instance_is_refused(coop: Coop, holding: Holding, wallet: Wallet) -> None:
    key = LocalSigner.generate()
    assert (await holding.wallet.credential(holding.token, await holding.body([key]))).status_code == 200
    other = coop.offer(coop.owner())
    token = (await wallet.token(other)).json()["access_token"]
    refused(await wallet.ask(token, other.copies[0].id, [key]), SEEN_KEY)


async def test_twenty_one_proofs_are_too_many(holding: Holding) -> None:
    body = await holding.body([LocalSigner.generate() for _ in range(21)])
    answer = await holding.wallet.credential(holding.token, body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_proof"


@pytest.mark.parametrize("proofs", [None, {}, {"jwt": []}, {"jwt": "x"}, {"jwt": [7]}, {"di_vp": []}, []])
async def test_missing_or_misshapen_proofs_are_invalid_proof(holding: Holding, proofs: Any) -> None:
    body = await holding.body(proofs=proofs)
    if proofs is None:
        del body["proofs"]
    answer = await holding.wallet.credential(holding.token, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_proof")


async def test_a_proof_for_another_issuer_is_refused(holding: Holding) -> None:
    proofs = holding.wallet.key_proofs(await holding.wallet.nonce(), [LocalSigner.generate()], "https://coop.example")
    answer = await holding.wallet.credential(holding.token, await holding.body(proofs={"jwt": proofs}))
    refused(answer, {"error": "invalid_proof", "error_description": "The key proof was made for another issuer."})


async def test_a_proof_signed_by_another_key_than_it_shows_is_refused(holding: Holding) -> None:
    nonce = await holding.wallet.nonce()
    shown, other = holding.wallet.key_proofs(nonce, [LocalSigner.generate(), LocalSigner.generate()])
    forged = f"{shown.rsplit('.', 1)[0]}.{other.rsplit('.', 1)[1]}"
    answer = await holding.wallet.credential(holding.token, await holding.body(proofs={"jwt": [forged]}))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_proof")

"""What a token endpoint must refuse, with OAuth's exact bodies."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from credentials.keys.signer import LocalSigner
from credentials.protocols.dpop import check_dpop_proof
from credentials.protocols.oauth import InvalidGrant, TemporarilyUnavailable
from credentials.protocols.openid4vci import TokenRequest, TokenResponse
from issuer.delivery_tables import AccessTokenRow
from issuer.offers import Redeemed
from issuer.service.tokens import redeem
from issuer.store import Store
from issuer.tables import SeenProofRow
from tests.issuer.conftest import URL

if TYPE_CHECKING:
    import httpx

    from issuer.offers import Offer, Open
    from tests.issuer.conftest import Coop, Wallet

WRONG_CODE = {"error": "invalid_grant", "error_description": "The pre-authorized code is wrong, expired or used."}
WRONG_TX_CODE = {"error": "invalid_grant", "error_description": "The transaction code is wrong."}


def refused(answer: httpx.Response, body: dict[str, str], status: int = 400) -> None:
    assert (answer.status_code, answer.json()) == (status, body)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


def wrong(tx_code: str) -> str:
    return f"{(int(tx_code) + 1) % 1_000_000:06}"


@pytest.fixture
def offer(coop: Coop) -> Open:
    return coop.offer(coop.owner())


async def test_a_wrong_tx_code_does_not_burn_the_offer(coop: Coop, wallet: Wallet, offer: Open) -> None:
    for _ in range(4):
        refused(await wallet.token(offer, wrong(coop.tx_code(offer))), WRONG_TX_CODE)
    assert (await wallet.token(offer)).status_code == 200


async def test_the_fifth_wrong_tx_code_burns_the_offer(coop: Coop, wallet: Wallet, offer: Open) -> None:
    for _ in range(5):
        refused(await wallet.token(offer, wrong(coop.tx_code(offer))), WRONG_TX_CODE)
    refused(await wallet.token(offer), WRONG_CODE)
    assert (await wallet.http.get(f"/offers/{offer.id}")).status_code == 410


async def test_a_wrong_try_is_committed_before_it_is_answered(coop: Coop, wallet: Wallet, offer: Open) -> None:
    await wallet.token(offer, wrong(coop.tx_code(offer)))
    with coop.parts.database.read() as session:
        found = Store(session).offer(offer.id)
    assert found
    assert found.tries_left == 4  # type: ignore[union-attr]


async def test_a_missing_tx_code_is_an_invalid_request_and_takes_no_try(
    coop: Coop, wallet: Wallet, offer: Open
) -> None:
    for _ in range(6):
        refused(
            await wallet.token(offer, None),
            {"error": "invalid_request", "error_description": "The offer wants its transaction code as tx_code."},
        )
    assert (await wallet.token(offer)).status_code == 200
    assert coop.rows(AccessTokenRow) == 1


async def test_a_replayed_code_revokes_the_token_that_it_gave(wallet: Wallet, offer: Open) -> None:
    first = await wallet.token(offer)
    refused(await wallet.token(offer), WRONG_CODE)
    answer = await wallet.ask(first.json()["access_token"], offer.copies[0].id)
    refused(
        answer,
        {"error": "invalid_token", "error_description": "The access token is unknown, expired or revoked."},
        status=401,
    )


async def test_a_photographed_code_without_the_digits_revokes_nothing(coop: Coop, wallet: Wallet, offer: Open) -> None:
    first = await wallet.token(offer)
    refused(await wallet.token(offer, wrong(coop.tx_code(offer))), WRONG_CODE)
    refused(await wallet.token(offer, None), WRONG_CODE)
    assert (await wallet.ask(first.json()["access_token"], offer.copies[0].id)).status_code == 200


async def test_the_digits_of_an_offer_that_was_taken_cannot_be_guessed_fast(
    coop: Coop, wallet: Wallet, offer: Open
) -> None:
    first = await wallet.token(offer)
    refused(await wallet.token(offer, wrong(coop.tx_code(offer))), WRONG_CODE)
    for tx_code in (wrong(coop.tx_code(offer)), "right"):
        too_soon = await wallet.token(offer, tx_code)
        assert (too_soon.status_code, too_soon.json()["error"]) == (429, "temporarily_unavailable")
        assert 1 <= int(too_soon.headers["retry-after"]) <= 10
    assert (await wallet.ask(first.json()["access_token"], offer.copies[0].id)).status_code == 200
    coop.wait(seconds=10)
    refused(await wallet.token(offer), WRONG_CODE)
    assert (await wallet.ask(first.json()["access_token"], offer.copies[0].id)).status_code == 401


async def test_an_unknown_code_is_refused(wallet: Wallet, offer: Open) -> None:
    refused(await wallet.token(offer, **{"pre-authorized_code": "A" * 43}), WRONG_CODE)


async def test_an_expired_offer_is_refused_and_gone(coop: Coop, wallet: Wallet, offer: Open) -> None:
    coop.wait(minutes=10)
    refused(await wallet.token(offer), WRONG_CODE)
    gone = await wallet.http.get(f"/offers/{offer.id}")
    assert gone.status_code == 410
    assert gone.headers["content-type"] == "application/problem+json"
    assert gone.json()["code"] == "offer_gone"


async def test_a_wallet_without_dpop_gets_a_bearer_token_for_five_minutes_and_no_way_back(
    wallet: Wallet, offer: Open
) -> None:
    answer = await wallet.token(offer, dpop=None)
    token = TokenResponse.parse(answer.content, allow_bearer=True)
    assert (token.token_type, token.expires_in, token.refresh_token) == ("Bearer", 300, None)


async def test_a_wrong_dpop_proof_never_ends_in_a_bearer_token(wallet: Wallet, offer: Open) -> None:
    refused(
        await wallet.token(offer, dpop="nonsense"),
        {
            "error": "invalid_dpop_proof",
            "error_description": "The DPoP proof cannot be read: it is not three parts with dots between.",
        },
    )


async def test_a_dpop_proof_is_good_once(wallet: Wallet, coop: Coop, offer: Open) -> None:
    proof = wallet.proof_of_possession("/token")
    refused(await wallet.token(offer, wrong(coop.tx_code(offer)), dpop=proof), WRONG_TX_CODE)
    refused(
        await wallet.token(offer, dpop=proof),
        {"error": "invalid_dpop_proof", "error_description": "The DPoP proof was used before."},
    )
    assert coop.rows(SeenProofRow) == 1


async def test_two_dpop_headers_are_refused(wallet: Wallet, coop: Coop, offer: Open) -> None:
    headers = [("DPoP", wallet.proof_of_possession("/token")), ("DPoP", wallet.proof_of_possession("/token"))]
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code",
        "pre-authorized_code": coop.code(offer),
        "tx_code": coop.tx_code(offer),
    }
    answer = await wallet.http.post("/token", data=form, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"url": f"{URL}/credential"}, "The DPoP proof was made for another address."),
        ({"method": "GET"}, "The DPoP proof was made for another method."),
        (
            {"issued_at": 1_700_000_000},
            "The DPoP proof is too old; make a new one, or set the clock of the device right.",
        ),
        (
            {"issued_at": 1_900_000_000},
            "The DPoP proof is dated in the future; check the clock of the device.",
        ),
    ],
)
async def test_a_dpop_proof_for_something_else_is_refused(
    wallet: Wallet, offer: Open, changed: dict[str, Any], reason: str
) -> None:
    answer = await wallet.token(offer, dpop=wallet.proof_of_possession("/token", **changed))
    refused(answer, {"error": "invalid_dpop_proof", "error_description": reason})


async def test_another_grant_type_is_refused(wallet: Wallet, offer: Open) -> None:
    refused(
        await wallet.token(offer, grant_type="client_credentials"),
        {
            "error": "unsupported_grant_type",
            "error_description": "The grant type is none of those that the server's metadata names.",
        },
    )


async def test_a_repeated_form_field_is_refused(wallet: Wallet, coop: Coop, offer: Open) -> None:
    body = f"grant_type=x&grant_type=y&pre-authorized_code={coop.code(offer)}"
    answer = await wallet.http.post("/token", content=body, headers={"DPoP": wallet.proof_of_possession("/token")})
    refused(
        answer,
        {"error": "invalid_request", "error_description": "The token request cannot be read: a field appears twice."},
    )


async def test_authorization_details_beyond_the_offer_take_nothing(wallet: Wallet, offer: Open) -> None:
    beyond = json.dumps([{"type": "openid_credential", "credential_configuration_id": "CoopMembershipCredential"}])
    answer = await wallet.token(offer, authorization_details=beyond)
    refused(
        answer,
        {
            "error": "invalid_authorization_details",
            "error_description": "The offer does not hold every credential configuration that is asked for.",
        },
    )
    assert (await wallet.token(offer)).status_code == 200


async def test_an_oversized_body_is_cut_off(wallet: Wallet) -> None:
    answer = await wallet.http.post("/token", content=b"a=" + b"b" * 300_000)
    assert answer.status_code == 413


async def test_a_browser_gets_the_exact_body_too(wallet: Wallet, offer: Open) -> None:
    answer = await wallet.http.post("/token", content=b"", headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert offer


def test_a_code_is_single_use_even_under_a_race(coop: Coop, offer: Open) -> None:
    """Eight wallets with eight keys redeem one code at the same moment, each on a connection of its own."""
    barrier = threading.Barrier(8)
    answers: list[object] = []

    def run() -> None:
        wallet = _Signer(coop)
        request = TokenRequest(pre_authorized_code=coop.code(offer), tx_code=coop.tx_code(offer))
        proof = check_dpop_proof(wallet.proof(), method="POST", url=f"{URL}/token", at=coop.now)
        barrier.wait()
        with coop.parts.database.write() as session:
            answers.append(redeem(Store(session), request, proof, secrets=coop.parts.desk.secrets, now=coop.now))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(answer, TokenResponse) for answer in answers) == 1
    # The second is looked at, and revokes; the others come too soon after it.
    assert sum(isinstance(answer, InvalidGrant) for answer in answers) == 1
    assert sum(isinstance(answer, TemporarilyUnavailable) for answer in answers) == 6
    assert coop.rows(AccessTokenRow) == 1
    with coop.parts.database.read() as session:
        assert isinstance(Store(session).offer(offer.id), Redeemed)


def test_who_comes_second_on_any_engine_gets_nothing_and_revokes(coop: Coop, offer: Open) -> None:
    """Where writers do not queue, both may see the offer open; the conditional UPDATE lets one through."""

    class Second(Store):
        @override
        def redeem(self, offer: Offer) -> bool:
            assert super().redeem(offer)
            return super().redeem(offer)

    request = TokenRequest(pre_authorized_code=coop.code(offer), tx_code=coop.tx_code(offer))
    proof = check_dpop_proof(_Signer(coop).proof(), method="POST", url=f"{URL}/token", at=coop.now)
    with coop.parts.database.write() as session:
        answer = redeem(Second(session), request, proof, secrets=coop.parts.desk.secrets, now=coop.now)
    assert isinstance(answer, InvalidGrant)
    assert coop.rows(AccessTokenRow) == 0


def test_wrong_codes_under_a_race_are_all_counted(coop: Coop, offer: Open) -> None:
    def run() -> None:
        request = TokenRequest(pre_authorized_code=coop.code(offer), tx_code=wrong(coop.tx_code(offer)))
        proof = check_dpop_proof(_Signer(coop).proof(), method="POST", url=f"{URL}/token", at=coop.now)
        with coop.parts.database.write() as session:
            redeem(Store(session), request, proof, secrets=coop.parts.desk.secrets, now=coop.now)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with coop.parts.database.read() as session:
        assert Store(session).offer(offer.id).tries_left == 1  # type: ignore[union-attr]


class _Signer:
    """A wallet without HTTP."""

    def __init__(self, coop: Coop) -> None:
        self.coop = coop
        self.key = LocalSigner.generate()

    def proof(self) -> str:
        from tests.issuer.conftest import Wallet  # noqa: PLC0415

        return Wallet(self.coop, None, self.key).proof_of_possession("/token")  # type: ignore[arg-type]

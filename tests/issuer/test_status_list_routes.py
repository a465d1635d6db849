"""Status lists at the co-op as they are asked for: whole, signed once, and with entries of an instance's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from credentials.keys.signer import LocalSigner
from credentials.sd_jwt import parse_sd_jwt
from credentials.status import VALID, StatusReference
from credentials.status.token import MEDIA_TYPE, parse_aggregation
from issuer.publishing import publish, signed_list
from issuer.service.publish import sign
from issuer.store import Store
from tests.issuer.conftest import URL, Coop, Wallet
from tests.issuer.lists import draw, end, entries, said, some_copy

if TYPE_CHECKING:
    import httpx

# The routes.


async def test_a_list_is_given_whole_with_an_etag_and_never_kept_unasked(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    drawn = draw(coop, some_copy(coop), 1)[0]
    answer = await browser.get(f"/statuslists/{drawn.list_id}", headers={"Accept": MEDIA_TYPE})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["cache-control"] == "public, no-cache"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in answer.headers
    again = await browser.get(f"/statuslists/{drawn.list_id}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert said(coop, drawn.list_id).statuses[drawn.index] == VALID
    assert said(coop, drawn.list_id).ttl_s == 300


async def test_every_list_is_named_so_that_all_can_be_fetched_ahead(coop: Coop, browser: httpx.AsyncClient) -> None:
    drawn = draw(coop, some_copy(coop))
    answer = await browser.get("/statuslists")
    uris = parse_aggregation(answer.content, issuer=URL, max_lists=100)
    assert len(uris) == 8
    assert {coop.parts.identity.status_list_url(entry.list_id) for entry in drawn} <= set(uris)
    claims = json.loads(_payload((await browser.get(uris[0])).text))
    assert claims["status_list"]["aggregation_uri"] == f"{URL}/statuslists"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/statuslists/unknown", 404, "no_such_status_list"),
        ("/statuslists/..%2f..%2fetc", 404, None),
        ("/statuslists/x?time=1686925000", 501, "no_status_history"),
    ],
)
async def test_what_is_not_there_is_refused_in_words(
    browser: httpx.AsyncClient, path: str, status: int, code: str | None
) -> None:
    answer = await browser.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == status
    assert code is None or answer.json()["code"] == code


async def test_a_list_that_the_loop_did_not_renew_is_renewed_when_asked_for(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    copy = some_copy(coop)
    drawn = draw(coop, copy, 1)[0]
    first = await browser.get(f"/statuslists/{drawn.list_id}")
    coop.wait(hours=13)
    end(coop, copy)
    second = await browser.get(f"/statuslists/{drawn.list_id}")
    assert second.text != first.text
    assert said(coop, drawn.list_id).statuses[drawn.index] == VALID  # what waits for its batch still waits


def _payload(token: str) -> bytes:
    from credentials.encoding import base64url  # noqa: PLC0415

    return base64url.decode(token.split(".")[1], what="payload")


def test_a_list_that_two_sign_at_once_when_asked_for_is_given_as_the_first_signed_it(
    coop: Coop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = draw(coop, some_copy(coop), 1)[0]

    first: list[Any] = []

    def sign_once(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr("issuer.publishing.sign", sign)
        signed = sign(*arguments, **named)
        publish(coop.parts, now=coop.now)
        with coop.parts.database.read() as session:
            first.append(Store(session).status_list(drawn.list_id))
        return signed

    monkeypatch.setattr("issuer.publishing.sign", sign_once)
    given = signed_list(coop.parts, drawn.list_id, now=coop.now)
    assert given is not None
    assert given == first[0].signed
    assert first[0].version == 1


async def test_instances_are_issued_with_entries_of_their_own_and_nothing_of_their_copy(
    coop: Coop, wallet: Wallet
) -> None:
    listener = coop.owner()
    copy = coop.copies(listener)[0]
    token = (await wallet.token(coop.offer(listener, [copy.id]))).json()["access_token"]
    keys = [LocalSigner.generate() for _ in range(4)]
    answer = await wallet.ask(token, copy.id, keys)
    issued = [parse_sd_jwt(each["credential"]) for each in answer.json()["credentials"]]
    named = [StatusReference.parse(each.claims["status"], issuer=URL) for each in issued]
    assert len({(each.uri, each.index) for each in named}) == 4
    held = {(coop.parts.identity.status_list_url(list_id), index) for list_id, index in entries(coop, decoys=False)}
    assert {(each.uri, each.index) for each in named} == held
    assert all(copy.id not in each.uri and listener not in each.uri for each in named)

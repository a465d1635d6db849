import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from credentials.encoding import base64url
from credentials.keys.signer import LocalSigner
from tests.support.databases import everything_in
from trackserver import api
from trackserver.api import STATUSES
from trackserver.service import redeem_grant
from trackserver.service.add_release import Added
from trackserver.store.passes import SqlPasses

GRANTS = "http://tracks.localhost:8702/grants"


async def post(client: httpx.AsyncClient, grant: str, **headers: str) -> httpx.Response:
    return await client.post("/grants", json={"grant": grant}, headers=headers)


def refused(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == f"urn:handstamp:error:{code}"
    assert response.headers["cache-control"] == "no-store"


async def test_a_pushed_grant_becomes_a_link_that_opens_once(client: httpx.AsyncClient, gate: Any) -> None:
    made = await post(client, gate.grant())
    assert made.status_code == 201
    assert made.json()["expires_in"] == 600
    assert "set-cookie" not in made.headers
    opened = await client.get(made.json()["link"])
    assert opened.status_code == 303
    cookie = opened.headers["set-cookie"]
    path = opened.headers["location"]
    assert f"Path={path}" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age=86400" in cookie
    page = await client.get(path, headers={"Accept": "text/html"})
    assert page.status_code == 200
    again = await client.get(made.json()["link"], headers={"Accept": "text/html"})
    assert again.status_code == 410
    assert "Nothing is lost" in again.text
    refused(await client.get(made.json()["link"]), 410, "link_used")


async def test_a_link_opens_for_one_of_many_at_once(client: httpx.AsyncClient, gate: Any) -> None:
    link = (await post(client, gate.grant())).json()["link"]
    statuses = [answer.status_code for answer in await asyncio.gather(*(client.get(link) for _ in range(8)))]
    assert sorted(statuses) == [303] + [410] * 7


async def test_a_link_expires(client: httpx.AsyncClient, gate: Any, clock: Any) -> None:
    link = (await post(client, gate.grant())).json()["link"]
    clock.advance(minutes=10)
    refused(await client.get(link), 410, "link_expired")


async def test_a_browser_that_looks_ahead_does_not_use_the_link_up(client: httpx.AsyncClient, gate: Any) -> None:
    link = (await post(client, gate.grant())).json()["link"]
    assert (await client.get(link, headers={"Sec-Purpose": "prefetch;prerender"})).status_code == 503
    assert (await client.head(link)).status_code == 405
    assert (await client.get(link)).status_code == 303


@pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=nonsense", "?ticket=%F0%9F%8E%B5"])
async def test_a_link_that_was_never_made_opens_nothing(client: httpx.AsyncClient, query: str) -> None:
    refused(await client.get(f"/open{query}"), 404, "link_unknown")


async def test_a_grant_is_redeemed_once(client: httpx.AsyncClient, gate: Any) -> None:
    grant = gate.grant()
    assert (await post(client, grant)).status_code == 201
    refused(await post(client, grant), 409, "grant_used")


async def test_the_twin_of_a_signature_redeems_nothing_twice(client: httpx.AsyncClient, gate: Any) -> None:
    """With (r, s), (r, n - s) fits too, and anybody can write it; what is remembered is the number, not the text."""
    grant = gate.grant()
    signed, _, signature = grant.rpartition(".")
    r, s = base64url.decode(signature, what="signature")[:32], base64url.decode(signature, what="signature")[32:]
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    twin = f"{signed}.{base64url.encode(r + (order - int.from_bytes(s)).to_bytes(32))}"
    assert (await post(client, twin)).status_code == 201
    refused(await post(client, grant), 409, "grant_used")


async def test_a_grant_is_redeemed_once_under_a_race(client: httpx.AsyncClient, gate: Any) -> None:
    grant = gate.grant()
    answers = await asyncio.gather(*(post(client, grant) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_the_same_number_from_another_verifier_is_another_grant(client: httpx.AsyncClient, gate: Any) -> None:
    gate.allow(gate.release.id, issuer="http://shop.localhost:8704")
    jti = "A" * 22
    assert (await post(client, gate.grant(jti=jti))).status_code == 201
    assert (await post(client, gate.grant(jti=jti, issuer="http://shop.localhost:8704"))).status_code == 201


async def test_a_refused_grant_is_not_used_up(client: httpx.AsyncClient, gate: Any) -> None:
    grant = gate.grant(bound=True)
    refused(await post(client, grant), 401, "invalid_dpop_proof")
    assert (await post(client, grant, DPoP=gate.proof("POST", GRANTS))).status_code == 201


async def test_an_expired_grant_is_refused(client: httpx.AsyncClient, gate: Any, clock: Any) -> None:
    grant = gate.grant()
    clock.advance(seconds=301)
    refused(await post(client, grant), 403, "grant_expired")


async def test_a_used_grant_is_remembered_until_it_has_expired(
    client: httpx.AsyncClient, gate: Any, clock: Any
) -> None:
    grant = gate.grant()
    await post(client, grant)
    clock.advance(seconds=299)
    assert (await post(client, gate.grant())).status_code == 201
    refused(await post(client, grant), 409, "grant_used")


async def test_a_grant_for_another_trackserver_is_refused(client: httpx.AsyncClient, gate: Any) -> None:
    refused(await post(client, gate.grant(audience="http://other.localhost:8702")), 403, "wrong_grant_audience")


async def test_a_grant_with_an_unknown_key_is_refused(client: httpx.AsyncClient, gate: Any) -> None:
    refused(await post(client, gate.grant(signer=LocalSigner.generate())), 403, "unknown_grant_key")


async def test_a_grant_of_a_verifier_that_nobody_allowed_is_refused(client: httpx.AsyncClient, gate: Any) -> None:
    refused(await post(client, gate.grant(issuer="http://stranger.localhost:8705")), 403, "unknown_grant_key")


async def test_a_forged_grant_is_refused(client: httpx.AsyncClient, gate: Any) -> None:
    good, other = gate.grant().split("."), gate.grant(release="x").split(".")
    refused(await post(client, ".".join((good[0], other[1], good[2]))), 400, "bad_signature")


async def test_a_verifier_cannot_open_a_release_that_it_was_not_allowed(
    client: httpx.AsyncClient, gate: Any, add: Callable[..., Added], audio: Callable[..., Path], tmp_path: Path
) -> None:
    audio(tmp_path / "other" / "a.flac", title="Other", album="Other")
    other = add(tmp_path / "other").release
    refused(await post(client, gate.grant(release=other.id)), 403, "verifier_not_allowed")
    gate.allow(other.id)
    assert (await post(client, gate.grant(release=other.id))).status_code == 201


async def test_a_key_that_was_replaced_for_one_release_opens_none_but_the_others(
    client: httpx.AsyncClient, gate: Any, add: Callable[..., Added], tmp_path: Path, audio: Callable[..., Path]
) -> None:
    audio(tmp_path / "other" / "a.flac", title="Other", tracknumber="1", album="Other", artist="Other")
    other = add(tmp_path / "other").release
    gate.allow(other.id)
    stolen, gate.signer = gate.signer, LocalSigner.generate()
    gate.allow(gate.release.id)
    refused(await post(client, gate.grant(signer=stolen)), 403, "unknown_grant_key")
    assert (await post(client, gate.grant())).status_code == 201
    assert (await post(client, gate.grant(signer=stolen, release=other.id))).status_code == 201


async def test_a_grant_for_a_release_that_is_not_here_is_refused(client: httpx.AsyncClient, gate: Any) -> None:
    refused(await post(client, gate.grant(release="nowhere")), 404, "release_not_found")


@pytest.mark.parametrize("changes", [{"tracks": ("nowhere",)}, {"formats": ("opus",)}])
async def test_a_grant_for_what_the_release_has_not_is_refused(
    client: httpx.AsyncClient, gate: Any, changes: dict[str, Any]
) -> None:
    refused(await post(client, gate.grant(**changes)), 422, "nothing_granted")


async def test_a_grant_cannot_live_for_days(client: httpx.AsyncClient, gate: Any, clock: Any) -> None:
    now = int(clock().timestamp())
    refused(await post(client, gate.grant(expires_at=now + 86400)), 403, "grant_too_long")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"grant": 1}', b'{"grant": "x"}', b'{"grant": "a.b.c"}', b'{"grant":"","grant":""}']
)
async def test_a_malformed_request_is_said_to_be_one(client: httpx.AsyncClient, body: bytes) -> None:
    refused(await client.post("/grants", content=body), 400, "malformed")


async def test_an_oversize_request_is_refused(client: httpx.AsyncClient) -> None:
    refused(await client.post("/grants", content=b"x" * 300_000), 413, "too_large")


async def test_a_bound_grant_becomes_a_download_for_that_key(client: httpx.AsyncClient, gate: Any) -> None:
    made = await post(client, gate.grant(bound=True), DPoP=gate.proof("POST", GRANTS))
    assert made.status_code == 201
    assert made.json()["token_type"] == "DPoP"
    assert made.json()["expires_in"] == 86400
    assert set(made.json()) == {"download", "access_token", "token_type", "expires_in"}
    url, token = made.json()["download"], made.json()["access_token"]
    proof = gate.proof("GET", url, access_token=token)
    listing = await client.get(url, headers={"Authorization": f"DPoP {token}", "DPoP": proof})
    assert listing.status_code == 200
    assert len(listing.json()["files"]) == 4


async def test_a_bound_grant_without_its_proof_is_refused(client: httpx.AsyncClient, gate: Any) -> None:
    answer = await post(client, gate.grant(bound=True))
    refused(answer, 401, "invalid_dpop_proof")
    assert answer.headers["www-authenticate"].startswith('DPoP error="invalid_dpop_proof"')


async def test_a_bound_grant_with_another_key_is_refused(client: httpx.AsyncClient, gate: Any) -> None:
    proof = gate.proof("POST", GRANTS, signer=LocalSigner.generate())
    answer = await post(client, gate.grant(bound=True), DPoP=proof)
    refused(answer, 401, "dpop_wrong_key")
    assert "DPoP" in answer.headers["www-authenticate"]


@pytest.mark.parametrize(("method", "url"), [("GET", GRANTS), ("POST", "http://tracks.localhost:8702/other")])
async def test_a_proof_for_another_request_is_refused(
    client: httpx.AsyncClient, gate: Any, method: str, url: str
) -> None:
    answer = await post(client, gate.grant(bound=True), DPoP=gate.proof(method, url))
    refused(answer, 401, "invalid_dpop_proof")


async def test_two_proofs_are_one_too_many(client: httpx.AsyncClient, gate: Any) -> None:
    headers = [("DPoP", gate.proof("POST", GRANTS)), ("DPoP", gate.proof("POST", GRANTS))]
    answer = await client.post("/grants", json={"grant": gate.grant(bound=True)}, headers=headers)
    refused(answer, 401, "invalid_dpop_proof")


async def test_a_proof_is_taken_once(client: httpx.AsyncClient, gate: Any) -> None:
    proof = gate.proof("POST", GRANTS)
    assert (await post(client, gate.grant(bound=True), DPoP=proof)).status_code == 201
    refused(await post(client, gate.grant(bound=True), DPoP=proof), 401, "dpop_proof_replayed")


async def test_old_passes_are_forgotten(client: httpx.AsyncClient, gate: Any, clock: Any) -> None:
    link = (await post(client, gate.grant())).json()["link"]
    path = urlsplit((await client.get(link)).headers["location"]).path
    clock.advance(days=9)
    refused(await client.get(path), 410, "download_expired")
    assert (await post(client, gate.grant())).status_code == 201
    # A redemption erases nothing: the service does it by itself.
    refused(await client.get(path), 410, "download_expired")
    with gate.parts.database.write() as session:
        redeem_grant.sweep(SqlPasses(session), now=clock())
    refused(await client.get(path), 403, "download_not_found")
    refused(await client.get(link), 404, "link_unknown")


async def test_nothing_that_opens_a_download_is_stored(client: httpx.AsyncClient, gate: Any) -> None:
    link = (await post(client, gate.grant())).json()["link"]
    cookie = (await client.get(link)).cookies["handstamp_download"]
    made = await post(client, gate.grant(bound=True), DPoP=gate.proof("POST", GRANTS))
    stored = everything_in(gate.parts.database)
    for secret in (link.partition("=")[2], cookie, made.json()["access_token"]):
        assert secret.encode() not in stored


@pytest.fixture
def writes(gate: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens, in order: `write` where a write transaction begins, `verify` and `proof` where one is checked."""
    seen: list[str] = []
    writing = gate.parts.database.writing

    async def noted(work: Callable[..., Any], turn: str | None = None) -> Any:
        seen.append("write")
        return await writing(work, turn)

    monkeypatch.setattr(gate.parts.database, "writing", noted)
    monkeypatch.setattr(redeem_grant, "verify_grant", _noting(seen, "verify", redeem_grant.verify_grant))
    monkeypatch.setattr(api, "check_dpop_proof", _noting(seen, "proof", api.check_dpop_proof))
    return seen


def _noting(seen: list[str], what: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def noting(*args: Any, **kwargs: Any) -> Any:
        seen.append(what)
        return call(*args, **kwargs)

    return noting


async def test_a_bad_grant_or_proof_begins_no_write(client: httpx.AsyncClient, gate: Any, writes: list[str]) -> None:
    refused(await post(client, gate.grant(signer=LocalSigner.generate())), 403, "unknown_grant_key")
    refused(await post(client, gate.grant(bound=True), DPoP="x"), 401, "invalid_dpop_proof")
    stolen = gate.proof("POST", GRANTS, signer=LocalSigner.generate())
    refused(await post(client, gate.grant(bound=True), DPoP=stolen), 401, "dpop_wrong_key")
    assert "write" not in writes


async def test_nothing_is_verified_inside_the_write(client: httpx.AsyncClient, gate: Any, writes: list[str]) -> None:
    assert (await post(client, gate.grant(bound=True), DPoP=gate.proof("POST", GRANTS))).status_code == 201
    assert writes == ["verify", "verify", "proof", "write"]


async def test_a_key_that_is_replaced_while_its_grant_is_judged_redeems_nothing(
    client: httpx.AsyncClient, gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant, old = gate.grant(), gate.signer
    database = gate.parts.database
    writing = database.writing

    async def replaced_first(work: Callable[..., Any], turn: str | None = None) -> Any:
        monkeypatch.setattr(database, "writing", writing)
        gate.signer = LocalSigner.generate()
        gate.allow(gate.release.id)
        return await writing(work, turn)

    monkeypatch.setattr(database, "writing", replaced_first)
    refused(await post(client, grant), 403, "unknown_grant_key")
    gate.signer = old
    gate.allow(gate.release.id)
    assert (await post(client, grant)).status_code == 201


def test_every_error_has_a_status() -> None:
    from trackserver import errors  # noqa: PLC0415  # looked through, not used

    own = {value for value in vars(errors).values() if isinstance(value, type) and value.__module__ == errors.__name__}
    of_commands = {errors.NoSuchFolder, errors.NothingToAdd, errors.AlbumRefused}
    of_proofs = {errors.ProofByAnotherKey, errors.ProofReplayed}
    assert own - of_commands - of_proofs <= set(STATUSES)


async def test_a_clock_that_is_set_back_makes_no_proof_good_again(
    client: httpx.AsyncClient, gate: Any, clock: Any
) -> None:
    made = (await post(client, gate.grant(bound=True), DPoP=gate.proof("POST", GRANTS))).json()
    proof = gate.proof("GET", made["download"], access_token=made["access_token"])
    headers = {"Authorization": f"DPoP {made['access_token']}", "DPoP": proof}
    assert (await client.get(made["download"], headers=headers)).status_code == 200
    clock.advance(hours=1)
    assert (await post(client, gate.grant())).status_code == 201  # what is over is forgotten on such an occasion
    clock.advance(hours=-1)
    refused(await client.get(made["download"], headers=headers), 401, "dpop_proof_replayed")

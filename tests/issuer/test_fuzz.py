"""Whatever arrives at the endpoints for wallets, the answer is a refusal in OAuth's words and never a 500."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credentials.encoding import base64url
from credentials.keys.signer import LocalSigner
from tests.issuer.conftest import URL, Coop, Wallet, make_coop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from issuer.offers import Open

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEADER = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\x00"), max_size=60).map(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
ERRORS_OF_TOKEN = {
    "invalid_request",
    "invalid_grant",
    "unsupported_grant_type",
    "invalid_dpop_proof",
    "invalid_authorization_details",
}
ERRORS_OF_CREDENTIAL = {
    "invalid_credential_request",
    "unknown_credential_configuration",
    "unknown_credential_identifier",
    "invalid_proof",
    "invalid_nonce",
    "invalid_encryption_parameters",
    "invalid_token",
    "invalid_dpop_proof",
}


class World:
    """One co-op for all examples, each example on a connection of its own."""

    def __init__(self, coop: Coop) -> None:
        coop.add_release()
        self.coop = coop
        self.offer: Open = coop.offer(coop.owner())
        self.key = LocalSigner.generate()
        self.access_token = str(self.run(self._token()).json()["access_token"])

    async def _token(self) -> httpx.Response:
        async with self.client() as http:
            return await Wallet(self.coop, http, self.key).token(self.offer)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.coop.app), base_url=URL)

    def run(self, answer: Any) -> httpx.Response:
        response: httpx.Response = asyncio.run(answer)
        return response

    def post(self, path: str, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        async def send() -> httpx.Response:
            async with self.client() as http:
                raw = {name: value.encode("latin-1") for name, value in (headers or {}).items()}
                return await http.post(path, content=content, headers=raw)

        return self.run(send())

    def dpop(self, path: str, access_token: str | None = None) -> str:
        return Wallet(self.coop, None, self.key).proof_of_possession(path, access_token)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        coop = make_coop(Path(folder))
        yield World(coop)
        coop.parts.database.close()


def check(answer: httpx.Response, errors: set[str]) -> None:
    assert answer.status_code in {400, 401}, answer.text
    if answer.content:
        assert set(answer.json()) == {"error", "error_description"}
        assert answer.json()["error"] in errors
        assert answer.text.isascii()
    assert answer.headers["cache-control"] == "no-store"


@FEW
@given(body=st.binary(max_size=200), proof=st.none() | HEADER)
def test_any_bytes_at_the_token_endpoint(world: World, body: bytes, proof: str | None) -> None:
    headers = {"DPoP": world.dpop("/token") if proof is None else proof}
    check(world.post("/token", body, headers), ERRORS_OF_TOKEN)


@FEW
@given(
    changed=st.dictionaries(
        st.sampled_from(
            ["grant_type", "pre-authorized_code", "tx_code", "authorization_details", "client_id", "scope", ""]
        ),
        st.text(max_size=40),
    )
)
def test_any_form_at_the_token_endpoint(world: World, changed: dict[str, str]) -> None:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code",
        "pre-authorized_code": "A" * 43,
        "tx_code": "123456",
        **changed,
    }
    body = urlencode(form, errors="surrogatepass").encode()
    check(world.post("/token", body, {"DPoP": world.dpop("/token")}), ERRORS_OF_TOKEN)


@FEW
@given(body=st.binary(max_size=200), authorization=HEADER, proof=HEADER)
def test_any_headers_at_the_credential_endpoint(world: World, body: bytes, authorization: str, proof: str) -> None:
    check(world.post("/credential", body, {"Authorization": authorization, "DPoP": proof}), ERRORS_OF_CREDENTIAL)


@FEW
@given(
    changed=st.dictionaries(
        st.sampled_from(["credential_identifier", "credential_configuration_id", "proofs", "proof", "x"]), JSON
    ),
    proofs=st.lists(JSON, max_size=22),
)
def test_any_request_of_a_wallet_with_a_good_token(world: World, changed: dict[str, Any], proofs: list[Any]) -> None:
    import json  # noqa: PLC0415

    body = {"credential_identifier": world.offer.copies[0].id, "proofs": {"jwt": proofs}, **changed}
    headers = {
        "Authorization": f"DPoP {world.access_token}",
        "DPoP": world.dpop("/credential", world.access_token),
    }
    check(world.post("/credential", json.dumps(body).encode(), headers), ERRORS_OF_CREDENTIAL)


@FEW
@given(header=JSON, claims=JSON, signature=st.binary(max_size=70))
def test_any_key_proof_of_a_wallet_with_a_good_token(world: World, header: Any, claims: Any, signature: bytes) -> None:
    import json  # noqa: PLC0415

    if isinstance(header, dict):
        header = {"typ": "openid4vci-proof+jwt", "alg": "ES256", "jwk": world.key.public_key.jwk, **header}
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    proof = ".".join(base64url.encode(part) for part in parts)
    body = {"credential_identifier": world.offer.copies[0].id, "proofs": {"jwt": [proof]}}
    headers = {
        "Authorization": f"DPoP {world.access_token}",
        "DPoP": world.dpop("/credential", world.access_token),
    }
    answer = world.post("/credential", json.dumps(body).encode(), headers)
    check(answer, {"invalid_proof", "invalid_credential_request"})


@FEW
@given(name=st.text(st.characters(codec="utf-8"), max_size=30), cookie=HEADER)
def test_any_address_token_and_cookie(world: World, name: str, cookie: str) -> None:
    async def ask() -> set[int]:
        headers = {"Cookie": f"coop={cookie}".encode("latin-1"), "Accept": b"text/html"}
        async with world.client() as http:
            answers = [
                await http.post("/login", data={"token": name}),
                await http.get("/login", params={"token": name}),
                await http.get(f"/offers/{quote(name, safe='')}", headers=headers),
                await http.get(f"/offers/{quote(name, safe='')}/page", headers=headers),
            ]
        return {answer.status_code for answer in answers}

    # 405: a name of "." leads to /offers itself, where only a form is taken.
    assert asyncio.run(ask()) <= {303, 307, 401, 404, 405, 410}

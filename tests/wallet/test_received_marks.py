"""Every way in which a co-op could mark a listener by what it hands out, or lie instead of it: each is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

import schemas
from credentials.encoding import base64url
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from tests.support.hostile_issuer import URL, HostileIssuer, honest
from tests.support.outside import MONTH_S, Authority, endless, refuses, release_claims, says
from tests.wallet.receiving import refusal
from wallet import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from credentials.keys.jwk import PublicKey
    from wallet.ports import Tools


def resigned(credential: str, signer: LocalSigner, *, header: dict[str, object], claims: dict[str, object]) -> str:
    """Sign a credential anew after changing what everybody sees of it."""
    jwt, _, disclosures = credential.partition("~")
    old_header, old_claims, _ = (base64url.decode(part, what="part") for part in jwt.split("."))
    merged_header = {**json.loads(old_header), **header}
    merged_header.pop("alg")
    return f"{sign_jws(merged_header, json.loads(old_claims) | claims, signer)}~{disclosures}"


def tagged(header: dict[str, object] | None = None, **claims: object) -> Callable[..., str]:
    def issue(issuer: HostileIssuer, identifier: str, index: int, key: PublicKey) -> str:
        made = honest(issuer, identifier, index, key)
        return resigned(made, issuer.signer, header=header or {}, claims=claims)

    return issue


def changed(**claims: str) -> Callable[..., str]:
    return lambda *four: honest(*four, disclosable=release_claims(**claims))


def only_first(**changes: object) -> Callable[..., str]:
    def issue(issuer: HostileIssuer, identifier: str, index: int, key: PublicKey) -> str:
        return honest(issuer, identifier, index, key, **(changes if index == 0 else {}))

    return issue


MARKS: dict[str, Callable[..., str]] = {
    "a member that only this listener has in its header": tagged({"trace": "listener-7"}),
    "a claim that everybody sees": tagged(sub="listener-7"),
    "a date within the month": tagged(iat=MONTH_S + 7),
    "last month's date": tagged(iat=MONTH_S - 30 * 86400),
    "an end": tagged(exp=MONTH_S + 10**8),
    "a status": tagged(status={"status_list": {"idx": 7, "uri": "https://coop.example/1"}}),
    "no status": lambda *four: honest(*four, status=None),
    "another issuer": lambda *four: honest(*four, issuer="http://shop.localhost:8701"),
    "another type": lambda *four: honest(*four, vct=schemas.TRACK_OWNERSHIP.vct),
    "a type of its own": lambda *four: honest(*four, vct="urn:coop:listener-7"),
    "more digests": lambda *four: honest(*four, digest_count=13),
    "a claim of its own": lambda *four: honest(*four, disclosable=release_claims() | {"listener": "7"}),
    "a claim too few": lambda *four: honest(*four, disclosable={"release": release_claims()["release"]}),
    "a space at the end of a title": changed(name="Night Bus EP "),
    "two spaces in a title": changed(name="Night  Bus EP"),
    "a character that nobody sees": changed(name="Night\u200bBus EP"),
    "a title not in normal form": changed(name="Cafe\u0301"),
    "an odd way of acquiring": changed(acquisition="listener-7"),
    "an odd month": changed(acquired="2026-13"),
    "a release number that is none": changed(release="listener-7"),
    "a line break after a number": changed(gtin="none\n"),
    "a title in the first instance only": only_first(disclosable=release_claims(name="Night Bus")),
    "another copy number in the first instance only": only_first(disclosable=release_claims(copy="A" * 21 + "Q")),
    "a key of the listener's that was never sent": lambda *four: honest(*four[:3], LocalSigner.generate().public_key),
    "a signature by another key": lambda *four: honest(*four, signer=LocalSigner.generate()),
    "no credential at all": lambda *_: "not-a-credential~",
}


@pytest.mark.parametrize("mark", MARKS)
async def test_an_issuer_that_marks_the_listener_is_refused_and_nothing_is_kept(
    issuer: HostileIssuer, tools: Tools, mark: str
) -> None:
    issuer.issue = MARKS[mark]
    refused = await refusal(issuer, tools)
    assert isinstance(refused, errors.UnwantedCredential)
    assert "not kept" in refused.detail


async def test_one_key_for_two_instances_is_refused(issuer: HostileIssuer, tools: Tools) -> None:
    keys: list[PublicKey] = []

    def same(an_issuer: HostileIssuer, identifier: str, index: int, key: PublicKey) -> str:
        keys.append(key)
        return honest(an_issuer, identifier, index, keys[0])

    issuer.issue = same
    assert "same key" in (await refusal(issuer, tools)).detail


@pytest.mark.parametrize("wrong", [0, 1, 3, 5])
async def test_too_few_or_too_many_instances_are_refused(issuer: HostileIssuer, tools: Tools, wrong: int) -> None:
    give = issuer.give_credentials

    def cut(request: httpx.Request) -> httpx.Response:
        made = json.loads(give(request).content)["credentials"]
        return httpx.Response(200, json={"credentials": (made * 2)[:wrong]})

    issuer.routes.answers["POST /credential"] = cut
    await refusal(issuer, tools)


async def test_instances_signed_with_two_certified_keys_are_refused(
    issuer: HostileIssuer, tools: Tools, authority: Authority
) -> None:
    signer, chain = authority.certify("coop.localhost")
    issuer.issue = only_first(signer=signer, x5c=chain.x5c())
    assert "not signed alike" in (await refusal(issuer, tools)).detail


async def test_a_certified_key_that_the_co_op_does_not_state_in_public_is_refused(
    issuer: HostileIssuer, tools: Tools, authority: Authority
) -> None:
    signer, chain = authority.certify("coop.localhost")
    issuer.issue = lambda *four: honest(*four, signer=signer, x5c=chain.x5c())
    assert "state in public" in (await refusal(issuer, tools)).detail


async def test_a_certificate_that_the_co_op_does_not_state_in_public_is_refused_though_the_key_is_stated(
    issuer: HostileIssuer, tools: Tools, authority: Authority
) -> None:
    _, shown_to_others = authority.certify("coop.localhost")
    issuer.routes.answers["GET /.well-known/jwt-vc-issuer"] = issuer.state(issuer.signer.public_key, shown_to_others)
    assert "a certificate that the co-op does not state" in (await refusal(issuer, tools)).detail


async def test_a_co_op_that_states_a_key_for_every_listener_is_refused(issuer: HostileIssuer, tools: Tools) -> None:
    keys = [LocalSigner.generate().public_key.jwk for _ in range(50)]
    answer = says({"issuer": URL, "jwks": {"keys": keys}})
    issuer.routes.answers["GET /.well-known/jwt-vc-issuer"] = answer
    await refusal(issuer, tools)


async def test_a_list_of_keys_in_another_name_is_refused(issuer: HostileIssuer, tools: Tools) -> None:
    issuer.routes.answers["GET /.well-known/jwt-vc-issuer"] = says({"issuer": "http://shop.localhost", "jwks": {}})
    await refusal(issuer, tools)


@pytest.mark.parametrize("status", [200, 404])
async def test_a_co_op_that_states_no_keys_could_sign_with_one_for_each_listener_and_is_refused(
    issuer: HostileIssuer, tools: Tools, status: int
) -> None:
    answer = says({"issuer": URL, "jwks_uri": "http://coop.localhost:8701/j"}, status)
    issuer.routes.answers["GET /.well-known/jwt-vc-issuer"] = answer
    assert "does not state its keys in public" in (await refusal(issuer, tools)).detail


LIES: list[tuple[str, Callable[[httpx.Request], httpx.Response]]] = [
    ("GET /offers/1", says({"credential_issuer": URL})),
    ("GET /offers/1", says({"detail": "It is over."}, 410)),
    ("GET /offers/1", endless()),
    ("GET /.well-known/openid-credential-issuer", says({"credential_issuer": "https://shop.example"})),
    ("GET /.well-known/openid-credential-issuer", endless()),
    ("GET /.well-known/openid-credential-issuer", says({}, 302, location="http://shop.localhost/")),
    ("GET /.well-known/oauth-authorization-server", says({}, 500)),
    ("POST /token", says({"access_token": "t", "token_type": "Bearer"})),
    ("POST /token", refuses("invalid_request")),
    ("POST /token", says({"hello": "you"}, 500)),
    ("POST /token", endless()),
    ("POST /nonce", says({}, 503)),
    ("POST /nonce", says({})),
    ("POST /credential", refuses("credential_request_denied")),
    ("POST /credential", refuses("invalid_nonce")),
    ("POST /credential", says({"transaction_id": "later"}, 202)),
    ("POST /credential", says({"credentials": []})),
    ("POST /credential", says({"credential": "old~"})),
    ("POST /credential", endless()),
]


@pytest.mark.parametrize("lie", range(len(LIES)))
async def test_whatever_a_co_op_answers_instead_nothing_is_kept_and_the_words_say_why(
    issuer: HostileIssuer, tools: Tools, lie: int
) -> None:
    route, answer = LIES[lie]
    issuer.routes.answers[route] = answer
    assert (await refusal(issuer, tools)).detail.endswith(".")

"""Types that are none of ours: kept when it is proven who issued them, named as they are described, else refused."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from credentials.dids import DidDocument
from credentials.dids.did_web import build_did_web
from credentials.encoding import base64url
from credentials.keys.jwk import PublicKey
from credentials.keys.signer import LocalSigner
from credentials.type_metadata import build_integrity
from tests.support.other_credentials import CARD, HOST, LIBRARY_CARD, URL, make_card
from tests.support.other_issuer import OtherIssuer
from tests.support.outside import NOW, Authority, Outside, says
from wallet import errors
from wallet.foreign import Proof, inspect_foreign
from wallet.kinds import ForeignKind
from wallet.ports import Tools
from wallet.service.receive import offered_in_words, read_offer, receive
from wallet.state import Copy

Make = Callable[[OtherIssuer, str, PublicKey], str]
HERE = f"{URL}/types/card"


@pytest.fixture
def other(outside: Outside, authority: Authority) -> OtherIssuer:
    return OtherIssuer.open(outside, authority, identifiers=("card",), make=make_card)


async def take(other: OtherIssuer, tools: Tools) -> Copy:
    (copy,) = await receive(await read_offer(other.offer_link(), tools=tools), tools=tools)
    return copy


async def refused(other: OtherIssuer, tools: Tools) -> str:
    with pytest.raises((errors.UnwantedCredential, errors.UnknownAuthority)) as caught:
        await take(other, tools)
    assert tools.keeper.load().copies == ()
    return str(caught.value)


def resigned(header: Callable[[OtherIssuer], dict[str, Any]], **claims: Any) -> Make:
    """Make cards whose header and visible claims are others; they are signed anew."""

    def make(issuer: OtherIssuer, identifier: str, key: PublicKey) -> str:
        jwt, _, disclosures = make_card(issuer, identifier, key).partition("~")
        payload = json.loads(base64url.decode(jwt.split(".")[1], what="claims")) | claims
        return issuer.sign({"typ": "dc+sd-jwt"} | header(issuer), payload) + f"~{disclosures}"

    return make


def certified(issuer: OtherIssuer) -> dict[str, Any]:
    return {"x5c": issuer.chain.x5c()}


async def test_a_nested_credential_of_a_certified_issuer_is_kept_as_it_is(other: OtherIssuer, tools: Tools) -> None:
    opened = await read_offer(other.offer_link(), tools=tools)
    assert opened.kinds == {"LibraryCard": ForeignKind(vct=LIBRARY_CARD, name="Library card")}
    assert offered_in_words(opened) == "“Library card”"
    (copy,) = await receive(opened, tools=tools)
    assert copy.claims == CARD
    assert copy.foreign
    assert (copy.foreign.name, copy.foreign.labels) == ("Library card", {"tier": "What you may do"})
    assert len(copy.instances) == 4
    assert other.violations == []


async def test_a_key_that_the_issuer_states_needs_no_certificate(other: OtherIssuer, tools: Tools) -> None:
    other.make = resigned(lambda _: {"kid": "stated"})
    assert (await take(other, tools)).vct == LIBRARY_CARD


async def test_an_issuer_under_its_did_is_proven_by_its_document(other: OtherIssuer, tools: Tools) -> None:
    did = build_did_web(URL)
    other.iss = did
    other.routes.answers["GET /.well-known/jwt-vc-issuer"] = says({}, 404)
    for kid in (f"{did}#{other.signer.public_key.thumbprint}", f"#{other.signer.public_key.thumbprint}"):
        other.make = resigned(lambda _, kid=kid: {"kid": kid})  # type: ignore[misc]
        assert (await take(other, tools)).issuer == URL


async def test_the_same_card_again_is_the_same_copy(other: OtherIssuer, tools: Tools) -> None:
    await take(other, tools)
    await take(other, tools)
    assert [len(copy.instances) for copy in tools.keeper.load().copies] == [8]


async def test_a_number_of_each_instance_is_no_part_of_what_it_says(other: OtherIssuer, tools: Tools) -> None:
    numbers = iter(range(100))

    def numbered(issuer: OtherIssuer, identifier: str, key: PublicKey) -> str:
        return resigned(certified, jti=f"number {next(numbers)}")(issuer, identifier, key)

    other.make = numbered
    assert "jti" not in (await take(other, tools)).claims


class NoDids:
    """Resolves nothing: the issuer of the test names itself by its address."""

    async def resolve(self, did: str) -> DidDocument:
        raise AssertionError(did)


async def test_an_issuer_whose_address_cannot_be_written_as_a_did_needs_none(
    other: OtherIssuer, authority: Authority
) -> None:
    other.iss = f"{URL}/~cards"
    signer = LocalSigner.generate()
    card = resigned(certified)(other, "card", signer.public_key)
    proof = Proof(issuer=other.iss, anchors=(authority.pem,), stated={}, dids=NoDids())
    keys = {signer.public_key.thumbprint: signer}
    inspected = await inspect_foreign([card], keys=keys, vct=LIBRARY_CARD, proof=proof, host=HOST, at=NOW)
    assert inspected.claims == CARD


def differing(issuer: OtherIssuer, identifier: str, key: PublicKey) -> str:
    return resigned(certified, mark=key.thumbprint)(issuer, identifier, key)


REFUSED: dict[str, tuple[Make, str]] = {
    "a stranger's key": (resigned(lambda _: {"kid": "nobody's"}), "key"),
    "a did of somebody else": (
        resigned(lambda _: {"kid": "#1"}, iss="did:web:shop.localhost"),
        "another issuer",
    ),
    "a did that is a key": (resigned(lambda _: {"kid": "#0"}, iss="did:key:z6Mk"), "another issuer"),
    "another issuer": (resigned(certified, iss="http://shop.localhost:8801"), "another issuer"),
    "another type": (resigned(certified, vct="https://library.example/types/other"), "another type"),
    "an end that has passed": (resigned(certified, exp=1), "expired"),
    "instances that differ": (differing, "do not all say the same"),
    "no credential": (lambda *_: "nonsense~", ""),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_not_proven_or_not_right_is_refused_and_not_kept(
    other: OtherIssuer, tools: Tools, what: str
) -> None:
    other.make, words = REFUSED[what]
    assert words in await refused(other, tools)


async def test_a_certificate_from_nobody_known_is_refused_unless_the_key_is_stated(
    other: OtherIssuer, tools: Tools
) -> None:
    signer, chain = Authority().certify(HOST)
    other.signer, other.chain = signer, chain
    assert (await take(other, tools)).vct == LIBRARY_CARD
    other.routes.answers["GET /.well-known/jwt-vc-issuer"] = says({}, 404)
    with pytest.raises(errors.UnknownAuthority):
        await take(other, tools)


async def test_one_key_for_two_instances_is_refused(other: OtherIssuer, tools: Tools) -> None:
    keys: list[PublicKey] = []

    def same(issuer: OtherIssuer, identifier: str, key: PublicKey) -> str:
        keys.append(key)
        return make_card(issuer, identifier, keys[0])

    other.make = same
    assert "same key" in await refused(other, tools)


def described(other: OtherIssuer, **changes: Any) -> bytes:
    """Let the card's type be described at the issuer's own host."""
    other.card_type = HERE
    document = {
        "vct": HERE,
        "display": [{"locale": "de", "name": "Ausweis"}, {"locale": "en-GB", "name": "Card\u202e of the library"}],
        "claims": [{"path": ["library"], "display": [{"locale": "en", "label": "Which library"}]}],
    } | changes
    body = json.dumps(document).encode()
    other.routes.answers["GET /types/card"] = lambda _: httpx.Response(200, content=body)
    return body


async def test_a_type_is_called_what_its_own_description_says(other: OtherIssuer, tools: Tools) -> None:
    body = described(other)
    other.make = resigned(certified, vct=HERE, **{"vct#integrity": build_integrity(body)})
    copy = await take(other, tools)
    assert copy.foreign
    assert copy.foreign.name == "Card of the library"
    assert copy.foreign.labels == {"tier": "What you may do", "library": "Which library"}
    assert "vct#integrity" not in copy.claims


WRONG_TYPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another hash": ({}, {"vct#integrity": build_integrity(b"something else")}),
    "a hash that is none": ({}, {"vct#integrity": 7}),
    "another type": ({"vct": "https://library.example/other"}, {}),
    "a type that extends itself": ({"extends": HERE}, {}),
    "a claim that every one must have": ({"claims": [{"path": ["motto"], "mandatory": True}]}, {}),
    "no description": ({"claims": "many"}, {}),
}


@pytest.mark.parametrize("what", WRONG_TYPES)
async def test_a_credential_that_its_type_contradicts_is_refused(other: OtherIssuer, tools: Tools, what: str) -> None:
    changes, claims = WRONG_TYPES[what]
    described(other, **changes)
    other.make = resigned(certified, vct=HERE, **claims)
    await refused(other, tools)


async def test_a_type_whose_host_is_away_is_called_what_the_issuer_calls_it(other: OtherIssuer, tools: Tools) -> None:
    described(other)
    other.routes.answers["GET /types/card"] = says({}, 503)
    other.make = resigned(certified, vct=HERE)
    copy = await take(other, tools)
    assert copy.foreign
    assert copy.foreign.name == "Library card"


async def test_an_issuer_of_our_types_that_states_no_keys_is_refused_though_its_did_does(
    other: OtherIssuer, tools: Tools
) -> None:
    other.routes.answers["GET /.well-known/jwt-vc-issuer"] = says({}, 404)
    other.identifiers = ("ep",)
    with pytest.raises(errors.IssuerRefused, match="state its keys"):
        await take(other, tools)

"""On receipt: a credential that could tag its holder is refused (steps 14 and 15 of the pipeline)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from credentials import refusals
from credentials.encoding import base64url
from credentials.encoding.strict_json import dump
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt import build_presentation, parse_sd_jwt
from credentials.sd_jwt.disclosure import digest_sha256
from credentials.trust import TrustPolicy
from tests.support.refusing import refused

if TYPE_CHECKING:
    from tests.credentials.conftest import World


def marked(difference: str, world: World, credential: str | None = None, **changes: Any) -> None:
    """Check that a credential is refused on receipt for being different, and in what."""
    refusal = refused("recognisable", world.receive, credential, **changes)
    assert isinstance(refusal, refusals.Recognisable)
    assert refusal.difference.startswith(difference), refusal.difference


def test_a_credential_like_all_others_is_received(world: World) -> None:
    received = world.receive()
    assert dict(received.disclosed) == world.claims
    assert received.holder_key == world.holder.public_key.thumbprint
    world.receive(claim_names=None)


def test_a_credential_for_another_key_is_refused(world: World) -> None:
    refused("not_our_key", world.receive, world.issue(holder_key=LocalSigner.generate().public_key))
    refused("not_our_key", world.receive, holder_keys=frozenset())


def test_a_credential_that_was_presented_before_is_refused(world: World) -> None:
    refused("unexpected_key_binding", world.receive, world.present(world.issue()))


def test_what_verify_refuses_is_refused_on_receipt_too(world: World) -> None:
    refused("untrusted_issuer", world.receive, policy=TrustPolicy())
    refused("bad_signature", world.receive, world.issue(signer=LocalSigner.generate()))
    refused("type_not_allowed", world.receive, world.issue(vct="urn:other"))
    refused("malformed", world.receive, world.sign({"cnf": ...}))
    refused("expired", world.receive, reissue(world, exp=world.now_s - 60))
    refused("not_yet_valid", world.receive, reissue(world, nbf=world.now_s + 61))


@pytest.mark.parametrize("off_s", [1, -1, 86400, -86400, 20 * 86400, -30 * 86400])
def test_a_date_other_than_the_first_second_of_this_month_could_tag_the_holder(world: World, off_s: int) -> None:
    late = world.now + timedelta(days=60)
    marked("its date", world, world.issue(issued_at=world.month_s + off_s))
    marked("its date", world, at=late)


def test_a_month_may_turn_while_a_credential_is_on_its_way(world: World) -> None:
    turn = datetime(2026, 12, 1, tzinfo=UTC)
    world.receive(at=turn + timedelta(seconds=30))
    world.receive(world.issue(issued_at=int(turn.timestamp())), at=turn - timedelta(seconds=30))
    marked("its date", world, at=turn + timedelta(seconds=90))


def test_one_digest_more_or_less_could_tag_the_holder(world: World) -> None:
    for count in (3, 11, 13):
        marked("it does not have 12 digests", world, world.issue(digest_count=count))


def test_other_claims_than_the_type_has_could_tag_the_holder(world: World) -> None:
    for claims in ({"name": "x"}, world.claims | {"extra": "x"}, {}):
        marked("it has other claims", world, world.issue(claims))


def reissue(world: World, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Sign a credential anew after changing what is always visible; `...` takes a member away."""
    credential = world.issue()
    claims = dict(parse_sd_jwt(credential).issuer_claims) | changes
    kept = {name: value for name, value in claims.items() if value is not ...}
    first = {"typ": "dc+sd-jwt", "kid": world.issuer.public_key.thumbprint, "x5c": world.x5c} | (header or {})
    return "~".join([sign_jws(first, kept, world.issuer), *credential.split("~")[1:]])


def test_a_reissued_credential_without_changes_is_received(world: World) -> None:
    world.receive(reissue(world))


def test_a_visible_claim_too_many_or_too_few_could_tag_the_holder(world: World) -> None:
    far = int((world.now + timedelta(days=900)).timestamp())
    for changes in ({"sub": "x"}, {"jti": "1"}, {"exp": far}, {"nbf": 0}, {"iat": ...}, {"_sd_alg": ...}):
        marked("it always shows other claims", world, reissue(world, **changes))
    marked("the holder's key", world, reissue(world, cnf={"jwk": world.holder.public_key.jwk, "kid": "1"}))
    marked("the holder's key", world, reissue(world, cnf={"jwk": world.holder.public_key.jwk | {"kid": "1"}}))
    marked("its date", world, reissue(world, iat=float(world.month_s)))


def test_a_header_member_too_many_could_tag_the_holder(world: World) -> None:
    other = LocalSigner.generate().public_key.thumbprint
    for header in ({"jti": "1"}, {"kid": "holder-17"}, {"kid": 1}, {"kid": other}):
        marked("its header" if "jti" in header else "its key id", world, reissue(world, header))


def test_another_order_of_members_could_tag_the_holder(world: World) -> None:
    credential = world.issue()
    claims = dict(parse_sd_jwt(credential).issuer_claims)
    key, digests = world.holder.public_key.jwk, claims["_sd"]
    assert isinstance(digests, list)
    marked("the holder's key", world, reissue(world, cnf={"jwk": {name: key[name] for name in reversed(key)}}))
    header = {"typ": "dc+sd-jwt", "kid": world.issuer.public_key.thumbprint, "x5c": world.x5c}
    turned = sign_jws(header, claims | {"_sd": digests[::-1]}, world.issuer)
    marked("it does not have 12 digests", world, "~".join([turned, *credential.split("~")[1:]]))
    turned = sign_jws(dict(reversed(header.items())), claims, world.issuer) + "~"
    marked("its header", world, turned)
    turned = sign_jws(header, dict(reversed(claims.items())), world.issuer) + "~"
    marked("it always shows other claims", world, turned)


def test_the_order_in_which_claims_were_issued_is_not_shown(world: World) -> None:
    names = sorted(world.claims)
    for order in (names, names[::-1]):
        credential = world.issue({name: world.claims[name] for name in order})
        shown = parse_sd_jwt(world.present(credential, order)).disclosures
        assert [disclosure.name for disclosure in shown] == names


def test_digests_of_another_length_could_tag_the_holder(world: World) -> None:
    digests = parse_sd_jwt(world.issue()).issuer_claims["_sd"]
    assert isinstance(digests, list)
    for changed in ([*digests[:11], "short"], [*digests[:11], "z" * 44], []):
        head = reissue(world, _sd=sorted(map(str, changed))).partition("~")[0]
        marked("it does not have 12 digests", world, head + "~", claim_names=frozenset())
    other_hash = reissue(world, _sd_alg="sha-512").partition("~")[0] + "~"
    marked("it hashes otherwise", world, other_hash, claim_names=frozenset())


def sign_with(world: World, *encoded: str) -> str:
    decoys = [digest_sha256(str(n)) for n in range(12 - len(encoded))]
    digests = sorted([digest_sha256(text) for text in encoded] + decoys)
    head = reissue(world, _sd=digests).partition("~")[0]
    return "".join(f"{part}~" for part in (head, *encoded))


def test_claims_hidden_in_other_claims_could_tag_the_holder(world: World) -> None:
    salt = base64url.encode(bytes(16))
    deep = base64url.encode(dump([salt, "name", "deep"]))
    outer = base64url.encode(dump([salt, "name", {"_sd": [digest_sha256(deep)]}]))
    for credential in (sign_with(world, outer), nested(world, outer, deep)):
        marked("some of its claims are hidden", world, credential, claim_names=None)


def nested(world: World, outer: str, deep: str) -> str:
    return sign_with(world, outer) + deep + "~"


def test_a_salt_of_another_length_or_a_space_could_tag_the_holder(world: World) -> None:
    salt = base64url.encode(bytes(16))
    good = base64url.encode(dump([salt, "name", "x"]))
    world.receive(sign_with(world, good), claim_names=frozenset({"name"}))
    long = base64url.encode(dump([salt + "A", "name", "x"]))
    spaced, _ = world.write_disclosure(salt, "name", "x")
    for encoded, difference in ((long, "its salts"), (spaced, "it is not written as compactly")):
        marked(difference, world, sign_with(world, encoded), claim_names=frozenset({"name"}))


def test_a_space_in_what_is_signed_could_tag_the_holder(world: World) -> None:
    head, *rest = reissue(world).split("~")
    header, payload, _ = head.split(".")
    text = base64url.decode(payload, what="payload").replace(b',"iat"', b', "iat"')
    signing_input = f"{header}.{base64url.encode(text)}"
    signed = f"{signing_input}.{base64url.encode(world.issuer.sign(signing_input.encode()))}"
    marked("it is not written as compactly", world, "~".join([signed, *rest]))


def test_a_received_credential_can_be_presented(world: World) -> None:
    credential = world.issue()
    world.receive(credential)
    presentation = build_presentation(
        parse_sd_jwt(credential),
        disclose=["name"],
        nonce=world.nonce,
        audience=world.audience,
        issued_at=world.now_s,
        signer=world.holder,
    )
    assert world.verify(presentation).disclosed == {"name": world.claims["name"]}

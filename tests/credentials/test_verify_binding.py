"""Steps 8 to 12 of the pipeline: whose credential it is, for whom it was shown, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credentials.encoding import base64url
from credentials.encoding.strict_json import dump
from credentials.errors import HandstampError
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt.disclosure import digest_sha256
from tests.support.refusing import refused

if TYPE_CHECKING:
    from tests.credentials.conftest import World

# 8 and 9: the key binding.


def test_a_credential_without_key_binding_is_refused(world: World) -> None:
    refused("missing_key_binding", world.verify, world.issue())


@pytest.mark.parametrize("typ", ["JWT", "dc+sd-jwt", "KB+JWT", None, 1], ids=repr)
def test_a_key_binding_of_another_type_is_refused(world: World, typ: Any) -> None:
    refused("wrong_typ", world.verify, world.bind(world.issue(), header={"typ": typ}))


@pytest.mark.parametrize("alg", ["none", "HS256", "", None], ids=repr)
def test_a_key_binding_by_another_algorithm_is_refused(world: World, alg: Any) -> None:
    refused("unsupported_algorithm", world.verify, world.bind(world.issue(), header={"alg": alg}))


def test_a_key_binding_with_a_critical_extension_is_refused(world: World) -> None:
    refused("unsupported_header", world.verify, world.bind(world.issue(), header={"crit": ["x"], "x": 1}))


def test_a_key_binding_by_another_key_is_refused(world: World) -> None:
    thief = LocalSigner.generate()
    credential = world.issue()
    claims = {"iat": world.now_s, "aud": world.audience, "nonce": world.nonce, "sd_hash": digest_sha256(credential)}
    for header in ({"typ": "kb+jwt"}, {"typ": "kb+jwt", "jwk": thief.public_key.jwk}):
        refused("wrong_key_binding", world.verify, credential + sign_jws(header, claims, thief))


@pytest.mark.parametrize("confirmation", [..., {}, {"jwk": {"kty": "OKP"}}, {"kid": "x"}], ids=repr)
def test_a_credential_that_is_bound_to_no_readable_key_is_malformed(world: World, confirmation: Any) -> None:
    refused("malformed", world.verify, world.bind(world.sign({"cnf": confirmation})))


def test_a_credential_that_gives_away_its_private_key_is_refused(world: World) -> None:
    confirmation = {"jwk": world.holder.public_key.jwk | {"d": "x"}}
    refused("private_key_exposed", world.verify, world.bind(world.sign({"cnf": confirmation})))


@pytest.mark.parametrize("text", ["x", "a.b", "a.b.c", "..", "e30.e30.e30"])
def test_a_key_binding_that_is_no_jws_is_refused(world: World, text: str) -> None:
    with pytest.raises(HandstampError):
        world.verify(world.issue() + text)


def test_a_key_binding_whose_payload_is_no_object_is_malformed(world: World) -> None:
    signing_input = f"{base64url.encode(dump({'alg': 'ES256', 'typ': 'kb+jwt'}))}.{base64url.encode(b'[]')}"
    signature = base64url.encode(world.holder.sign(signing_input.encode()))
    refused("malformed", world.verify, f"{world.issue()}{signing_input}.{signature}")


# 10 and 11: what it was made for.


def test_a_disclosure_added_or_taken_away_after_signing_is_noticed(world: World) -> None:
    credential = world.issue()
    head, one, two, three, _ = credential.split("~")
    *_, binding = world.bind(f"{head}~{one}~{two}~").split("~")
    for parts in ([head, one], [head, one, two, three], [head], [head, two, one]):
        refused("wrong_sd_hash", world.verify, "~".join([*parts, binding]))


@pytest.mark.parametrize("value", [..., None, "", 1, ["x"]], ids=repr)
def test_a_key_binding_says_all_it_must(world: World, value: Any) -> None:
    for name, code in (
        ("sd_hash", "wrong_sd_hash"),
        ("aud", "wrong_audience"),
        ("nonce", "wrong_nonce"),
    ):
        refused(code, world.verify, world.bind(world.issue(), **{name: value}))


def test_a_presentation_for_another_verifier_is_refused_and_the_right_one_named(world: World) -> None:
    presentation = world.present(world.issue(), audience="x509_san_dns:shop.localhost")
    assert world.audience in refused("wrong_audience", world.verify, presentation).detail
    # RFC 9901 §4.3: one single text, not a list with the right one in it.
    refused("wrong_audience", world.verify, world.bind(world.issue(), aud=[world.audience]))


def test_a_presentation_for_another_request_is_refused(world: World) -> None:
    refused("wrong_nonce", world.verify, world.present(world.issue(), nonce="another"))
    refused("wrong_nonce", world.verify, world.present(world.issue()), nonce="another")


def test_a_credential_for_somebody_else_is_refused(world: World) -> None:
    for named in ("https://shop.example", [], ["https://shop.example"], None, 1, {world.audience: 1}):
        refused("wrong_audience", world.verify, world.bind(world.sign({"aud": named})))
    for named in (world.audience, ["https://shop.example", world.audience]):
        world.verify(world.bind(world.sign({"aud": named})))


# 12: when it was made.


def test_a_key_binding_is_fresh(world: World) -> None:
    for age_s, code in ((301, "stale_key_binding"), (86400, "stale_key_binding"), (-61, "early_key_binding")):
        refused(code, world.verify, world.present(world.issue(), issued_at=world.now_s - age_s))
    for age_s in (0, 300, -60):
        world.verify(world.present(world.issue(), issued_at=world.now_s - age_s))
    refused("stale_key_binding", world.verify, world.present(world.issue(), issued_at=world.now_s - 2), max_age_s=1)


@pytest.mark.parametrize("value", [..., None, "1", True], ids=repr)
def test_a_key_binding_without_a_time_is_malformed(world: World, value: Any) -> None:
    refused("malformed", world.verify, world.bind(world.issue(), iat=value))


def test_a_key_bindings_own_dates_are_checked(world: World) -> None:
    refused("expired", world.verify, world.bind(world.issue(), exp=world.now_s - 60))
    refused("not_yet_valid", world.verify, world.bind(world.issue(), nbf=world.now_s + 61))
    refused("malformed", world.verify, world.bind(world.issue(), exp="soon"))
    world.verify(world.bind(world.issue(), exp=world.now_s + 60, nbf=world.now_s))


# Two faults at once: the first in the order of the steps is told, in whatever order they are looked at.


def spoil(jws: str) -> str:
    head, _, signature = jws.rpartition(".")
    return f"{head}.{'B' if signature.startswith('A') else 'A'}{signature[1:]}"


def test_a_credential_that_its_issuer_did_not_sign_is_told_before_all_that_is_wrong_after_it(world: World) -> None:
    head, rest = world.issue().split("~", 1)
    unsigned = f"{spoil(head)}~{rest}"
    late = world.sign({"exp": world.now_s - 3600})
    for presentation in (
        unsigned,
        spoil(world.bind(unsigned)),
        world.bind(unsigned, header={"typ": "JWT"}),
        world.bind(unsigned, nonce="another"),
        world.bind(unsigned, iat=world.now_s - 3600),
        world.bind(f"{spoil(late.partition('~')[0])}~"),
    ):
        refused("bad_signature", world.verify, presentation)


def test_a_key_binding_by_another_key_is_told_before_what_is_wrong_in_it(world: World) -> None:
    for changes in ({"nonce": "another"}, {"aud": "another"}, {"sd_hash": ""}, {"iat": world.now_s - 3600}):
        refused("wrong_key_binding", world.verify, spoil(world.bind(world.issue(), **changes)))

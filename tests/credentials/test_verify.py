"""The numbered pipeline: each step refuses what it must, with its own code, and success is evidence."""

from __future__ import annotations

import ast
import re
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import credentials.verify as pipeline
from credentials import refusals
from credentials.errors import HandstampError, Malformed
from credentials.evidence import Received, Verified
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt.disclosure import digest_sha256
from credentials.trust import TrustPolicy
from tests.support.refusing import refused

if TYPE_CHECKING:
    from tests.credentials.conftest import World

ISSUER = "http://coop.localhost:8701"


def in_days(world: World, days: int) -> int:
    return int((world.now + timedelta(days=days)).timestamp())


# Success.


def test_a_good_presentation_is_evidence_of_what_was_checked(world: World) -> None:
    verified = world.verify(world.present(world.issue(), ["name"]), types=frozenset({world.vct}))
    assert isinstance(verified, Verified)
    assert verified.issuer == world.issuer_url
    assert verified.vct == world.vct
    assert dict(verified.disclosed) == {"name": "Möbius Strip"}
    assert verified.issuer_key == world.issuer.public_key.thumbprint
    assert verified.holder_key == world.holder.public_key.thumbprint
    assert verified.issued_at == world.month_s
    assert verified.at == world.now


def test_the_evidence_names_the_very_steps_of_the_docstring(world: World) -> None:
    verified = world.verify(world.present(world.issue()))
    received = world.receive()
    assert pipeline.__doc__ is not None
    numbered = re.findall(r"^ +(\d+)\. ", pipeline.__doc__, re.MULTILINE)
    assert numbered == [str(n) for n in range(1, 16)]
    assert [step.split()[0] for step in verified.steps] == numbered[:13]
    assert [step.split()[0] for step in received.steps] == numbered[:7] + numbered[13:]


def test_evidence_cannot_be_made_up_or_altered(world: World) -> None:
    verified = world.verify(world.present(world.issue()))
    fields = {
        "issuer": "https://coop.example",
        "vct": "x",
        "issued_at": 0,
        "disclosed": {},
        "issuer_key": "",
        "holder_key": "",
        "at": world.now,
        "steps": (),
        "status": None,
    }
    for kind in (Verified, Received):
        with pytest.raises(TypeError):
            kind(**fields)  # type: ignore[call-arg, arg-type]
        with pytest.raises(TypeError, match="Evidence comes from"):
            kind(object(), **fields)  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        replace(verified, vct="another")
    with pytest.raises(FrozenInstanceError):
        verified.vct = "another"  # type: ignore[misc]
    with pytest.raises(TypeError):
        verified.disclosed["name"] = "another"  # type: ignore[index]


def test_a_received_credential_is_no_evidence_of_a_presentation(world: World) -> None:
    assert not isinstance(world.receive(), Verified)


def test_evidence_shows_no_claim_in_its_repr(world: World) -> None:
    assert "Möbius" not in repr(world.verify(world.present(world.issue(), ["name"])))


# 1 and 2: the form. The rules of RFC 9901 §7.1 have tests of their own in sd_jwt/test_{rejections,form}.py.


@pytest.mark.parametrize(
    "claims",
    [
        # draft -13, which HAIP 1.0 §9.4 pins
        {"vct#integrity": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sub": "somebody", "nbf": 1},
        # -18 and newer
        {"aka_vcts": ["https://coop.example/types/other"]},
    ],
    ids=["-13", "newest"],
)
def test_what_the_drafts_that_haip_pins_and_the_newest_allow_is_read(world: World, claims: dict[str, Any]) -> None:
    verified = world.verify(world.bind(world.sign(claims)))
    assert verified.vct == world.vct


@pytest.mark.parametrize("typ", ["vc+sd-jwt", "JWT", "kb+jwt", "DC+SD-JWT", None, ["dc+sd-jwt"]], ids=repr)
def test_another_type_of_message_is_no_credential(world: World, typ: Any) -> None:
    refused("wrong_typ", world.verify, world.bind(world.sign({}, header={"typ": typ})))


def test_an_unreferenced_disclosure_is_refused_even_if_the_holder_signs_it(world: World) -> None:
    stray, _ = world.write_disclosure("salt", "admin", "yes")
    refused("unreferenced_disclosure", world.verify, world.bind(world.issue() + stray + "~"))


def test_a_claim_named_like_a_digest_is_refused(world: World) -> None:
    encoded, digest = world.write_disclosure("salt", "_sd", ["x"])
    refused("forbidden_claim_name", world.verify, world.bind(world.sign({"_sd": [digest]}, encoded)))


# 3: nothing that decides validity is hidden.


@pytest.mark.parametrize("name", ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"])
@pytest.mark.parametrize("value", [None, 1_700_000_000, "x"])
def test_a_claim_that_decides_validity_is_never_disclosed(world: World, name: str, value: Any) -> None:
    encoded, digest = world.write_disclosure("salt", name, value)
    error = refused(
        "hidden_validity_claim", world.verify, world.bind(world.sign({name: ..., "_sd": [digest]}, encoded))
    )
    assert f"`{name}`" in error.detail


def test_no_part_of_such_a_claim_is_disclosable_either_shown_or_not(world: World) -> None:
    encoded, digest = world.write_disclosure("salt", "kid", "x")
    confirmation = {"jwk": world.holder.public_key.jwk, "_sd": [digest]}
    for disclosures in ([encoded], []):
        refused("hidden_validity_claim", world.verify, world.bind(world.sign({"cnf": confirmation}, *disclosures)))
    aliases = [{"...": digest_sha256("x")}, "urn:other"]
    refused("hidden_validity_claim", world.verify, world.bind(world.sign({"aka_vcts": aliases})))


@pytest.mark.parametrize("name", ["iss", "vct"])
@pytest.mark.parametrize("value", [..., None, "", 1, ["x"]], ids=repr)
def test_an_issuer_and_a_type_are_named(world: World, name: str, value: Any) -> None:
    refused("malformed", world.verify, world.bind(world.sign({name: value})))


# 4: trust.


def test_an_unknown_issuer_is_refused_however_good_its_signature(world: World) -> None:
    refused("untrusted_issuer", world.verify, world.present(world.issue(issuer="http://evil.localhost:8701")))
    refused("untrusted_issuer", world.verify, world.present(world.issue()), policy=TrustPolicy())


def test_a_type_that_was_not_asked_for_is_refused_and_the_right_one_named(world: World) -> None:
    error = refused("unknown_type", world.verify, world.present(world.issue()), types=frozenset({"urn:wanted"}))
    assert "urn:wanted" in error.detail
    refused("unknown_type", world.verify, world.present(world.issue()), types=frozenset())


def test_a_type_that_the_issuer_is_not_trusted_for_is_refused(world: World) -> None:
    refused("type_not_allowed", world.verify, world.present(world.issue(vct="urn:other")))


# 5 and 6: the issuer's key and signature.


def test_a_certificate_of_somebody_else_does_not_help(world: World) -> None:
    shop = world.authority.issue_cert("shop.localhost", key_type=pytest.importorskip("trustme").KeyType.ECDSA)
    signer = LocalSigner.from_pem(shop.private_key_pem.bytes(), None)
    from credentials.keys.certificates import load_chain_pem  # noqa: PLC0415

    x5c = load_chain_pem(shop.cert_chain_pems[0].bytes()).x5c()
    refused("certificate_wrong_name", world.verify, world.present(world.issue(signer=signer, x5c=x5c)))


def test_the_issuers_certificate_with_another_key_is_a_bad_signature(world: World) -> None:
    refused("bad_signature", world.verify, world.present(world.issue(signer=LocalSigner.generate())))


def test_a_credential_without_a_certificate_is_refused_where_no_key_is_pinned(world: World) -> None:
    signed = sign_jws({"typ": "dc+sd-jwt"}, {"iss": world.issuer_url, "vct": world.vct}, world.issuer) + "~"
    refused("wrong_issuer_key", world.verify, world.bind(signed))


def test_an_expired_certificate_is_refused_at_the_time_of_the_check(world: World) -> None:
    late = datetime(3001, 1, 1, tzinfo=UTC)
    refused("certificate_expired", world.verify, world.present(world.issue()), at=late)


@pytest.mark.parametrize("chain", [None, "MII", [], [1], ["AAAA"]], ids=repr)
def test_a_chain_that_cannot_be_read_is_malformed(world: World, chain: Any) -> None:
    refused("malformed", world.verify, world.bind(world.sign({}, header={"x5c": chain})))


# 7: dates and status of the credential.


def test_dates_of_the_credential_are_held_to_the_second_and_the_clocks_skew(world: World) -> None:
    for claims, code in (
        ({"exp": world.now_s - 60}, "expired"),
        ({"exp": in_days(world, -1)}, "expired"),
        ({"exp": 0}, "expired"),
        ({"nbf": world.now_s + 61}, "not_yet_valid"),
        ({"iat": world.now_s + 61}, "not_yet_valid"),
        ({"nbf": 1e15}, "not_yet_valid"),
    ):
        refused(code, world.verify, world.bind(world.sign(claims)))
    for claims in (
        {"exp": world.now_s - 59},
        {"exp": world.now_s + 0.5},
        {"nbf": world.now_s + 60},
        {"iat": world.now_s},
        {"iat": ...},
    ):
        world.verify(world.bind(world.sign(claims)))
    assert world.verify(world.bind(world.sign({"iat": ...}))).issued_at is None


@pytest.mark.parametrize("name", ["iat", "nbf", "exp"])
@pytest.mark.parametrize("value", [None, "1", True, [], {}], ids=repr)
def test_a_date_that_is_no_number_is_malformed(world: World, name: str, value: Any) -> None:
    refused("malformed", world.verify, world.bind(world.sign({name: value})))


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("malformed", None),
        ("malformed", "valid"),
        ("status_not_supported", {}),
        ("status_not_supported", {"identifier_list": {"id": "1"}}),
        ("malformed", {"status_list": []}),
        ("malformed", {"status_list": {"idx": 0}}),
        ("malformed", {"status_list": {"uri": f"{ISSUER}/statuslists/1"}}),
        ("malformed", {"status_list": {"idx": -1, "uri": f"{ISSUER}/statuslists/1"}}),
        ("malformed", {"status_list": {"idx": True, "uri": f"{ISSUER}/statuslists/1"}}),
        ("malformed", {"status_list": {"idx": "0", "uri": f"{ISSUER}/statuslists/1"}}),
        ("malformed", {"status_list": {"idx": 2**40, "uri": f"{ISSUER}/statuslists/1"}}),
        ("malformed", {"status_list": {"idx": 0, "uri": "file:///etc/passwd"}}),
        ("status_elsewhere", {"status_list": {"idx": 0, "uri": "https://elsewhere.example/1"}}),
        ("status_list_needed", {"status_list": {"idx": 0, "uri": f"{ISSUER}/statuslists/1"}}),
    ],
    ids=repr,
)
def test_a_status_that_cannot_be_looked_up_is_never_taken_for_good(world: World, code: str, status: Any) -> None:
    refused(code, world.verify, world.bind(world.sign({"status": status})))


# The whole.


@settings(max_examples=300)
@given(st.data())
def test_any_change_of_one_character_is_refused(world: World, data: st.DataObject) -> None:
    presentation = world.present(PRESENTED.setdefault("credential", world.issue()), ["name", "acquired"])
    place = data.draw(st.integers(0, len(presentation) - 1))
    alphabet = st.sampled_from("ABCXYZabcxyz0189-_.~=+/ \n\0é")
    character = data.draw(alphabet.filter(lambda c: c != presentation[place]))
    with pytest.raises(HandstampError):
        world.verify(presentation[:place] + character + presentation[place + 1 :])


@given(st.data())
def test_a_presentation_cut_short_or_lengthened_is_refused(world: World, data: st.DataObject) -> None:
    presentation = world.present(PRESENTED.setdefault("credential", world.issue()), ["name"])
    if data.draw(st.booleans()):
        changed = presentation[: data.draw(st.integers(0, len(presentation) - 1))]
    else:
        changed = presentation + data.draw(st.sampled_from(["~", "A", ".", "=", " ", "\n", "~" + presentation]))
    with pytest.raises(HandstampError):
        world.verify(changed)


PRESENTED: dict[str, str] = {}


@given(st.text(max_size=80))
def test_any_text_at_all_is_refused_by_an_error_of_ours(world: World, text: str) -> None:
    for action in (world.verify, world.receive):
        with pytest.raises(HandstampError):
            action(text)


@given(
    st.dictionaries(
        st.sampled_from(["iss", "vct", "cnf", "exp", "nbf", "iat", "status", "aud", "_sd_alg"]),
        st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=4) | st.lists(st.none(), max_size=1),
        min_size=1,
    )
)
def test_whatever_a_trusted_issuer_signs_ends_in_evidence_or_an_error_of_ours(
    world: World, claims: dict[str, Any]
) -> None:
    try:
        world.verify(world.bind(world.sign(claims)))
    except HandstampError:
        return


def test_every_refusal_has_a_code_of_its_own() -> None:
    kinds = [kind for kind in vars(refusals).values() if isinstance(kind, type) and issubclass(kind, HandstampError)]
    own = [kind for kind in kinds if kind.__module__ == refusals.__name__]
    assert len({kind.code for kind in own}) == len(own) == 13
    assert all(kind.__doc__ and kind.code == snake(kind.__name__) for kind in own)


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_the_kernel_reads_no_clock() -> None:
    assert pipeline.__file__ is not None
    with open(pipeline.__file__, encoding="utf-8") as source:  # noqa: PTH123
        calls = {node.attr for node in ast.walk(ast.parse(source.read())) if isinstance(node, ast.Attribute)}
    assert calls.isdisjoint({"now", "utcnow", "today", "time"})


def test_malformed_input_is_always_malformed_and_nothing_else(world: World) -> None:
    for text in ("", "~", "x", "a.b.c", "\ud800", "." * 100, "~" * 100):
        with pytest.raises(Malformed):
            world.verify(text)

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import Malformed
from credentials.protocols.openid4vci import CredentialOffer, OfferReference, TxCode, parse_offer_link

if TYPE_CHECKING:
    from pathlib import Path

COOP = "http://coop.localhost:8701"
CODE = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
OFFER: dict[str, Any] = {
    "credential_issuer": COOP,
    "credential_configuration_ids": ["TrackOwnershipCredential"],
    "grants": {CODE: {"pre-authorized_code": "c0de", "tx_code": {"length": 6}}},
}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)
OFFERS = st.builds(
    CredentialOffer,
    credential_issuer=st.sampled_from([COOP, "https://coop.example/tenant"]),
    credential_configuration_ids=st.lists(TEXT, min_size=1, max_size=3, unique=True).map(tuple),
    pre_authorized_code=TEXT,
    tx_code=st.none()
    | st.builds(
        TxCode,
        input_mode=st.sampled_from(["numeric", "text"]),
        length=st.none() | st.integers(1, 64),
        description=st.none() | TEXT,
    ),
    authorization_server=st.none() | st.just("https://as.example"),
    issuer_state=st.none() | TEXT,
).map(lambda offer: replace(offer, authorization_code=offer.issuer_state is not None))


@given(OFFERS)
def test_an_offer_is_read_as_it_was_written(offer: CredentialOffer) -> None:
    assert CredentialOffer.parse_object(offer.to_json()) == offer
    assert parse_offer_link(offer.to_link()) == offer
    assert parse_offer_link(json.dumps(offer.to_json())) == offer


def test_an_offer_may_carry_both_grants() -> None:
    offer = replace(CredentialOffer.parse(json.dumps(OFFER)), authorization_code=True)
    assert offer.to_json()["grants"] == {CODE: ANY, "authorization_code": {}}
    assert CredentialOffer.parse_object(offer.to_json()) == offer


def test_a_reference_is_read_as_it_was_written() -> None:
    reference = OfferReference(url=COOP + "/offers/abc?x=y&z")
    assert parse_offer_link(reference.to_link()) == reference


@pytest.mark.parametrize(
    "prefix",
    [
        "openid-credential-offer://?",
        "openid-credential-offer:?",
        "OPENID-CREDENTIAL-OFFER://?",
        "haip://?",
        "haip-vci://?",
        "https://wallet.example/offer?",
        "http://localhost:1234/?",
    ],
)
def test_links_of_every_known_kind_are_read(prefix: str) -> None:
    link = f"  {prefix}credential_offer={quote(json.dumps(OFFER))}&unknown=x\n"
    offer = parse_offer_link(link)
    assert isinstance(offer, CredentialOffer)
    assert offer.tx_code == TxCode(length=6)
    reference = parse_offer_link(f"{prefix}credential_offer_uri={quote(COOP + '/offers/1')}")
    assert reference == OfferReference(url=COOP + "/offers/1")


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("", "empty"),
        ("https://wallet.example/offer", "neither"),
        ("openid-credential-offer://", "neither"),
        ("openid4vp://?credential_offer={}", "not an https"),
        ("javascript:alert(1)?credential_offer={}", "not an https"),
        ("http://wallet.example/?credential_offer={}", "plain http"),
        ("openid-credential-offer://?credential_offer={}&credential_offer_uri=https://a.example", "both"),
        ("openid-credential-offer://?credential_offer={}&credential_offer={}", "twice"),
        ("openid-credential-offer://?credential_offer_uri=http://evil.example/1", "plain http"),
        ("openid-credential-offer://?credential_offer_uri=file:///etc/passwd", "not an https"),
        ("openid-credential-offer://?credential_offer=[]", "not a JSON object"),
        ("openid-credential-offer://[?credential_offer={}", "not a link"),
        ("{", "not JSON"),
        ("x" * 70000, "longer"),
    ],
)
def test_other_links_are_refused_with_their_reason(link: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse_offer_link(link)


@given(st.text(max_size=60) | st.from_regex(r"(openid-credential-offer://\?|\{)[ -~]{0,40}", fullmatch=True))
def test_any_text_is_an_offer_or_malformed(text: str) -> None:
    try:
        parse_offer_link(text)
    except Malformed:
        return


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"credential_issuer": None}, "credential_issuer"),
        ({"credential_issuer": "http://coop.example"}, "plain http"),
        ({"credential_issuer": COOP + "/?a=b"}, "no query"),
        ({"credential_issuer": ["x"]}, "not a string"),
        ({"credential_configuration_ids": []}, "empty array"),
        ({"credential_configuration_ids": None}, "missing"),
        ({"credential_configuration_ids": "Track"}, "not an array"),
        ({"credential_configuration_ids": ["a", "a"]}, "repeats"),
        ({"credential_configuration_ids": [str(n) for n in range(65)]}, "more than 64"),
        ({"grants": []}, "not a JSON object"),
        ({"grants": {CODE: {}}}, "pre-authorized_code"),
        ({"grants": {CODE: {"pre-authorized_code": ""}}}, "empty"),
        ({"grants": {CODE: {"pre-authorized_code": "x" * 1025}}}, "longer"),
        ({"grants": {CODE: {"pre-authorized_code": "c", "tx_code": "123"}}}, "not a JSON object"),
        ({"grants": {CODE: {"pre-authorized_code": "c", "tx_code": {"input_mode": "emoji"}}}}, "numeric"),
        ({"grants": {CODE: {"pre-authorized_code": "c", "tx_code": {"length": 0}}}}, "between"),
        ({"grants": {CODE: {"pre-authorized_code": "c", "tx_code": {"description": "x" * 301}}}}, "longer"),
        ({"grants": {CODE: {"pre-authorized_code": "c", "authorization_server": "x"}}}, "https"),
    ],
)
def test_a_wrong_offer_is_refused_with_its_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        CredentialOffer.parse_object(OFFER | change)


def test_members_that_nobody_knows_are_ignored() -> None:
    offer = CredentialOffer.parse_object(OFFER | {"colour": "blue", "grants": {"urn:other": {"x": 1}}})
    assert offer.pre_authorized_code is None


def test_an_empty_tx_code_still_wants_a_code() -> None:
    grants = {CODE: {"pre-authorized_code": "c", "tx_code": {}}}
    offer = CredentialOffer.parse_object(OFFER | {"grants": grants})
    assert offer.tx_code == TxCode(input_mode="numeric", length=None, description=None)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize(
    ("name", "ids", "wants_code"),
    [
        ("credential_offer_by_reference.json", 1, True),
        ("credential_offer_multiple_credentials.json", 2, True),
        ("credential_offer_pre-authz_code.json", 1, True),
        ("credential_offer_authz_code.txt", 1, False),
    ],
)
def test_the_standards_examples_are_read(
    vectors_dir: Path, version: str, name: str, ids: int, *, wants_code: bool
) -> None:
    text = (vectors_dir / "openid4vci" / version / "examples" / name).read_text(encoding="utf-8")
    offer = CredentialOffer.parse(text[text.index("{") :])
    assert offer.credential_issuer == "https://credential-issuer.example.com"
    assert len(offer.credential_configuration_ids) == ids
    assert (offer.tx_code is not None) is wants_code
    assert CredentialOffer.parse_object(offer.to_json()) == offer

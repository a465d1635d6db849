"""A presentation by an ordinary wallet: made for this request, of something about its holder, or bound to nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from credentials.data_integrity import eddsa_rdfc_2022
from credentials.dids.did_key import build_did_key
from credentials.evidence import Verified
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.verify_linked import Occasion
from tests.credentials.verify_linked.conftest import ARTIST, DOMAIN, HEADER, KIND, NOW, OCCASION
from tests.support.refusing import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.credentials.verify_linked.conftest import Town

STRANGER = LocalSigner.generate(KeyKind.ED25519)
STRANGER_DID = build_did_key(STRANGER.public_key)


def presented_by_a_stranger(town: Town, *credentials: Any, **options: Any) -> dict[str, Any]:
    options = {
        "suite": eddsa_rdfc_2022.SUITE,
        "signer": STRANGER,
        "holder": STRANGER_DID,
        "verification_method": f"{STRANGER_DID}#{STRANGER.public_key.multikey}",
    } | options
    return town.present(*credentials, **options)


def test_a_persona_shows_what_is_published_about_it(town: Town) -> None:
    verified = town.verify_holder(town.present(town.publish()), types={ARTIST.vct})
    assert isinstance(verified, Verified)
    assert verified.vct == ARTIST.vct
    assert verified.holder_key == town.holder.public_key.thumbprint
    assert verified.disclosed["name"] == ARTIST.example["name"]
    assert "id" not in verified.disclosed


def test_only_its_subject_may_show_what_is_published(town: Town) -> None:
    refused("not_the_holders", town.verify_holder, presented_by_a_stranger(town, town.publish()))


@pytest.mark.parametrize("header", [b"", OCCASION.challenge.encode(), HEADER])
def test_a_derived_credential_bound_to_this_request_or_to_nothing_is_taken(town: Town, header: bytes) -> None:
    shown = town.show(presentation_header=header)
    verified = town.verify_holder(presented_by_a_stranger(town, shown))
    assert dict(verified.disclosed) == {"track": KIND.example["track"]}
    assert verified.pseudonym is None
    assert verified.holder_key == STRANGER.public_key.thumbprint


def test_a_site_cannot_send_on_what_our_wallet_showed_to_it(town: Town) -> None:
    shown_to_another = town.show(presentation_header=bytes(32))
    refused("reusable_proof", town.verify_holder, presented_by_a_stranger(town, shown_to_another))
    here = Occasion(challenge=OCCASION.challenge, domain=OCCASION.domain)
    refused("reusable_proof", town.verify_holder, presented_by_a_stranger(town, town.show()), occasion=here)


def test_a_pseudonym_is_not_taken_in_such_a_presentation(town: Town) -> None:
    secured, blind = town.countable_credential
    shown = town.show(secured, prover_nym=town.nym, blind=blind, nym_domain=DOMAIN)
    refused("unasked_pseudonym", town.verify_holder, town.present(shown))


ENVELOPED = {
    "@context": "https://www.w3.org/ns/credentials/v2",
    "id": "data:application/vc+jwt,a.b.c",
    "type": "EnvelopedVerifiableCredential",
}
REFUSED: dict[str, tuple[str, Callable[[Town], dict[str, Any]]]] = {
    "no credential": ("not_one_credential", lambda town: town.present()),
    "two credentials": ("not_one_credential", lambda town: town.present(town.publish(), town.show())),
    "one in an envelope": ("not_one_credential", lambda town: town.present(ENVELOPED)),
    "a credential alone": ("malformed", lambda town: town.publish()),
    "no proof": (
        "proof_missing",
        lambda town: {name: value for name, value in town.present(town.publish()).items() if name != "proof"},
    ),
    "another challenge": ("wrong_challenge", lambda town: town.present(town.publish(), challenge="another")),
    "no challenge": ("wrong_challenge", lambda town: town.present(town.publish(), challenge=None)),
    "another domain": ("wrong_domain", lambda town: town.present(town.publish(), domain="x509_san_dns:other.example")),
    "a domain more": ("wrong_domain", lambda town: town.present(town.publish(), domain=[OCCASION.domain, "b"])),
    "made long ago": (
        "stale_key_binding",
        lambda town: town.present(town.publish(), created=NOW - timedelta(seconds=301)),
    ),
    "made tomorrow": (
        "proof_from_the_future",
        lambda town: town.present(town.publish(), created=NOW + timedelta(days=1)),
    ),
    "a holder that is another": ("wrong_controller", lambda town: town.present(town.publish(), holder=STRANGER_DID)),
    "a holder that must be looked up": (
        "holder_unknown",
        lambda town: town.present(
            town.publish(), holder="did:web:me.example", verification_method="did:web:me.example#1"
        ),
    ),
    "a holder that is no DID": (
        "malformed",
        lambda town: town.present(
            town.publish(), holder="https://me.example", verification_method="https://me.example#1"
        ),
    ),
    "a key that the DID does not have": (
        "did_key_unknown",
        lambda town: town.present(town.publish(), verification_method=f"{town.holder_did}#other"),
    ),
    "another signature": (
        "bad_proof",
        lambda town: {**town.present(town.publish()), "id": "urn:uuid:3978344f-8596-4c3a-a978-8fcaba3903c5"},
    ),
    "the whole of a credential": ("malformed", lambda town: town.present(town.plain_credential)),
}


@pytest.mark.parametrize(("code", "make"), REFUSED.values(), ids=REFUSED)
def test_a_step_that_fails_is_refused(town: Town, code: str, make: Callable[[Town], dict[str, Any]]) -> None:
    refused(code, town.verify_holder, make(town))


def test_two_signatures_by_two_holders_are_refused(town: Town) -> None:
    shown = presented_by_a_stranger(town, town.publish())
    mine = town.present(town.publish())
    refused("wrong_controller", town.verify_holder, {**mine, "proof": [mine["proof"], shown["proof"]]})


def test_whoever_signs_many_times_makes_a_gate_read_no_more_often(town: Town) -> None:
    mine = town.present(town.publish())
    refused("malformed", town.verify_holder, {**mine, "proof": [mine["proof"]] * 2})

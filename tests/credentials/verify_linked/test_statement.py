"""A persona stands by words; whoever trusts the co-op can check them, and nobody else's words pass for its own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import schemas
from credentials.data_integrity import ecdsa_rdfc_2019
from credentials.data_integrity.chains import ProofPolicy, verify_proofs
from credentials.data_integrity.keys import find_key_in
from credentials.data_integrity.presentations import build_presentation
from credentials.dids.did_key import build_did_key
from credentials.dids.own_key import read_own_key
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.statement import STATEMENT_TYPE, Statement, build_statement, is_statement, verify_statement
from tests.credentials.verify_linked.conftest import ARTIST, NOW, OCCASION
from tests.support.refusing import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.credentials.verify_linked.conftest import Town

TEXT = "This record was made without any machine that learned from others.\nWe ask for no fee."
RELEASE = ARTIST.example["catalogue"].split()[0]


def say(town: Town, text: str = TEXT, **options: Any) -> dict[str, Any]:
    options = {"credential": town.publish(), "signer": town.holder, "at": NOW, "about": RELEASE} | options
    return build_statement(text, **options)


def resay(town: Town, change: Callable[[dict[str, Any]], Any], **options: Any) -> dict[str, Any]:
    """What the persona's key signed, but not as `build_statement` would have it."""
    document = {name: value for name, value in say(town).items() if name != "proof"}
    change(document)
    options = {
        "signer": town.holder,
        "verification_method": f"{town.holder_did}#{town.holder.public_key.multikey}",
        "created": NOW,
    } | options
    return ecdsa_rdfc_2019.add_proof(document, **options)


def verify(town: Town, document: Any, **options: Any) -> Statement:
    return verify_statement(document, **{"policy": town.policy, "at": NOW} | options)


def word(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["verifiableCredential"][1]
    return found


def test_a_statement_says_who_said_what_about_what(town: Town) -> None:
    document = say(town)
    assert is_statement(document)
    found = verify(town, document)
    assert (found.text, found.about, found.made_at) == (TEXT, RELEASE, NOW)
    assert found.persona.claims["name"] == ARTIST.example["name"]
    assert verify(town, say(town, about=None)).about is None
    assert [step.split()[0] for step in found.steps] == [str(n) for n in range(1, 7)]
    with pytest.raises(TypeError, match="statement comes from"):
        Statement(object(), text="", about=None, made_at=NOW, persona=found.persona, steps=())


def test_a_key_of_any_kind_may_speak_for_a_persona(town: Town) -> None:
    for kind in KeyKind:
        signer = LocalSigner.generate(kind)
        credential = town.publish(subject_id=build_did_key(signer.public_key))
        assert verify(town, say(town, credential=credential, signer=signer)).text == TEXT


def test_nobody_signs_for_another_or_for_what_is_not_theirs(town: Town) -> None:
    refused("not_yours", say, town, signer=LocalSigner.generate())
    refused("not_its_to_say", say, town, about="00000000-2c53-4a4f-8f7d-1a2b3c4d5e6f")
    refused("malformed", say, town, "")
    refused("malformed", say, town, "a" * 10_001)
    refused("malformed", say, town, "a\x00")
    refused("malformed", say, town, credential={"credentialSubject": "me"})
    refused("did_method_unsupported", say, town, credential={"credentialSubject": {"id": "did:web:me.example"}})


def with_word(**members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: word(document)["credentialSubject"].update(members)


def test_nobody_gives_the_words_of_a_statement_another_meaning(town: Town) -> None:
    # The same statements for a signature: what was the text is called what it is about, and the other way round.
    document = say(town, RELEASE, about=None)
    vocabulary = "urn:handstamp:vocabulary:"
    terms = {name: f"{vocabulary}{name}" for name in (STATEMENT_TYPE, "persona")}
    swapped = terms | {"text": "https://schema.org/about", "about": "https://schema.org/text"}
    changed = word(document)
    changed["@context"] = [changed["@context"][0], swapped]
    subject = changed["credentialSubject"]
    subject["text"], subject["about"] = subject["about"], subject["text"]
    assert verify_proofs(document, by_holder(town)).proofs
    refused("malformed", verify, town, document)


def by_holder(town: Town) -> ProofPolicy:
    return ProofPolicy(find_key=find_key_in({town.holder_did: read_own_key(town.holder_did)}), at=NOW)


CREDENTIALS = "verifiableCredential"
REFUSED: dict[str, tuple[str, Callable[[Town], dict[str, Any]]]] = {
    "signed many times": ("malformed", lambda town: (told := say(town)) | {"proof": [told["proof"]] * 2}),
    "other words": ("bad_proof", lambda town: _changed(say(town), text="We ask for a fee.")),
    "about something else": ("bad_proof", lambda town: _changed(say(town), about="none")),
    "no word": ("malformed", lambda town: resay(town, lambda document: document[CREDENTIALS].pop())),
    "no credential": ("malformed", lambda town: resay(town, lambda document: document[CREDENTIALS].pop(0))),
    "a credential more": (
        "malformed",
        lambda town: resay(town, lambda document: document[CREDENTIALS].append(town.show())),
    ),
    "a word with a proof of its own": (
        "malformed",
        lambda town: resay(
            town,
            lambda document: document[CREDENTIALS].__setitem__(
                1,
                ecdsa_rdfc_2019.add_proof(
                    word(document), signer=town.holder, verification_method=f"{town.holder_did}#1"
                ),
            ),
        ),
    ),
    "an answer to a question": ("malformed", lambda town: resay(town, lambda _: None, challenge="c", domain="d")),
    "made to authenticate": (
        "wrong_proof_purpose",
        lambda town: resay(town, lambda _: None, purpose="authentication"),
    ),
    "no holder": ("malformed", lambda town: resay(town, lambda document: document.pop("holder"))),
    "another holder": (
        "wrong_controller",
        lambda town: resay(town, lambda _: None, verification_method="did:key:zOther#zOther"),
    ),
    "the persona's number of another": ("not_yours", lambda town: resay(town, with_word(persona="another"))),
    "about what is not its own": ("not_its_to_say", lambda town: resay(town, with_word(about="another"))),
    "nothing said": ("malformed", lambda town: resay(town, with_word(text=""))),
    "more than a statement says": ("malformed", lambda town: resay(town, with_word(kind="artist"))),
    "no moment": ("malformed", lambda town: resay(town, lambda document: word(document).pop("validFrom"))),
    "made tomorrow": (
        "not_yet_valid",
        lambda town: resay(town, lambda document: word(document).update(validFrom="2026-11-22T12:00:00Z")),
    ),
    "a credential about another key": (
        "not_the_holders",
        lambda town: resay(
            town,
            lambda document: document[CREDENTIALS].__setitem__(0, town.publish(subject_id="did:key:zOther")),
        ),
    ),
    "a credential of another type": (
        "unsupported_suite",
        lambda town: resay(town, lambda document: document[CREDENTIALS].__setitem__(0, town.show())),
    ),
}


def _changed(document: dict[str, Any], **members: Any) -> dict[str, Any]:
    with_word(**members)(document)
    return document


@pytest.mark.parametrize(("code", "make"), REFUSED.values(), ids=REFUSED)
def test_a_step_that_fails_is_refused(town: Town, code: str, make: Callable[[Town], dict[str, Any]]) -> None:
    refused(code, verify, town, make(town))


def test_the_word_of_a_co_op_that_is_not_trusted_counts_for_nothing(town: Town) -> None:
    policy = town.policy_with(types=frozenset({schemas.TRACK_OWNERSHIP.vct}))
    refused("type_not_allowed", verify, town, say(town), policy=policy)
    refused("expired", verify, town, say(town), at=NOW + timedelta(days=400))


def test_an_answer_to_a_site_is_no_statement(town: Town) -> None:
    answer = build_presentation(
        [town.publish()],
        suite=ecdsa_rdfc_2019.SUITE,
        signer=town.holder,
        holder=town.holder_did,
        verification_method=f"{town.holder_did}#{town.holder.public_key.multikey}",
        challenge=OCCASION.challenge,
        domain=OCCASION.domain,
    )
    assert not is_statement(answer)
    assert not is_statement({"verifiableCredential": "none"})
    refused("malformed", verify, town, answer)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credentials.data_integrity import errors
from credentials.data_integrity.presentations import (
    build_presentation,
    name_controllers,
    verify_credential,
    verify_presentation,
)
from credentials.enveloped import EnvelopeKind, sign_envelope
from credentials.errors import HandstampError, Malformed

if TYPE_CHECKING:
    from tests.credentials.data_integrity.conftest import Party, Town

ASKED: dict[str, Any] = {"challenge": "c-1", "domain": "https://shop.example"}


def present(holder: Party, *credentials: dict[str, Any], **options: Any) -> dict[str, Any]:
    return build_presentation(
        credentials,
        suite=holder.suite,
        signer=holder.signer,
        holder=holder.did,
        verification_method=holder.method,
        **(ASKED | options),
    )


def envelop(issuer: Party, credential: dict[str, Any]) -> dict[str, Any]:
    return sign_envelope(
        credential,
        kind=EnvelopeKind.CREDENTIAL_JWT,
        signer=issuer.signer,
        verification_method=issuer.method,
    )


def test_a_holder_shows_several_credentials_of_several_kinds(town: Town) -> None:
    by_coop = town.coop.sign(town.coop.credential(name="One"))
    by_label = town.label.sign(town.label.credential(name="Two"))
    in_token = envelop(town.coop, town.coop.credential(name="Three"))
    shown = verify_presentation(present(town.listener, by_coop, by_label, in_token), town.policy(**ASKED))
    assert shown.holder == town.listener.did
    assert [each.document["name"] for each in shown.credentials] == ["One", "Two", "Three"]
    assert [each.issuer for each in shown.credentials] == [town.coop.did, town.label.did, town.coop.did]
    assert shown.document["holder"] == town.listener.did


def test_a_presentation_may_travel_in_a_token(town: Town) -> None:
    presentation = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": town.coop.sign(town.coop.credential()),
    }
    token = sign_envelope(
        presentation,
        kind=EnvelopeKind.PRESENTATION_JWT,
        signer=town.listener.signer,
        verification_method=town.listener.method,
        claims={"nonce": "c-1", "aud": "https://shop.example"},
    )
    assert len(verify_presentation(token, town.policy(**ASKED)).credentials) == 1
    with pytest.raises(errors.WrongChallenge):
        verify_presentation(token, town.policy(challenge="c-2"))
    with pytest.raises(errors.WrongDomain):
        verify_presentation(token, town.policy(domain="https://other.example"))
    with pytest.raises(Malformed, match="it is a presentation"):
        verify_credential(token, town.policy())


def test_the_holders_own_word_needs_no_proof_of_its_own(town: Town) -> None:
    shown = verify_presentation(present(town.listener, town.listener.credential()), town.policy(**ASKED))
    assert shown.credentials[0].issuer == town.listener.did
    assert shown.credentials[0].verification_methods == (town.listener.method,)
    with pytest.raises(Malformed, match="not secured"):
        verify_presentation(present(town.listener, town.coop.credential()), town.policy(**ASKED))


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"challenge": "c-2"}, errors.WrongChallenge),
        ({"domain": "https://other.example"}, errors.WrongDomain),
    ],
)
def test_a_presentation_answers_one_question_of_one_verifier(
    town: Town, asked: dict[str, Any], refusal: type[HandstampError]
) -> None:
    presentation = present(town.listener, town.coop.sign(town.coop.credential()))
    with pytest.raises(refusal):
        verify_presentation(presentation, town.policy(**(ASKED | asked)))


def test_a_credential_cannot_be_put_into_a_signed_presentation(town: Town) -> None:
    presentation = present(town.listener, town.coop.sign(town.coop.credential()))
    presentation["verifiableCredential"].append(town.label.sign(town.label.credential()))
    with pytest.raises(errors.BadProof):
        verify_presentation(presentation, town.policy(**ASKED))


def test_a_presentation_falls_with_one_of_its_credentials(town: Town) -> None:
    changed = town.coop.sign(town.coop.credential()) | {"name": "Another"}
    with pytest.raises(errors.BadProof):
        verify_presentation(present(town.listener, changed), town.policy(**ASKED))


def test_nobody_shows_a_presentation_in_anothers_name(town: Town) -> None:
    presentation = present(town.listener)
    del presentation["proof"]
    presentation["holder"] = town.coop.did
    secured = town.listener.sign(presentation, purpose="authentication", **ASKED)
    with pytest.raises(errors.WrongController):
        verify_presentation(secured, town.policy(**ASKED))


def test_two_holders_do_not_share_a_presentation(town: Town) -> None:
    presentation = present(town.listener)
    del presentation["proof"], presentation["holder"]
    secured = town.listener.sign(presentation, purpose="authentication", **ASKED)
    secured = town.label.sign(secured, purpose="authentication", **ASKED)
    with pytest.raises(errors.WrongController):
        verify_presentation(secured, town.policy(**ASKED))


def test_nobody_signs_a_credential_in_anothers_name(town: Town) -> None:
    forged = town.label.credential(issuer=town.coop.did)
    with pytest.raises(errors.WrongController):
        verify_credential(town.label.sign(forged), town.policy())
    with pytest.raises(errors.WrongController):
        verify_credential(envelop(town.label, forged), town.policy())


def test_an_issuer_may_be_an_object_with_an_id(town: Town) -> None:
    secured = town.coop.sign(town.coop.credential(issuer={"id": town.coop.did, "name": "Co-op"}))
    assert verify_credential(secured, town.policy()).issuer == town.coop.did


@pytest.mark.parametrize("issuer", [..., {"name": "Co-op"}], ids=["none", "no id"])
def test_a_credential_without_an_issuer_is_malformed(town: Town, issuer: Any) -> None:
    with pytest.raises(Malformed):
        verify_credential(town.coop.sign(town.coop.credential(issuer=issuer)), town.policy())


@pytest.mark.parametrize(
    "change",
    [
        {"type": ["VerifiableCredential"]},
        {"verifiableCredential": ["eyJ"]},
        {"verifiableCredential": [{}] * 33},
    ],
    ids=["type", "text", "many"],
)
def test_what_is_no_presentation_is_malformed(town: Town, change: dict[str, Any]) -> None:
    token = sign_envelope(
        {"@context": ["https://www.w3.org/ns/credentials/v2"], "type": "VerifiablePresentation"} | change,
        kind=EnvelopeKind.PRESENTATION_JWT,
        signer=town.listener.signer,
        verification_method=town.listener.method,
    )
    with pytest.raises(Malformed):
        verify_presentation(token, town.policy())


def test_a_credential_in_a_token_is_no_presentation(town: Town) -> None:
    with pytest.raises(Malformed, match="it is a credential"):
        verify_presentation(envelop(town.coop, town.coop.credential()), town.policy())


def test_whose_keys_are_needed_is_known_beforehand(town: Town) -> None:
    presentation = present(
        town.listener, town.coop.sign(town.coop.credential()), envelop(town.label, town.label.credential())
    )
    assert set(name_controllers(presentation)) == {town.listener.did, town.coop.did, town.label.did}
    token = {"id": "data:application/vc+jwt,x", "type": "EnvelopedVerifiableCredential"}
    assert list(name_controllers(token)) == []
    assert list(name_controllers({"proof": [1, {}], "verifiableCredential": "text"})) == []

"""A linked credential opens a gate only if every numbered step holds; each way to fail has its own code."""

from __future__ import annotations

import re
import secrets
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import credentials.verify_linked as pipeline
import schemas
from credentials.bbs import BbsSecretKey
from credentials.data_integrity import bbs_2023
from credentials.evidence import Verified
from credentials.linked_credential import claim_pointers
from credentials.status import StatusCheck
from tests.credentials.verify_linked.conftest import DID, DOMAIN, HEADER, KIND, NOW, URL
from tests.support.refusing import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.credentials.verify_linked.conftest import Town


def show(base: bbs_2023.BaseCredential) -> dict[str, Any]:
    return bbs_2023.derive(
        base, selective=claim_pointers(["track"]), presentation_header=HEADER, random=secrets.token_bytes
    )


def test_what_was_shown_is_evidence(town: Town) -> None:
    verified = town.verify(town.show(names=("track", "name")), types={KIND.vct})
    assert isinstance(verified, Verified)
    assert verified.issuer == URL
    assert verified.vct == KIND.vct
    assert dict(verified.disclosed) == {name: KIND.example[name] for name in ("track", "name")}
    assert verified.issuer_key == town.method
    assert verified.issued_at == datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    assert (verified.holder_key, verified.pseudonym, verified.status) == (None, None, StatusCheck.NONE)
    with pytest.raises(FrozenInstanceError):
        verified.pseudonym = b"another"


def test_the_evidence_names_the_very_steps_of_the_docstring(town: Town) -> None:
    assert pipeline.__doc__ is not None
    numbered = re.findall(r"^ +(\d+)[.] ", pipeline.__doc__, re.MULTILINE)
    assert numbered == [str(n) for n in range(1, 17)]
    steps = {
        "presented": town.verify(town.show()).steps,
        "received": town.receive(town.plain_credential).steps,
        "published": pipeline.verify_published(town.publish(), policy=town.policy, at=NOW).steps,
        "by others": town.verify_holder(town.present(town.publish())).steps,
    }
    found = {name: [int(step.split()[0]) for step in each] for name, each in steps.items()}
    assert found == {
        "presented": [*range(1, 9)],
        "received": [*range(1, 6), 9, 10, 11],
        "published": [*range(1, 7), 12],
        "by others": [13, 14, 15, *range(1, 7), 16],
    }


def test_a_gate_that_counts_gets_the_same_pseudonym_each_time_and_another_gate_another(town: Town) -> None:
    secured, blind = town.countable_credential
    shown = [
        town.verify(
            town.show(secured, prover_nym=town.nym, blind=blind, nym_domain=domain), nym_domain=domain
        ).pseudonym
        for domain in (DOMAIN, DOMAIN, f"{DOMAIN}#2026-11")
    ]
    assert shown[0] == shown[1] != shown[2]
    assert len(shown[0]) == 48


def test_two_showings_have_nothing_in_common_but_what_everybody_shows(town: Town) -> None:
    first, second = town.show(), town.show()
    assert first["proof"].pop("proofValue") != second["proof"].pop("proofValue")
    assert first == second


def tampered(town: Town, **members: Any) -> dict[str, Any]:
    return {**town.show(), **members}


def resigned(town: Town, **members: Any) -> dict[str, Any]:
    """What the co-op itself signed so."""
    return town.show(town.sign({**town.build(), **members}))


REFUSED: dict[str, tuple[str, Callable[[Town], dict[str, Any]]]] = {
    "no proof": ("proof_missing", lambda town: town.build()),
    "two proofs": ("malformed", lambda town: tampered(town, proof=[town.show()["proof"]] * 2)),
    "a proof of another suite": ("unsupported_suite", lambda town: town.publish()),
    "a proof for another purpose": ("wrong_proof_purpose", lambda town: town.show(town.sign(purpose="authentication"))),
    "a proof that says when it was made": ("malformed", lambda town: town.show(town.sign(created=NOW))),
    "the whole of it": ("malformed", lambda town: town.plain_credential),
    "no subject": ("malformed", lambda town: town.show(names=())),
    "an older data model": (
        "malformed",
        lambda town: tampered(
            town,
            **{"@context": ["https://www.w3.org/2018/credentials/v1"], "issuanceDate": "2026-11-01T00:00:00Z"},
        ),
    ),
    "a type of nobody's": ("unknown_type", lambda town: tampered(town, type=["VerifiableCredential", "Another"])),
    "two types": (
        "unknown_type",
        lambda town: tampered(town, type=["VerifiableCredential", *(kind.configuration_id for kind in schemas.ALL)]),
    ),
    "another form": (
        "schema_mismatch",
        lambda town: resigned(town, id="urn:uuid:3978344f-8596-4c3a-a978-8fcaba3903c5"),
    ),
    "a date of its own": ("schema_mismatch", lambda town: resigned(town, validFrom="2026-11-02T00:00:00Z")),
    "another issuer": ("untrusted_issuer", lambda town: tampered(town, issuer="did:web:other.example")),
    "a key of somebody else": (
        "wrong_controller",
        lambda town: tampered(town, proof={**town.show()["proof"], "verificationMethod": "did:web:other.example#k"}),
    ),
    "a key that is not known": (
        "wrong_issuer_key",
        lambda town: tampered(town, proof={**town.show()["proof"], "verificationMethod": f"{DID}#other"}),
    ),
    "a claim that was changed": (
        "bad_proof",
        lambda town: tampered(town, credentialSubject={"track": "00000000-5a1f-4b0e-9b1e-0c6a5f0d7e11"}),
    ),
    "a claim that was added": (
        "bad_proof",
        lambda town: tampered(town, credentialSubject={**town.show()["credentialSubject"], "isrcCode": "none"}),
    ),
    "signed statements under other words": (
        "schema_mismatch",
        lambda town: tampered(
            town,
            **{"@context": ["https://www.w3.org/ns/credentials/v2", {"track": "https://schema.org/name"}]},
        ),
    ),
    "another occasion": ("wrong_presentation_header", lambda town: town.show(presentation_header=HEADER[::-1])),
    "no occasion": ("wrong_presentation_header", lambda town: town.show(presentation_header=b"")),
}


@pytest.mark.parametrize(("code", "make"), REFUSED.values(), ids=REFUSED)
def test_a_step_that_fails_is_refused(town: Town, code: str, make: Callable[[Town], dict[str, Any]]) -> None:
    refused(code, town.verify, make(town))


def test_a_type_that_was_not_asked_for_or_not_allowed_is_refused(town: Town) -> None:
    refused("unknown_type", town.verify, town.show(), types={schemas.COOP_MEMBERSHIP.vct})
    policy = town.policy_with(types=frozenset({schemas.COOP_MEMBERSHIP.vct}))
    refused("type_not_allowed", town.verify, town.show(), policy=policy)


def test_another_key_under_the_name_of_the_issuers_is_refused(town: Town) -> None:
    policy = town.policy_with(bbs_keys={town.method: BbsSecretKey.generate().public_key})
    refused("wrong_issuer_key", town.verify, town.show(), policy=policy)
    forger = BbsSecretKey.generate()
    forged = bbs_2023.open_base(town.sign(secret_key=forger), public_key=forger.public_key)
    refused("bad_proof", town.verify, show(forged))


def test_a_key_of_the_issuer_for_another_type_is_refused(town: Town) -> None:
    other = town.method_of(schemas.RELEASE_OWNERSHIP)
    base = bbs_2023.open_base(town.sign(verification_method=other), public_key=town.bbs_key.public_key)
    refused("wrong_issuer_key", town.verify, show(base))
    # Nor does a key count under any name but its one.
    nickname = f"{DID}#{schemas.TRACK_OWNERSHIP.configuration_id}.mine"
    base = bbs_2023.open_base(town.sign(verification_method=nickname), public_key=town.bbs_key.public_key)
    policy = town.policy_with(bbs_keys={nickname: town.bbs_key.public_key})
    refused("wrong_issuer_key", town.verify, show(base), policy=policy)


def test_a_cohort_counts_from_its_first_second_to_ten_days_after_its_month(town: Town) -> None:
    shown, end = town.show(), datetime(2026, 12, 11, tzinfo=UTC)
    town.verify(shown, at=end, clock_skew_s=0)
    refused("expired", town.verify, shown, at=end + timedelta(seconds=1), clock_skew_s=0)
    refused("not_yet_valid", town.verify, shown, at=datetime(2026, 10, 31, 23, 58, tzinfo=UTC))


def test_trust_that_a_list_gave_ends_with_the_list(town: Town) -> None:
    town.verify(town.show(), policy=town.policy_with(until=NOW + timedelta(seconds=1)))
    refused("trust_expired", town.verify, town.show(), policy=town.policy_with(until=NOW))


def test_a_pseudonym_counts_only_where_it_was_asked_for(town: Town) -> None:
    secured, blind = town.countable_credential
    mine = {"prover_nym": town.nym, "blind": blind}
    shown = town.show(secured, nym_domain=DOMAIN, **mine)
    town.verify(shown, nym_domain=DOMAIN)
    refused("unasked_pseudonym", town.verify, shown)
    refused("missing_pseudonym", town.verify, town.show(), nym_domain=DOMAIN)
    # Another gate, another month, or the same gate spelled otherwise.
    for other in ("https://shop.example/gates/2", f"{DOMAIN}#2026-11", f"{DOMAIN}/", DOMAIN.upper()):
        refused("wrong_nym_domain", town.verify, shown, nym_domain=other)

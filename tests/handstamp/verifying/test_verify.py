"""Any file is checked step by step, and each step says in words how it went."""

from __future__ import annotations

import re
from typing import Any

import pytest

import credentials.statement
import credentials.verify
import credentials.verify_linked
from credentials.data_integrity import ecdsa_jcs_2019, ecdsa_rdfc_2019
from credentials.data_integrity.proofs import without_proof
from credentials.errors import HandstampError
from credentials.statement import build_statement
from handstamp.verifying import steps
from handstamp.verifying.gathering import Sources
from plumbing.dids import build_resolver
from schemas.linked import CONTEXTS
from tests.credentials.verify_linked.conftest import ARTIST, DID, DOMAIN, KIND, NOW, OCCASION
from tests.handstamp.verifying.showing import (
    CERTIFIED,
    DOCUMENT,
    TOWN,
    Host,
    check,
    notes,
    online,
    sd_jwt,
    shown_sd_jwt,
    went,
)

# Words.


@pytest.mark.parametrize(
    ("pipelines", "module"),
    [
        ([steps.SD_JWT_SHOWN, steps.SD_JWT_HELD], credentials.verify),
        ([steps.LINKED_SHOWN, steps.LINKED_HELD, steps.PUBLISHED], credentials.verify_linked),
        ([steps.STATEMENT], credentials.statement),
    ],
)
def test_the_steps_are_those_of_the_kernel(pipelines: list[steps.Pipeline], module: Any) -> None:
    numbered = {int(number) for number in re.findall(r"^ +(\d+)[.] ", module.__doc__, re.MULTILINE)}
    told = {step.number for pipeline in pipelines for step in pipeline.steps}
    assert told == numbered - {13, 14, 15, 16} if module is credentials.verify_linked else told == numbered
    for pipeline in pipelines:
        numbers = [step.number for step in pipeline.steps]
        assert set(pipeline.failing.values()) <= set(numbers)
        assert all(step.title and step.why.endswith(".") for step in pipeline.steps)


def test_every_refusal_in_the_tables_exists() -> None:
    codes = {kind.code for kind in every_kind(HandstampError)}
    for pipeline in vars(steps).values():
        if isinstance(pipeline, steps.Pipeline):
            assert pipeline.failing.keys() <= codes, pipeline.failing.keys() - codes


def every_kind(kind: type[HandstampError]) -> list[type[HandstampError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in every_kind(below))]


# What holds.


async def test_an_sd_jwt_as_it_was_shown() -> None:
    report = await check(shown_sd_jwt())
    assert report.good
    assert went(report) == {n: "not compared" if n in (4, 11, 12, 13) else "passed" for n in range(1, 14)}
    assert "x509_san_dns:shop.example" in notes(report)[11]
    assert report.says["says"] == {"track": KIND.example["track"]}
    asked = {"audience": "x509_san_dns:shop.example", "nonce": "the-nonce-of-a-request"}
    assert went(await check(shown_sd_jwt(), **asked))[11] == "passed"
    refused = await check(shown_sd_jwt(), **asked | {"nonce": "another"})
    assert (refused.error and refused.error.code, went(refused)[11], went(refused)[12]) == (
        "wrong_nonce",
        "failed",
        "not reached",
    )


async def test_an_sd_jwt_as_its_holder_keeps_it() -> None:
    report = await check(sd_jwt(x5c=CERTIFIED.x5c))
    assert went(report) == {n: "not compared" if n in (4, 14) else "passed" for n in (*range(1, 8), 14, 15)}
    tagged = await check(sd_jwt(digest_count=13))
    assert went(tagged)[15] == "failed"
    odd = await check(sd_jwt(disclosable=dict.fromkeys(KIND.claim_names, "odd")))
    assert (odd.error and odd.error.code, went(odd)[15]) == ("schema_mismatch", "failed")
    foreign = await check(sd_jwt(vct="urn:other"))
    assert "not known here" in notes(foreign)[15]


async def test_a_linked_credential_as_it_was_shown() -> None:
    report = await check(TOWN.show())
    assert went(report) == {n: "not compared" if n in (3, 7) else "passed" for n in range(1, 9)}
    assert report.says["type"] == KIND.configuration_id
    secured, blind = TOWN.countable_credential
    counted = TOWN.show(secured, prover_nym=TOWN.nym, blind=blind, nym_domain=DOMAIN)
    assert DOMAIN in notes(await check(counted))[8]
    assert went(await check(counted, nym_domain=DOMAIN))[8] == "passed"
    assert went(await check(counted, nym_domain="https://other.example/gates/1"))[8] == "failed"
    other = await check(TOWN.show(), audience="a", nonce="b", response_uri="https://shop.example/answers/1")
    assert (went(other)[7], went(other)[8]) == ("failed", "not reached")


async def test_a_linked_credential_as_its_holder_keeps_it() -> None:
    report = await check(TOWN.plain_credential)
    assert went(report) == {n: "not compared" if n == 3 else "passed" for n in (1, 2, 3, 4, 5, 9, 10, 11)}
    tagged = await check(TOWN.sign(mandatory=("/issuer",)))
    assert went(tagged)[11] == "failed"
    secret = await check(TOWN.countable_credential[0])
    assert (secret.error and secret.error.code, went(secret)[9]) == ("proof_impossible", "failed")
    several = TOWN.plain_credential | {"type": ["TrackOwnershipCredential", "ReleaseOwnershipCredential"]}
    assert (await check(several)).error is not None


async def test_what_is_published_and_what_is_said() -> None:
    report = await check(TOWN.publish())
    assert went(report) == {n: "not compared" if n == 3 else "passed" for n in (*range(1, 7), 12)}
    assert report.says["subject"] == TOWN.holder_did
    said = build_statement("We ask for no fee.", credential=TOWN.publish(), signer=TOWN.holder, at=NOW)
    report = await check(said)
    assert went(report) == {n: "not compared" if n == 4 else "passed" for n in range(1, 7)}
    assert (report.says["said by"], report.says["said"]) == (ARTIST.example["name"], "We ask for no fee.")


async def test_what_is_not_of_our_types() -> None:
    foreign = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": TOWN.holder_did,
        "credentialSubject": {"name": "Anybody"},
    }
    method = f"{TOWN.holder_did}#{TOWN.holder.public_key.multikey}"
    signed = ecdsa_rdfc_2019.add_proof(foreign, signer=TOWN.holder, verification_method=method)
    report = await check(signed)
    assert set(went(report).values()) == {"passed"}
    assert report.says == {"issuer": TOWN.holder_did, "says": {"name": "Anybody"}}
    assert went(await check(signed | {"name": "changed"}))[4] == "failed"
    presented = TOWN.present(TOWN.publish(), signed)
    report = await check(presented)
    assert went(report)[2] == "not compared"
    assert report.says["holder"] == TOWN.holder_did
    report = await check(presented, audience=OCCASION.domain, nonce=OCCASION.challenge)
    assert set(went(report).values()) == {"passed"}
    assert went(await check(presented, audience=OCCASION.domain, nonce="another"))[2] == "failed"


async def test_what_signs_letters_only_is_said_to_and_says_nothing_in_our_words() -> None:
    method = f"{TOWN.holder_did}#{TOWN.holder.public_key.multikey}"
    signing: dict[str, Any] = {"signer": TOWN.holder, "verification_method": method}
    foreign: dict[str, Any] = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": TOWN.holder_did,
        "credentialSubject": {"name": "Anybody"},
    }
    signed = ecdsa_jcs_2019.add_proof(foreign, **signing)
    for shown in (signed, TOWN.present(signed)):
        report = await check(shown)
        assert (report.good, went(report)[1], went(report)[4]) == (True, "not compared", "passed")
    assert went(await check(signed | {"name": "changed"}))[4] == "failed"
    other = await check(signed | {"@context": ["https://www.w3.org/2018/credentials/v1"]})
    assert other.error is not None
    assert other.error.code == "proof_context_mismatch"
    # The same under our words is held to our context, wherever it stands.
    words = {"@context": list(CONTEXTS), "type": list(ARTIST.ldp_types)}
    ours = ecdsa_jcs_2019.add_proof(foreign | words, **signing)
    for shown in (ours, TOWN.present(ours)):
        report = await check(shown)
        assert not report.good
        assert report.error is not None
        assert report.error.code == "unsupported_suite"
    # A persona's statement, signed anew over its letters.
    said = without_proof(build_statement("No fee.", credential=TOWN.publish(), signer=TOWN.holder, at=NOW))
    report = await check(ecdsa_jcs_2019.add_proof(said, created=NOW, **signing))
    assert report.error is not None
    assert report.error.code == "unsupported_suite"


# Whose keys, and which lists.


async def test_only_who_was_chosen_counts() -> None:
    chosen = Sources(trusted=(TOWN.trusted,), documents={DID: DOCUMENT})
    assert notes(await check(TOWN.publish(), chosen)) == {}
    nobody = Sources(trusted=(), documents={DID: DOCUMENT})
    report = await check(TOWN.publish(), nobody)
    assert (report.error and report.error.code, went(report)[3]) == ("untrusted_issuer", "failed")


async def test_offline_and_without_keys_it_says_what_is_missing() -> None:
    for data in (TOWN.publish(), TOWN.show(), shown_sd_jwt(), TOWN.present(TOWN.publish())):
        report = await check(data, Sources())
        assert report.error is not None
        assert "--did-document" in report.error.detail


async def test_an_issuer_is_asked_for_its_keys() -> None:
    assert (await check(TOWN.show(), online())).good
    unreachable = Sources(fetcher=Host({}), resolver=build_resolver(Host({}), clock=lambda: NOW))
    report = await check(shown_sd_jwt(), unreachable)
    assert (report.error and report.error.code) == "fetch_refused"

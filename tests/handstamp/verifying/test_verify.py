"""Any file is checked step by step, and each step says in words how it went."""

from __future__ import annotations

import dataclasses
import json
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typer.testing import CliRunner

import credentials.statement
import credentials.verify
import credentials.verify_linked
from credentials.data_integrity import ecdsa_jcs_2019, ecdsa_rdfc_2019, eddsa_rdfc_2022
from credentials.data_integrity.proofs import without_proof
from credentials.dids import build_did_document, parse_did_document
from credentials.encoding.strict_json import dump
from credentials.errors import HandstampError
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt.issuing import build_sd_jwt_vc
from credentials.sd_jwt.presenting import build_presentation
from credentials.sd_jwt.reading import parse_sd_jwt
from credentials.statement import build_statement
from credentials.status import StatusReference
from credentials.status.bitstring import Bitstring, BitstringEntry, build_bitstring_credential
from credentials.status.packed import PackedStatuses
from credentials.status.token import build_status_list
from handstamp.commands import verify as command
from handstamp.verifying import steps
from handstamp.verifying.checking import Asked
from handstamp.verifying.gathering import Sources, verify_file
from handstamp.verifying.reading import read_file
from handstamp.verifying.report import Outcome, Report
from plumbing.dids import build_resolver
from plumbing.fetch import FetchRefused, Reply
from schemas.linked import CONTEXTS
from tests.credentials.conftest import make_world
from tests.credentials.verify_linked.conftest import ARTIST, DID, DOMAIN, KIND, NOW, OCCASION, URL, Town

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOWN = Town()
CERTIFIED = make_world()
LIST = "https://coop.example/lists/1"
HOLDER = LocalSigner.generate()
DOCUMENT = parse_did_document(
    dump(
        build_did_document(
            DID,
            [CERTIFIED.issuer.public_key],
            multikeys=[TOWN.signer.public_key],
            type_keys=TOWN.type_keys,
        )
    ),
    did=DID,
)
FILES = Sources(documents={DID: DOCUMENT})


class Host:
    """The co-op's host, as far as the network shows it."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    async def request(self, method: str, url: str, **_: Any) -> Reply:
        self.asked.append(url)
        if url not in self.pages:
            raise FetchRefused("coop.example", f"{method} of what is not there")
        return Reply(status=200, headers=httpx.Headers(), body=self.pages[url])


def online(**pages: bytes) -> Sources:
    document = build_did_document(DID, [], multikeys=[TOWN.signer.public_key], type_keys=TOWN.type_keys)
    host = Host({f"{URL}/.well-known/did.json": dump(document), LIST: pages.get("status", b"")})
    return Sources(fetcher=host, resolver=build_resolver(host, clock=lambda: NOW))


async def check(data: Any, sources: Sources = FILES, **asked: Any) -> Report:
    written = data.encode() if isinstance(data, str) else dump(data)
    return await verify_file(read_file(written), sources=sources, asked=Asked(**asked), at=NOW)


def went(report: Report) -> dict[int, str]:
    return {each.step.number: each.outcome.value for each in report.steps}


def notes(report: Report) -> dict[int, str]:
    return {each.step.number: each.note for each in report.steps if each.outcome is Outcome.NOT_COMPARED}


def sd_jwt(**changes: Any) -> str:
    options: dict[str, Any] = {
        "vct": KIND.vct,
        "issuer": URL,
        "holder_key": HOLDER.public_key,
        "issued_at": int(NOW.replace(day=1, hour=0).timestamp()),
        "disclosable": {name: KIND.example[name] for name in KIND.claim_names},
        "digest_count": KIND.digest_count,
        "status": StatusReference(uri=LIST, index=7),
        "signer": CERTIFIED.issuer,
        "x5c": CERTIFIED.x5c,
        "random": secrets.token_bytes,
    }
    return build_sd_jwt_vc(**(options | changes))


def shown_sd_jwt(credential: str | None = None) -> str:
    return build_presentation(
        parse_sd_jwt(credential or sd_jwt()),
        disclose=["track"],
        nonce="the-nonce-of-a-request",
        audience="x509_san_dns:shop.example",
        issued_at=int(NOW.timestamp()),
        signer=HOLDER,
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


def bitstring(revoked: int | None = None) -> bytes:
    document = build_bitstring_credential(
        Bitstring.all_valid().replaced({} if revoked is None else {revoked: 1}),
        uri=LIST,
        issuer_did=DID,
        purpose="revocation",
        valid_from=NOW - timedelta(minutes=1),
        valid_until=NOW + timedelta(hours=1),
        ttl=timedelta(minutes=5),
    )
    return dump(eddsa_rdfc_2022.add_proof(document, signer=TOWN.signer, verification_method=TOWN.plain_method))


async def test_a_bitstring_list_is_fetched_if_anybody_may_be_asked() -> None:
    published = TOWN.publish(status=BitstringEntry(uri=LIST, index=7).to_json())
    assert notes(await check(published))[12] == "The issuer's list could not be had."
    assert went(await check(published, online(status=bitstring())))[12] == "passed"
    taken_back = await check(published, online(status=bitstring(7)))
    assert (taken_back.error and taken_back.error.code, went(taken_back)[12]) == ("credential_revoked", "failed")
    for body in (b"", b"{}"):
        assert 12 in notes(await check(published, online(status=body)))


async def test_a_token_list_is_fetched_too() -> None:
    listed = sd_jwt()
    token = build_status_list(
        PackedStatuses.all_valid(64).replaced({7: 1}),
        uri=LIST,
        issued_at=int(NOW.timestamp()),
        expires_at=int(NOW.timestamp()) + 600,
        ttl_s=300,
        signer=CERTIFIED.issuer,
        x5c=CERTIFIED.x5c,
    )
    assert 13 in notes(await check(shown_sd_jwt(listed)))
    sources = dataclasses.replace(FILES, fetcher=Host({LIST: token.encode()}))
    assert went(await check(shown_sd_jwt(listed), sources))[13] == "failed"


# The command.


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr(command, "system_clock", lambda: NOW)
    document = build_did_document(DID, [CERTIFIED.issuer.public_key], type_keys=TOWN.type_keys)
    (tmp_path / "did.json").write_bytes(dump(document))

    def invoke(data: bytes, *options: str) -> Any:
        (tmp_path / "file").write_bytes(data)
        arguments = [str(tmp_path / "file"), "--offline", "--did-document", str(tmp_path / "did.json"), *options]
        return CliRunner().invoke(command.app, arguments)

    return invoke


def test_the_command_explains_each_step(run: Callable[..., Any]) -> None:
    done = run(dump(TOWN.show()))
    assert done.exit_code == 0, done.output
    for step in steps.LINKED_SHOWN.steps:
        assert step.title in done.output
    assert "but for what could not be compared" in done.output
    assert KIND.example["track"] in done.output


def test_the_command_says_what_does_not_hold(run: Callable[..., Any]) -> None:
    done = run(dump(TOWN.show() | {"validUntil": "2026-12-11T00:00:01Z"}), "--json")
    assert done.exit_code == 1
    report = json.loads(done.output)
    assert (report["good"], report["error"]["code"]) == (False, "schema_mismatch")
    assert [each["outcome"] for each in report["steps"]][:3] == ["passed", "failed", "not reached"]
    worded = run(dump(TOWN.show() | {"validUntil": "2026-12-11T00:00:01Z"}))
    assert "It does not hold." in worded.output


def test_what_came_unmarked_holds(run: Callable[..., Any]) -> None:
    foreign = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": TOWN.holder_did,
        "credentialSubject": [{"name": "Anybody"}, {"id": "did:example:1"}],
    }
    method = f"{TOWN.holder_did}#{TOWN.holder.public_key.multikey}"
    done = run(dump(ecdsa_rdfc_2019.add_proof(foreign, signer=TOWN.holder, verification_method=method)))
    assert "It holds." in done.output
    assert "name: Anybody" in done.output


@pytest.mark.parametrize(
    "data",
    [b"", b"not a credential", b"\xff\xfe", b"{", b"[]", b"~", b"x" * (1024 * 1024 + 1)],
    ids=["empty", "words", "no text", "cut off", "an array", "a tilde", "too large"],
)
def test_what_is_no_credential_is_refused(run: Callable[..., Any], data: bytes) -> None:
    done = run(data)
    assert isinstance(done.exception, HandstampError)
    assert done.exception.code == "malformed"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for name in (tmp_path / "none", tmp_path):
        done = CliRunner().invoke(command.app, [str(name), "--offline"])
        assert isinstance(done.exception, HandstampError)
        assert done.exception.code == "unreadable_file"


def test_a_list_of_co_ops_needs_its_publisher(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "list").write_text("x", "ascii")
    assert run(dump(TOWN.show()), "--coops", str(tmp_path / "list")).exit_code == 2
    done = run(dump(TOWN.show()), "--coops", str(tmp_path / "list"), "--publisher", "x")
    assert isinstance(done.exception, HandstampError)
    (tmp_path / "keys").write_text("{}", "ascii")
    assert isinstance(run(dump(TOWN.show()), "--did-document", str(tmp_path / "keys")).exception, HandstampError)


def test_standard_input_is_read_and_the_network_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "system_clock", lambda: NOW)
    # A DID that is its own key needs no network.
    foreign = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": TOWN.holder_did,
        "credentialSubject": {"name": "Anybody"},
    }
    method = f"{TOWN.holder_did}#{TOWN.holder.public_key.multikey}"
    signed = ecdsa_rdfc_2019.add_proof(foreign, signer=TOWN.holder, verification_method=method)
    done = CliRunner().invoke(command.app, ["-"], input=dump(signed))
    assert done.exit_code == 0, done.output

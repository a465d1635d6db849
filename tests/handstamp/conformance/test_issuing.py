from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.handstamp.conformance.conftest import Bench

RDFC = ["eddsa-rdfc-2022", "ecdsa-rdfc-2019-p256", "ecdsa-rdfc-2019-p384"]
JCS = ["eddsa-jcs-2022", "ecdsa-jcs-2019-p256", "ecdsa-jcs-2019-p384"]
WHOLE = [*RDFC, *JCS]
IN_PARTS = ["ecdsa-sd-2023", "bbs-2023"]


@pytest.mark.parametrize("name", WHOLE)
async def test_what_an_instance_issues_is_verified(bench: Bench, name: str) -> None:
    issued = await bench.issue(name)
    instance = bench.instance(name)
    assert issued["proof"]["cryptosuite"] == instance.suite.name
    assert issued["proof"]["verificationMethod"] == instance.verification_method
    assert issued["proof"]["created"] == "2026-11-21T08:00:00Z"
    answer = await bench.verify(issued)
    assert (answer.status_code, answer.json()["verified"]) == (200, True), answer.text


@pytest.mark.parametrize("name", IN_PARTS)
async def test_what_is_issued_to_be_shown_in_parts_is_derived_and_verified(bench: Bench, name: str) -> None:
    issued = await bench.issue(name, mandatoryPointers=["/issuer"])
    # A base proof is for the holder alone.
    assert (await bench.verify(issued)).status_code == 400
    options = {"selectivePointers": ["/credentialSubject/description"]}
    path = f"/{name}/credentials/derive"
    answer = await bench.post(path, verifiableCredential=issued, options=options)
    assert answer.status_code == 201
    shown = answer.json()["verifiableCredential"]
    assert shown["credentialSubject"]["description"] == "Was there"
    assert "name" not in shown
    assert (await bench.verify(shown)).status_code == 200
    wrapped = await bench.post(path, verifiableCredential={"verifiableCredential": issued}, options=options)
    assert wrapped.status_code == 201


async def test_a_credential_of_the_older_model_is_issued_too(bench: Bench) -> None:
    name = "ecdsa-rdfc-2019-p256"
    older = bench.credential(name, name=..., issuanceDate="2026-11-01T00:00:00Z", credentialSubject={"id": "urn:x"})
    older["@context"] = ["https://www.w3.org/2018/credentials/v1"]
    issued = await bench.issue(name, older)
    assert issued["@context"][-1] == "https://w3id.org/security/data-integrity/v2"
    assert (await bench.verify(issued)).status_code == 200


async def test_a_proof_is_added_to_those_that_are_there(bench: Bench) -> None:
    issued = await bench.issue("eddsa-rdfc-2022")
    twice = await bench.issue("eddsa-rdfc-2022", issued)
    assert len(twice["proof"]) == 2
    assert (await bench.verify(twice)).status_code == 200


@pytest.mark.parametrize(
    ("name", "changes", "options", "problem"),
    [
        ("eddsa-rdfc-2022", {"issuer": "did:example:other"}, {}, "CRYPTOGRAPHIC_SECURITY_ERROR"),
        ("eddsa-rdfc-2022", {"issuer": ...}, {}, "MALFORMED_VALUE_ERROR"),
        ("eddsa-rdfc-2022", {"@context": []}, {}, "MALFORMED_VALUE_ERROR"),
        ("eddsa-rdfc-2022", {"unheardOf": 1}, {}, "DATA_LOSS_DETECTION_ERROR"),
        ("eddsa-rdfc-2022", {}, {"unheardOf": 1}, "UNKNOWN_OPTION_PROVIDED"),
        ("eddsa-rdfc-2022", {}, {"mandatoryPointers": ["/issuer"]}, "CRYPTOGRAPHIC_SECURITY_ERROR"),
        ("ecdsa-sd-2023", {}, {"mandatoryPointers": ["/nothing"]}, None),
        ("bbs-2023", {}, {"mandatoryPointers": "/issuer"}, "MALFORMED_VALUE_ERROR"),
    ],
    ids=str,
)
async def test_what_cannot_be_issued_is_refused_with_a_problem(
    bench: Bench, name: str, changes: dict[str, Any], options: dict[str, Any], problem: str | None
) -> None:
    path = f"/{name}/credentials/issue"
    answer = await bench.post(path, credential=bench.credential(name, **changes), options=options)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem is None or answer.json()["type"].endswith(f"#{problem}"), answer.text


@pytest.mark.parametrize("body", [b"", b"[]", b'{"credential": 1}', b'{"unheardOf": {}}', b"{" * 100])
async def test_a_request_that_cannot_be_read_is_refused(bench: Bench, body: bytes) -> None:
    assert (await bench.client.post("/bbs-2023/credentials/issue", content=body)).status_code == 400


async def test_a_path_of_no_instance_is_not_found(bench: Bench) -> None:
    answer = await bench.post("/rsa/credentials/issue", credential=bench.credential("bbs-2023"))
    assert (answer.status_code, answer.json()["code"]) == (404, "instance_unknown")


async def test_only_what_was_issued_to_be_shown_in_parts_is_derived(bench: Bench) -> None:
    issued = await bench.issue("eddsa-rdfc-2022")
    for name in ("eddsa-rdfc-2022", "ecdsa-sd-2023", "bbs-2023"):
        answer = await bench.post(f"/{name}/credentials/derive", verifiableCredential=issued)
        assert answer.status_code == 400, answer.text


async def test_the_service_says_that_it_is_for_testing_only(bench: Bench) -> None:
    description = (await bench.client.get("/")).json()
    assert description["note"].startswith("For testing only")
    assert set(description["instances"]) == {*WHOLE, *IN_PARTS, "eddsa-rdfc-2022-with-status"}
    assert description["instances"]["bbs-2023"]["id"] == bench.instance("bbs-2023").did


async def test_dids_are_resolved_with_proper_errors(bench: Bench) -> None:
    did = bench.instance("bbs-2023").did
    answer = await bench.client.get(f"/1.0/identifiers/{did}")
    assert answer.status_code == 200
    assert answer.json()["didDocument"]["id"] == did
    for other, status, error in [
        ("did:key:z6Mk", 400, "invalidDid"),
        ("nothing", 400, "invalidDid"),
        ("did:example:1", 501, "methodNotSupported"),
        ("did:web:elsewhere.example", 404, "notFound"),
    ]:
        answer = await bench.client.get(f"/1.0/identifiers/{other}")
        assert (answer.status_code, answer.json()["didResolutionMetadata"]["error"]) == (status, error)
    answer = await bench.client.get(f"/1.0/identifiers/{did}", headers={"Accept": "text/csv"})
    assert answer.status_code == 406

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credentials.encoding.strict_json import dump
from credentials.enveloped import EnvelopeKind, sign_envelope
from handstamp.conformance.instances import WholeDocument

if TYPE_CHECKING:
    from tests.handstamp.conformance.conftest import Bench

NAME = "eddsa-rdfc-2022"
WITH_STATUS = "eddsa-rdfc-2022-with-status"


def _envelop(bench: Bench, document: dict[str, Any], kind: EnvelopeKind, **claims: Any) -> dict[str, Any]:
    instance = bench.instance(NAME)
    assert isinstance(instance.suite, WholeDocument)
    return sign_envelope(
        document,
        kind=kind,
        signer=instance.suite.signer,
        verification_method=instance.verification_method,
        claims=claims,
    )


async def _present(bench: Bench, *credentials: dict[str, Any], **options: Any) -> dict[str, Any]:
    presentation: dict[str, Any] = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "holder": bench.instance(NAME).did,
    }
    if credentials:
        presentation["verifiableCredential"] = [*credentials]
    answer = await bench.post(f"/{NAME}/presentations/create", presentation=presentation, options=options)
    assert answer.status_code == 201, answer.text
    signed: dict[str, Any] = answer.json()["verifiablePresentation"]
    return signed


async def test_each_check_is_reported_apart(bench: Bench) -> None:
    name = "ecdsa-rdfc-2019-p256"
    forged = await bench.issue(name, bench.credential(name, validUntil="2026-11-20T00:00:00Z"))
    answer = await bench.verify(forged | {"issuer": "did:example:other"}, returnCredential=True)
    body = answer.json()
    assert (answer.status_code, body["verified"]) == (400, False)
    assert {name: each["verified"] for name, each in body["results"].items()} == {
        "form": True,
        "proof": False,
        "issuer": False,
        "validity": False,
    }
    assert [each["title"] for each in body["errors"]] == ["PROOF_VERIFICATION_ERROR", "INVALID_VERIFICATION_METHOD"]
    assert [each["title"] for each in body["warnings"]] == ["RANGE_ERROR"]
    assert body["type"] == body["errors"][0]["type"]
    assert body["credential"]["issuer"] == "did:example:other"
    only_proof = await bench.verify(forged, checks=["proof"], returnResults=False)
    assert only_proof.status_code == 200
    assert "results" not in only_proof.json()


@pytest.mark.parametrize("value", ["z5", "uAAAA", 7, None])
async def test_a_proof_that_cannot_be_read_is_400(bench: Bench, value: Any) -> None:
    issued = await bench.issue(NAME)
    issued["proof"]["proofValue"] = value
    assert (await bench.verify(issued, checks=["proof"])).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [{"cryptosuite": "unknown"}, {"verificationMethod": "did:key:z6Mk#z6Mk"}, {"proofPurpose": "authentication"}],
    ids=str,
)
async def test_a_proof_of_another_kind_is_400(bench: Bench, changes: dict[str, str]) -> None:
    issued = await bench.issue(NAME)
    issued["proof"] |= changes
    assert (await bench.verify(issued)).status_code == 400


async def test_an_issuer_with_a_web_address_beside_a_did_key_is_told_and_decides_only_where_it_is_asked(
    bench: Bench,
) -> None:
    instance = bench.instance(NAME)
    assert isinstance(instance.suite, WholeDocument)
    signed = instance.suite.suite.add_proof(
        bench.credential(NAME) | {"issuer": "https://vc.example/issuers/5678"},
        signer=instance.suite.signer,
        verification_method=instance.verification_method,
    )
    answer = await bench.verify(signed)
    body = answer.json()
    assert (answer.status_code, body["results"]["issuer"]["verified"]) == (200, False)
    assert [each["title"] for each in body["warnings"]] == ["INVALID_VERIFICATION_METHOD"]
    assert (await bench.verify(signed, checks=["proof", "issuer"])).status_code == 400


async def test_only_the_checks_that_are_named_decide(bench: Bench) -> None:
    name = "ecdsa-sd-2023"
    older = bench.credential(name, issuanceDate="2026-11-01T00:00:00Z", credentialSubject={"id": "urn:x"})
    older["@context"] = ["https://www.w3.org/2018/credentials/v1", {"name": "https://schema.org/name"}]
    issued = await bench.issue(name, older, mandatoryPointers=["/issuer"])
    answer = await bench.post(
        f"/{name}/credentials/derive", verifiableCredential=issued, options={"selectivePointers": ["/name"]}
    )
    shown = answer.json()["verifiableCredential"]
    # It hides its date, which the older model demands.
    assert (await bench.verify(shown)).json()["title"] == "MALFORMED_VALUE_ERROR"
    assert (await bench.verify(shown, checks=["proof", "issuer"])).status_code == 200
    broken = await _present(bench)
    broken["verifiableCredential"] = [1]
    answer = await bench.post("/presentations/verify", verifiablePresentation=broken, options={"checks": ["proof"]})
    assert answer.json()["title"] == "MALFORMED_VALUE_ERROR"


@pytest.mark.parametrize("strange", [None, 0, "", [], {}, [[]], [{"@list": []}], {"@context": None}, "data:,"], ids=str)
@pytest.mark.parametrize("member", ["@context", "id", "type", "issuer", "credentialSubject", "proof", "validFrom"])
async def test_whatever_stands_in_a_credential_is_refused_and_surprises_nobody(
    bench: Bench, member: str, strange: Any
) -> None:
    strange_one = bench.credential(NAME, proof={"type": "DataIntegrityProof"}) | {member: strange}
    for options in ({}, {"checks": ["proof", "issuer", "validity", "credentialStatus"]}):
        assert (await bench.verify(strange_one, **options)).status_code == 400


async def test_an_unknown_check_is_refused(bench: Bench) -> None:
    answer = await bench.verify(await bench.issue(NAME), checks=["horoscope"])
    assert answer.json()["type"].endswith("#UNKNOWN_OPTION_PROVIDED")
    assert (await bench.verify(await bench.issue(NAME), checks=[], returnProblemDetails=False)).status_code == 200


async def test_a_credential_in_a_token_is_verified(bench: Bench) -> None:
    token = _envelop(bench, bench.credential(NAME), EnvelopeKind.CREDENTIAL_JWT)
    assert (await bench.verify(token)).status_code == 200
    forged = _envelop(bench, bench.credential("bbs-2023"), EnvelopeKind.CREDENTIAL_JWT)
    body = (await bench.verify(forged)).json()
    assert body["results"]["proof"]["verified"]
    assert not body["results"]["issuer"]["verified"]
    assert (await bench.verify(token | {"id": "data:application/vc+jwt,x"})).status_code == 400


async def test_a_presentation_is_made_and_verified_with_all_that_is_in_it(bench: Bench) -> None:
    issued, token = await bench.issue(NAME), _envelop(bench, bench.credential(NAME), EnvelopeKind.CREDENTIAL_JWT)
    signed = await _present(bench, issued, token, challenge="c-1", domain="shop.example")
    asked = {"challenge": "c-1", "domain": "shop.example", "returnPresentation": True}
    for path in ("/presentations/verify", f"/{NAME}/presentations/verify"):
        answer = await bench.post(path, verifiablePresentation=signed, options=asked)
        assert answer.status_code == 200, answer.text
        assert [each["verified"] for each in answer.json()["results"]["credentials"]] == [True, True]
    for wrong, title in (({"challenge": "c-2"}, "INVALID_CHALLENGE_ERROR"), ({"domain": "x"}, "INVALID_DOMAIN_ERROR")):
        answer = await bench.post("/presentations/verify", verifiablePresentation=signed, options=asked | wrong)
        assert (answer.status_code, answer.json()["title"]) == (400, title)
    issued["name"] = "Another"
    answer = await bench.post("/presentations/verify", verifiablePresentation=await _present(bench, issued))
    assert not answer.json()["results"]["credentials"][0]["verified"]


async def test_a_presentation_without_a_proof_is_as_good_as_its_credentials(bench: Bench) -> None:
    presentation = await _present(bench, await bench.issue(NAME), bench.credential(NAME))
    del presentation["proof"]
    answer = await bench.post("/presentations/verify", presentation=presentation)
    assert answer.status_code == 200, answer.text
    for body in ({"verifiablePresentation": presentation}, {"verifiablePresentation": {}, "presentation": {}}):
        assert (await bench.post("/presentations/verify", **body)).status_code == 400


async def test_a_presentation_in_a_token_is_verified(bench: Bench) -> None:
    presentation = await _present(bench, await bench.issue(NAME))
    del presentation["proof"]
    token = _envelop(bench, presentation, EnvelopeKind.PRESENTATION_JWT, nonce="c-1")
    answer = await bench.post("/presentations/verify", verifiablePresentation=token, options={"challenge": "c-1"})
    assert answer.status_code == 200, answer.text
    answer = await bench.post("/presentations/verify", verifiablePresentation=token, options={"challenge": "c-2"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("bbs-2023", {}),
        (NAME, {"cryptosuite": "bbs-2023"}),
        (NAME, {"verificationMethod": "did:example:a#b"}),
        (NAME, {"type": "Ed25519Signature2020"}),
        (NAME, {"created": "yesterday"}),
    ],
    ids=str,
)
async def test_a_presentation_that_cannot_be_signed_as_asked_is_refused(
    bench: Bench, name: str, options: dict[str, Any]
) -> None:
    presentation = {"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiablePresentation"]}
    answer = await bench.post(f"/{name}/presentations/create", presentation=presentation, options=options)
    assert answer.status_code == 400
    created = {"created": "2026-11-20T00:00:00Z", "proofPurpose": "assertionMethod", "type": "DataIntegrityProof"}
    signed = await bench.post(f"/{NAME}/presentations/create", presentation=presentation, options=created)
    assert signed.json()["verifiablePresentation"]["proof"]["created"] == created["created"]


async def test_nobody_has_a_presentation_signed_in_anothers_name(bench: Bench) -> None:
    presentation = await _present(bench, await bench.issue(NAME))
    path = f"/{NAME}/presentations/create"
    del presentation["proof"]
    answer = await bench.post(path, presentation=presentation | {"holder": {"id": "did:example:other"}})
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_issuer")


async def test_a_status_is_assigned_looked_up_and_changed(bench: Bench) -> None:
    credential = bench.credential(WITH_STATUS, id="urn:uuid:0ba4bdb5-3a0f-4b4b-b1b3-0c6d0eaf3a1e")
    issued = await bench.issue(WITH_STATUS, credential)
    assert [each["statusPurpose"] for each in issued["credentialStatus"]] == ["revocation", "suspension"]
    assert (await bench.verify(issued)).status_code == 200
    entry = issued["credentialStatus"][0]
    change = {"credentialId": credential["id"], "credentialStatus": entry, "status": True}
    assert (await bench.post(f"/{WITH_STATUS}/credentials/status", **change)).status_code == 200
    body = (await bench.verify(issued, checks=["proof", "credentialStatus"])).json()
    assert [each["title"] for each in body["warnings"]] == ["STATUS_VERIFICATION_ERROR"]
    assert body["results"]["proof"]["verified"]
    await bench.post(f"/{WITH_STATUS}/credentials/status", **(change | {"status": False}))
    assert (await bench.verify(issued)).status_code == 200
    unknown = await bench.post(f"/{WITH_STATUS}/credentials/status", **(change | {"credentialId": "urn:x"}))
    assert unknown.status_code == 404


async def test_a_status_list_is_shown_as_whoever_asks_reads_it(bench: Bench) -> None:
    issued = await bench.issue(WITH_STATUS, credentialId="urn:uuid:1")
    uri = issued["credentialStatus"][0]["statusListCredential"]
    shown = await bench.client.get(uri)
    assert shown.headers["content-type"] == "application/vc"
    assert (await bench.verify(shown.json())).status_code == 200
    shown = await bench.client.get(uri, headers={"Accept": "application/json"})
    assert shown.headers["content-type"] == "application/json"
    assert (await bench.client.post(f"{uri}/publish", json={})).status_code == 204
    assert (await bench.client.get(f"{uri}x")).status_code == 404


async def test_a_status_list_is_made_by_whoever_signs_whole_documents(bench: Bench) -> None:
    made = await bench.post(f"/{NAME}/status-lists", statusPurpose="revocation")
    assert made.status_code == 201
    assert made.headers["location"] == made.json()["id"] == made.json()["verifiableCredential"]["id"]
    assert (await bench.post("/bbs-2023/status-lists", statusPurpose="revocation")).status_code == 400


async def test_a_status_list_of_another_issuer_is_fetched(bench: Bench) -> None:
    # The list is another service's; its issuer's DID is a key, so that nothing else needs to be asked.
    made = (await bench.post(f"/{NAME}/status-lists", statusPurpose="revocation")).json()
    uri = "https://elsewhere.example/lists/1"
    listed = made["verifiableCredential"] | {"id": uri}
    del listed["proof"]
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": uri,
    }
    issued = await bench.issue(NAME, bench.credential(NAME, credentialStatus=entry))
    missing = await bench.verify(issued)
    assert missing.json()["title"] == "STATUS_RETRIEVAL_ERROR"
    bench.elsewhere.put(uri, b"", status=404)
    assert (await bench.verify(issued)).json()["title"] == "STATUS_RETRIEVAL_ERROR"
    bench.elsewhere.put(uri, dump(await bench.issue(NAME, listed)))
    assert (await bench.verify(issued)).status_code == 200

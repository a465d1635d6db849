"""The published examples: figures of RFC 9901 typed in here, and the vectors generated from its sources if at hand."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from credentials.keys.jwk import PublicKey
from credentials.keys.jws import parse_jws
from credentials.refusals import MissingKeyBinding
from credentials.sd_jwt import SdJwt, parse_sd_jwt, parse_sd_jwt_json, read_holder_key
from credentials.sd_jwt.disclosure import digest_sha256, parse_disclosure
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# RFC 9901, appendix "Elliptic Curve Key Used in the Examples".
ISSUER_KEY = PublicKey.parse_jwk(
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
        "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
    },
    what="issuer's key",
)

# Figures of the RFC itself, so that a bare clone proves something too.


@pytest.mark.parametrize(
    ("encoded", "digest"),
    [
        # §4.2.3, from §4.2.1.
        (
            "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
            "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
        ),
        # §4.2.4.2, from §4.2.2.
        ("WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0", "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs"),
        # §5.1, three of the disclosures of the main example.
        (
            "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd",
            "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4",
        ),
        (
            "WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImZhbWlseV9uYW1lIiwgIkRvZSJd",
            "TGf4oLbgwd5JQaHyKVQZU9UdGE0w5rtDsrZzfUaomLo",
        ),
        ("WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIlVTIl0", "pFndjkZ_VCzmyTa6UjlZo3dh-ko8aIKQc9DlGzhaVYo"),
    ],
)
def test_the_digests_of_rfc_9901_come_out(encoded: str, digest: str) -> None:
    assert parse_disclosure(encoded, digest_sha256).digest == digest


@pytest.mark.parametrize(
    "encoded",
    [
        "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
        "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNXHUwMGY2Yml1cyJd",
        "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsImZhbWlseV9uYW1lIiwiTcO2Yml1cyJd",
        "WwoiXzI2YmM0TFQtYWM2cTJLSTZjQlc1ZXMiLAoiZmFtaWx5X25hbWUiLAoiTcO2Yml1cyIKXQ",
    ],
    ids=["utf-8", "escaped", "compact", "with newlines"],
)
def test_every_way_of_writing_mobius_in_section_4_2_1_is_read(encoded: str) -> None:
    disclosure = parse_disclosure(encoded, digest_sha256)
    assert (disclosure.salt, disclosure.name, disclosure.value) == ("_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius")


# The generated vectors, all of them.


def read_wrapped(path: Path) -> str:
    """Join the lines of a text that was broken to fit an RFC's page."""
    return re.sub(r"\s*\n\s*", "", path.read_text())


def read_wrapped_json(path: Path) -> str:
    # Strings in these files are broken over lines, which JSON does not allow.
    return re.sub(r"\n\s*", "", path.read_text())


def read_vector(case: Path, name: str) -> SdJwt:
    if (case / f"{name}.json").exists():
        return parse_sd_jwt_json(read_wrapped_json(case / f"{name}.json"))
    return parse_sd_jwt(read_wrapped(case / f"{name}.txt"))


def every_case(vectors_dir: Path) -> list[Path]:
    folders = ("sd-jwt-rfc9901-generated", "sd-jwt-vc-generated")
    cases = [case for folder in folders for case in sorted((vectors_dir / folder).iterdir()) if case.is_dir()]
    assert len(cases) == 18
    return cases


def check_each(cases: list[Path], check: Callable[[Path], None]) -> None:
    for case in cases:
        try:
            check(case)
        except Exception as error:
            error.add_note(f"in the vector {case.name}")
            raise


def test_every_vector_is_signed_by_the_key_of_the_examples(vectors_dir: Path) -> None:
    def check(case: Path) -> None:
        for name in ("sd_jwt_issuance", "sd_jwt_presentation"):
            read_vector(case, name).jws.check_signature(ISSUER_KEY)

    check_each(every_case(vectors_dir), check)


def test_every_issued_vector_gives_back_its_payload_and_all_of_its_claims(vectors_dir: Path) -> None:
    def check(case: Path) -> None:
        issued = read_vector(case, "sd_jwt_issuance")
        assert issued.key_binding is None
        assert issued.issuer_claims == json.loads(read_wrapped_json(case / "sd_jwt_payload.json"))
        claims = json.loads(read_wrapped_json(case / "user_claims.json"))
        assert {name: issued.claims[name] for name in claims} == claims

    check_each(every_case(vectors_dir), check)


def test_every_presented_vector_gives_exactly_its_verified_contents(vectors_dir: Path) -> None:
    def check(case: Path) -> None:
        shown = read_vector(case, "sd_jwt_presentation")
        assert shown.claims == json.loads(read_wrapped_json(case / "verified_contents.json"))

    check_each(every_case(vectors_dir), check)


def test_every_key_binding_vector_is_signed_by_its_holder_over_its_disclosures(vectors_dir: Path) -> None:
    bound: list[str] = []

    def check(case: Path) -> None:
        shown = read_vector(case, "sd_jwt_presentation")
        if shown.key_binding is None:
            assert not (case / "kb_jwt_payload.json").exists()
            return
        binding = parse_jws(shown.key_binding, what="key binding", typ="kb+jwt")
        binding.check_signature(read_holder_key(shown))
        claims = binding.claims()
        assert claims == json.loads((case / "kb_jwt_payload.json").read_text())
        # sd-jwt 0.10.4 takes the hash of a JSON form over the JSON; RFC 9901 §8.1 takes it over the compact form.
        assert (claims["sd_hash"] == shown.sd_hash()) is not case.name.startswith("json_serialization")
        bound.append(case.name)

    check_each(every_case(vectors_dir), check)
    assert len(bound) == 8


def test_the_digests_listed_in_the_vectors_are_those_of_the_disclosures_listed(vectors_dir: Path) -> None:
    def check(case: Path) -> None:
        text = (case / "disclosures.md").read_text()
        for digest, encoded in re.findall(r"Hash: `([^`]+)`\n \* Disclosure:\\\n((?:`[^`]+`\\?\n)+)", text):
            assert digest_sha256(re.sub(r"[`\\\n]", "", encoded)) == digest

    check_each(every_case(vectors_dir), check)


def test_the_sd_jwt_vc_vectors_pass_the_whole_pipeline(vectors_dir: Path) -> None:
    for name in ("01", "03-pid"):
        case = vectors_dir / "sd-jwt-vc-generated" / name
        signed = json.loads((case / "sd_jwt_payload.json").read_text())
        bound = json.loads((case / "kb_jwt_payload.json").read_text())
        kid = read_vector(case, "sd_jwt_issuance").header.get("kid", "only")
        trusted = TrustedIssuer(
            issuer=signed["iss"],
            name="Example",
            types=frozenset({signed["vct"]}),
            public_keys={str(kid): ISSUER_KEY},
        )
        verified = verify(
            read_wrapped(case / "sd_jwt_presentation.txt"),
            policy=TrustPolicy((trusted,)),
            audience=bound["aud"],
            nonce=bound["nonce"],
            at=datetime.fromtimestamp(bound["iat"] + 5, UTC),
        )
        contents = json.loads(read_wrapped_json(case / "verified_contents.json"))
        for protocol in ("iss", "iat", "exp", "vct", "cnf"):
            contents.pop(protocol)
        assert verified.disclosed == contents
        assert verified.issuer_key == ISSUER_KEY.thumbprint


def test_the_sd_jwt_vc_vector_without_key_binding_is_refused_as_such(vectors_dir: Path) -> None:
    case = vectors_dir / "sd-jwt-vc-generated" / "02"
    presentation = read_wrapped(case / "sd_jwt_presentation.txt")
    trusted = TrustedIssuer(
        issuer="https://example.com/issuer",
        name="Example",
        types=frozenset({"https://credentials.example.com/identity_credential"}),
        public_keys={"only": ISSUER_KEY},
    )
    at = datetime(2026, 11, 21, tzinfo=UTC)
    with pytest.raises(MissingKeyBinding):
        verify(presentation, policy=TrustPolicy((trusted,)), audience="a", nonce="n", at=at)

"""What the conformance service is asked by who means no good; it stands on a tester's own machine."""

from __future__ import annotations

from typing import Final

from tests.hostile.asking import Case, case

_ISSUE: Final = "POST /<<name>>/credentials/issue"
_VERIFY: Final = "POST /credentials/verify"

CASES: Final[tuple[Case, ...]] = (
    case(
        "an instance that is none", "POST /none/credentials/issue", "404 problem instance_unknown", '{"credential": {}}'
    ),
    case("an instance that climbs", "POST /..%2f..%2fetc/credentials/issue", "404 problem not_found", "{}"),
    case("no body", _ISSUE, "400 problem malformed"),
    case("a body that is a list", _ISSUE, "400 problem malformed", "[]"),
    case("a body that is no UTF-8", _ISSUE, "400 problem malformed", b"\xff\xfe"),
    case("a body deep in brackets", _ISSUE, "400 problem malformed", b'{"credential":' * 5000),
    case("a name twice", _ISSUE, "400 problem malformed", '{"credential": {}, "credential": {}}'),
    case("a member that nobody knows", _ISSUE, "400 problem unknown_option", '{"credential": {}, "__proto__": {}}'),
    case("a credential that is a text", _ISSUE, "400 problem malformed", '{"credential": "x"}'),
    case("an empty credential", _ISSUE, "400 problem malformed", '{"credential": {}}'),
    case(
        "a context that leads elsewhere",
        _ISSUE,
        "400 problem malformed",
        '{"credential": {"@context": ["https://evil.example/context"], "type": ["VerifiableCredential"]}}',
    ),
    case(
        "a context on this machine",
        _VERIFY,
        "400 problem malformed",
        '{"verifiableCredential": {"@context": ["file:///etc/passwd"], "type": ["VerifiableCredential"]}}',
    ),
    case("nothing to verify", _VERIFY, "400 problem malformed", "{}"),
    case("a number to verify", _VERIFY, "400 problem malformed", '{"verifiableCredential": 1e400}'),
    case(
        "a presentation that is none",
        "POST /presentations/verify",
        "400 problem malformed",
        '{"verifiablePresentation": null}',
    ),
    case(
        "both kinds of presentation",
        "POST /presentations/verify",
        "400 problem unknown_option",
        '{"verifiablePresentation": {}, "presentation": {}}',
    ),
    case(
        "an option that nobody knows",
        _VERIFY,
        "400 problem unknown_option",
        '{"verifiableCredential": {}, "options": {"x": 1}}',
    ),
    case("a status list of nobody", "GET /<<name>>/status-lists/none", "404 problem credential_unknown"),
    case("a status list that climbs", "GET /<<name>>/status-lists/..%2f..%2fx", "404 problem not_found"),
    case(
        "a status of a credential that is none",
        "POST /<<name>>/credentials/status",
        "400 problem malformed",
        '{"credentialId": "x"}',
    ),
    case(
        "a DID that is none",
        "GET /1.0/identifiers/%00",
        '400 application/ld+json;profile="https://w3id.org/did-resolution"',
    ),
    case(
        "a DID that climbs",
        "GET /1.0/identifiers/did:web:..%2f..%2fetc",
        '400 application/ld+json;profile="https://w3id.org/did-resolution"',
    ),
    case(
        "a DID of this machine's metadata",
        "GET /1.0/identifiers/did:web:169.254.169.254",
        '404 application/ld+json;profile="https://w3id.org/did-resolution"',
    ),
    case(
        "a DID with a query",
        "GET /1.0/identifiers/did:key:x?service=y&relativeRef=//evil.example",
        '400 application/ld+json;profile="https://w3id.org/did-resolution"',
    ),
    case(
        "a DID for a person",
        "GET /1.0/identifiers/<<did>>",
        '406 application/ld+json;profile="https://w3id.org/did-resolution"',
        accept="text/html",
    ),
    case("a verification by GET", "GET /credentials/verify", "405 problem method_not_allowed"),
    case("a body over the cap", _VERIFY, "413 problem too_large", content_length="999999999"),
)

"""What the co-op is sent by who means no good: bodies and tokens."""

from __future__ import annotations

from typing import Final

from tests.hostile.asking import HTML, JSON, Case, case, form

_CODE: Final = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code&pre-authorized_code="
_DEEP: Final = b'{"a":' * 20_000 + b"1" + b"}" * 20_000

CASES: Final[tuple[Case, ...]] = (
    case("a length that is no number", "POST /nonce", "413 problem too_large", content_length="1_000"),
    case("a negative length", "POST /token", "413 problem too_large", content_length="-1"),
    case("a body over the cap, announced", "POST /token", "413 problem too_large", content_length="262145"),
    case(
        "a body over the cap, in pieces",
        "POST /token",
        "413 problem too_large",
        b"a" * 262_145,
        transfer_encoding="chunked",
    ),
    form(
        "a page over the cap",
        "/login",
        "413 page That was too much at once",
        b"a" * 262_145,
        transfer_encoding="chunked",
        accept=HTML,
    ),
    case("nothing where a form should be", "POST /token", "400 oauth invalid_request"),
    case(
        "JSON where a form should be",
        "POST /token",
        "400 oauth invalid_request",
        '{"grant_type": "refresh_token"}',
        content_type=JSON,
    ),
    form("a form twice with one name", "/token", "400 oauth invalid_request", "grant_type=a&grant_type=b"),
    form("a grant type that is none", "/token", "400 oauth unsupported_grant_type", "grant_type=password"),
    form("a grant type of a thousand letters", "/token", "400 oauth invalid_request", "grant_type=" + "a" * 5000),
    form("a form of NULs", "/token", "400 oauth invalid_request", "\x00" * 100),
    form("a form of no UTF-8", "/token", "400 oauth invalid_request", b"grant_type=%ff%fe"),
    form("a form of raw bytes", "/token", "400 oauth invalid_request", b"grant_type=\xff\xfe"),
    case(
        "a form of ten thousand fields",
        "POST /token",
        "400 oauth invalid_request",
        "&".join(f"a{n}=1" for n in range(10_000)),
    ),
    form("a code that is none", "/token", "400 oauth invalid_grant", _CODE + "none&tx_code=123456"),
    form("a code without its digits", "/token", "400 oauth invalid_request", _CODE + "<<code>>"),
    form("a code with digits that are none", "/token", "400 oauth invalid_request", _CODE + "<<code>>&tx_code=%00"),
    form("digits of other alphabets", "/token", "400 oauth invalid_grant", _CODE + "<<code>>&tx_code=%D9%A1%D9%A2"),
    case(
        "a code with a proof that is none",
        "POST /token",
        "400 oauth invalid_dpop_proof",
        _CODE + "<<code>>",
        dpop="a.b.c",
    ),
    case("two proofs", "POST /token", "400 oauth invalid_dpop_proof", _CODE + "<<code>>", dpop=["a.b.c", "d.e.f"]),
    case("a proof of raw bytes", "POST /token", "400 oauth invalid_dpop_proof", _CODE + "<<code>>", dpop="\xff\xff"),
    case(
        "a refresh token that is none",
        "POST /token",
        "400 oauth invalid_dpop_proof",
        "grant_type=refresh_token&refresh_token=x",
    ),
    case("no token at all", "POST /credential", "401 -", "{}", content_type=JSON),
    case("a token of another scheme", "POST /credential", "401 oauth invalid_token", "{}", authorization="Basic YTpi"),
    case(
        "a bearer token that is none", "POST /credential", "401 oauth invalid_token", "{}", authorization="Bearer none"
    ),
    case(
        "a bound token without its proof",
        "POST /credential",
        "401 oauth invalid_token",
        "{}",
        authorization="DPoP none",
    ),
    case("two tokens", "POST /credential", "401 oauth invalid_token", "{}", authorization=["Bearer a", "Bearer b"]),
    case("an empty token", "POST /credential", "401 oauth invalid_token", "{}", authorization="Bearer  "),
    case(
        "a token of raw bytes",
        "POST /deferred_credential",
        "401 oauth invalid_token",
        "{}",
        authorization="Bearer \xff\xfe",
    ),
    case(
        "a token with a line break",
        "POST /notification",
        "401 oauth invalid_token",
        "{}",
        authorization="Bearer a\x0bb",
    ),
    case("a pushed request of JSON", "POST /par", "400 oauth invalid_request", "{}", content_type=JSON),
    form("a pushed request deep in brackets", "/par", "400 oauth invalid_request", _DEEP),
    form(
        "a pushed request that leads elsewhere",
        "/par",
        "400 oauth invalid_request",
        "response_type=code&client_id=x&redirect_uri=javascript:alert(1)",
    ),
    form(
        "a pushed request without PKCE",
        "/par",
        "400 oauth invalid_request",
        "response_type=code&client_id=x&redirect_uri=https://evil.example/cb",
    ),
    form(
        "a pushed request within another",
        "/par",
        "400 oauth invalid_request",
        "client_id=x&request_uri=urn:ietf:params:oauth:request_uri:x",
    ),
)

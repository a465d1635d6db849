"""What a site's verifier is sent by who means no good: answers of wallets, and passes at a door."""

from __future__ import annotations

from typing import Final

from tests.hostile.asking import HTML, JSON, Case, case, form

_DEEP: Final = b"[" * 4000

ANSWERS: Final[tuple[Case, ...]] = (
    case("a request that is none", "GET /requests/none", "404 problem no_such_request"),
    form(
        "a request with a nonce that is none",
        "/requests/<<request>>",
        "200 application/oauth-authz-req+jwt",
        "wallet_nonce=",
    ),
    case(
        "a request asked for with JSON", "POST /requests/<<request>>", "400 problem malformed", "{}", content_type=JSON
    ),
    form(
        "a request asked for with metadata deep in brackets",
        "/requests/<<request>>",
        "400 oauth invalid_request",
        b"wallet_metadata=" + _DEEP,
    ),
    form("an answer to nothing", "/responses/none", "404 oauth invalid_request", "vp_token=x&state=y"),
    case("an answer of JSON", "POST /responses/<<request>>", "400 oauth invalid_request", "{}", content_type=JSON),
    case("an answer without a type", "POST /responses/<<request>>", "400 oauth invalid_request", "vp_token=x"),
    case(
        "an answer in parts",
        "POST /responses/<<request>>",
        "400 oauth invalid_request",
        "--b--",
        content_type="multipart/form-data; boundary=b",
    ),
    form("an empty answer", "/responses/<<request>>", "400 oauth invalid_request"),
    form(
        "an answer with a state twice",
        "/responses/<<request>>",
        "400 oauth invalid_request",
        "state=a&state=b&vp_token=x",
    ),
    form(
        "an answer deep in brackets",
        "/responses/<<request>>",
        "400 oauth invalid_request",
        b"state=a&vp_token=" + _DEEP,
    ),
    form("an answer of NULs", "/responses/<<request>>", "400 oauth invalid_request", b"state=%00&vp_token=%00"),
    form("an answer of no UTF-8", "/responses/<<request>>", "400 oauth invalid_request", b"state=%ff&vp_token=%fe"),
    form("an answer over its cap", "/responses/<<request>>", "400 oauth invalid_request", b"vp_token=" + b"a" * 70_000),
    form(
        "an answer over the service's cap",
        "/responses/<<request>>",
        "413 problem too_large",
        b"a" * 262_145,
        transfer_encoding="chunked",
    ),
    form(
        "an answer with an error of line breaks",
        "/responses/none",
        "404 oauth invalid_request",
        "error=a%0d%0a%1b[31m&state=x",
    ),
    form("an answer for a person", "/responses/none", "404 oauth invalid_request", "vp_token=x", accept=HTML),
)

DOORS: Final[tuple[Case, ...]] = (
    case("a pass without a key", "POST /gates/<<gate>>/passes", "401 problem wrong_door_key", "{}", content_type=JSON),
    case(
        "a pass with a key that is none",
        "POST /gates/<<gate>>/passes",
        "401 problem wrong_door_key",
        "{}",
        authorization="Bearer none",
    ),
    case(
        "a pass with a key of raw bytes",
        "POST /gates/<<gate>>/passes",
        "401 problem wrong_door_key",
        "{}",
        authorization="Bearer \xff",
    ),
    case(
        "a pass with another scheme",
        "POST /gates/<<gate>>/passes",
        "401 problem wrong_door_key",
        "{}",
        authorization="Basic <<key>>",
    ),
    case(
        "a pass for another gate's key",
        "POST /gates/other/passes",
        "401 problem wrong_door_key",
        "{}",
        authorization="Bearer <<key>>",
    ),
    case(
        "a pass that is no JSON",
        "POST /gates/<<gate>>/passes",
        "400 problem malformed",
        "\x00",
        authorization="Bearer <<key>>",
    ),
    case(
        "a pass of no UTF-8",
        "POST /gates/<<gate>>/passes",
        "400 problem malformed",
        b'{"pass": "\xff"}',
        authorization="Bearer <<key>>",
    ),
    case(
        "a pass twice",
        "POST /gates/<<gate>>/passes",
        "400 problem malformed",
        '{"pass": "a", "pass": "b"}',
        authorization="Bearer <<key>>",
    ),
    case(
        "a pass deep in brackets",
        "POST /gates/<<gate>>/passes",
        "400 problem malformed",
        _DEEP,
        authorization="Bearer <<key>>",
    ),
    case(
        "a pass that is a number",
        "POST /gates/<<gate>>/passes",
        "400 problem malformed",
        '{"pass": 1e999}',
        authorization="Bearer <<key>>",
    ),
    case(
        "a pass over its cap",
        "POST /gates/<<gate>>/passes",
        "400 problem malformed",
        b'{"pass": "' + b"a" * 5000,
        authorization="Bearer <<key>>",
    ),
    case(
        "a pass with a lone surrogate",
        "POST /gates/<<gate>>/passes",
        "400 problem malformed",
        '{"pass": "\\ud800"}',
        authorization="Bearer <<key>>",
    ),
    case(
        "a pass of nonsense",
        "POST /gates/<<gate>>/passes",
        "403 red malformed",
        '{"pass": "x"}',
        authorization="Bearer <<key>>",
    ),
)

CASES: Final = (*ANSWERS, *DOORS)

"""What a site's verifier is asked by who means no good."""

from __future__ import annotations

from typing import Final

from tests.hostile.asking import HTML, JSON, Case, case, form

GATES: Final[tuple[Case, ...]] = (
    case("a gate that is none", "GET /gates/none", "404 problem no_such_gate"),
    case("the same, for a person", "GET /gates/none", "404 page There is no such gate here", accept=HTML),
    case("a gate that climbs", "GET /gates/..%2f..%2fetc%2fpasswd", "404 problem not_found"),
    case("a NUL as a gate", "GET /gates/%00", "404 problem no_such_gate"),
    case("no UTF-8 as a gate", "GET /gates/%ff", "404 problem no_such_gate"),
    case("a gate with a line break", "GET /gates/x%0d%0aLocation:%20//evil.example", "404 problem not_found"),
    case("a title of markup at a gate", "GET /gates/<<gate>>", "200 text/html; charset=utf-8", accept=HTML),
    case(
        "a gate in a frame of another site",
        "GET /gates/<<gate>>",
        "200 text/html; charset=utf-8",
        accept=HTML,
        sec_fetch_dest="iframe",
    ),
    case(
        "a gate under another host",
        "GET /gates/<<gate>>",
        "200 text/html; charset=utf-8",
        host=["evil.example"],
        accept=HTML,
    ),
    case(
        "a gate behind a proxy that lies",
        "GET /gates/<<gate>>",
        "200 text/html; charset=utf-8",
        x_forwarded_proto="javascript",
        accept=HTML,
    ),
    case("a cover of a gate without one", "GET /gates/<<gate>>/cover", "404 problem no_such_cover"),
    case("a gate is deleted", "DELETE /gates/<<gate>>", "405 problem method_not_allowed"),
    case("a slash after a gate", "GET /gates/<<gate>>/", "404 problem not_found"),
    case(
        "a language of nonsense",
        "GET /gates/<<gate>>",
        "200 text/html; charset=utf-8",
        accept=HTML,
        accept_language="q=\xff;;,," * 50,
    ),
)

VISITS: Final[tuple[Case, ...]] = (
    form("a visit without ticking the terms", "/gates/<<gate>>/visits", "400 page -", accept=HTML),
    case("a visit of a gate that is none", "POST /gates/none/visits", "404 problem no_such_gate", accept=JSON),
    case(
        "a visit begun by another site",
        "POST /gates/<<gate>>/visits",
        "403 problem forged_form",
        "terms=on",
        origin="https://evil.example",
    ),
    case(
        "a visit begun by nobody's origin",
        "POST /gates/<<gate>>/visits",
        "403 problem forged_form",
        "terms=on",
        origin="null",
    ),
    case(
        "a visit that the browser calls foreign",
        "POST /gates/<<gate>>/visits",
        "403 problem forged_form",
        "terms=on",
        sec_fetch_site="cross-site",
    ),
    form("a visit with a form over its cap", "/gates/<<gate>>/visits", "400 problem malformed", "terms=" + "a" * 5000),
    form("a visit with a field twice", "/gates/<<gate>>/visits", "400 problem malformed", "terms=a&terms=b"),
    form("a visit by raw bytes", "/gates/<<gate>>/visits", "400 problem malformed", b"terms=\xff"),
    case("a visit by GET", "GET /gates/<<gate>>/visits", "405 problem method_not_allowed"),
    case("a visit that is none", "GET /visits/none", "404 page This visit has ended", accept=HTML),
    case("somebody else's visit", "GET /visits/<<visit>>", "403 page This was started in another browser", accept=HTML),
    case("somebody else's visit, by a program", "GET /visits/<<visit>>", "403 problem foreign_browser"),
    case(
        "a visit with a cookie that is none",
        "GET /visits/<<visit>>",
        "403 page This was started in another browser",
        cookie="visit-<<visit>>=x.y.z",
        accept=HTML,
    ),
    case(
        "a visit with a cookie of markup",
        "GET /visits/none",
        "410 page Time is up",
        cookie='visit-none="a.<script>"',
        accept=HTML,
    ),
    case(
        "a visit with a hundred cookies",
        "GET /visits/<<visit>>",
        "403 page This was started in another browser",
        cookie="visit-<<visit>>=a; " * 100,
        accept=HTML,
    ),
    case(
        "a title of markup on a visit's page",
        "GET /visits/<<visit>>",
        "200 text/html; charset=utf-8",
        cookie="<<cookie>>",
        accept=HTML,
    ),
    case("somebody else's code to scan", "GET /visits/<<visit>>/qr.svg", "403 problem foreign_browser"),
    case("somebody else's news", "GET /visits/<<visit>>/events", "403 problem foreign_browser"),
    case(
        "news with a mark of a thousand letters",
        "GET /visits/<<visit>>/events?seen=" + "a" * 1000,
        "400 problem malformed",
    ),
    form("a short code for somebody else's visit", "/visits/<<visit>>/code", "403 problem forged_form", "code=123456"),
    case(
        "a short code without the hidden field",
        "POST /visits/<<visit>>/code",
        "403 problem forged_form",
        "code=123456",
        cookie="<<cookie>>",
    ),
    case(
        "a short code that nobody wants",
        "POST /visits/<<visit>>/code",
        "409 problem no_code_wanted",
        "csrf=<<csrf>>&code=1",
        cookie="<<cookie>>",
    ),
    case(
        "a short code sent by another site",
        "POST /visits/<<visit>>/code",
        "403 problem forged_form",
        "csrf=<<csrf>>&code=1",
        cookie="<<cookie>>",
        origin="https://evil.example",
    ),
    case("a page of a code that is none", "GET /codes/none", "404 page This code is no longer needed", accept=HTML),
    case("a page of a code that climbs", "GET /codes/..%2f..%2f", "404 problem not_found"),
    case(
        "files before anything was shown",
        "POST /visits/<<visit>>/grant",
        "409 problem not_accepted",
        "csrf=<<csrf>>",
        cookie="<<cookie>>",
    ),
    case(
        "files without the hidden field", "POST /visits/<<visit>>/grant", "403 problem forged_form", cookie="<<cookie>>"
    ),
    case(
        "files for another's origin",
        "POST /visits/<<visit>>/grant",
        "403 problem forged_form",
        "csrf=<<csrf>>",
        cookie="<<cookie>>",
        origin="null",
    ),
    case(
        "files for a key that is none",
        "POST /visits/<<visit>>/grant",
        "400 oauth invalid_dpop_proof",
        cookie="<<cookie>>",
        dpop="a.b.c",
    ),
    case(
        "a return with a code that is none",
        "GET /return?response_code=none",
        "410 page This link was used already",
        accept=HTML,
    ),
    case("a return without a code", "GET /return", "400 problem malformed"),
    case(
        "a return that leads elsewhere",
        "GET /return?response_code=x&redirect_uri=https://evil.example",
        "410 problem used_response_code",
    ),
    case(
        "a return with a code of a thousand letters",
        "GET /return?response_code=" + "a" * 1000,
        "400 page This did not work",
        accept=HTML,
    ),
    case(
        "a return of markup",
        "GET /return?response_code=%3Cscript%3Ealert(1)",
        "410 page This link was used already",
        accept=HTML,
    ),
)

CASES: Final = (*GATES, *VISITS)

"""What is tried on a site and a trackserver by who knows how servers, browsers and databases differ."""

from __future__ import annotations

import gzip
from typing import Final

from tests.hostile.asking import HTML, JSON, Case, case, form

_BOMB: Final = gzip.compress(bytes(20_000_000), 9)

SITE: Final[tuple[Case, ...]] = (
    case(
        "a form announced over the cap",
        "POST /gates/<<gate>>/visits",
        "413 page That was too much at once",
        content_length="262145",
        accept=HTML,
    ),
    case(
        "a page by a method of its own", "FROB /gates/<<gate>>", "405 page This cannot be done from here", accept=HTML
    ),
    case("TRACE with a visit", "TRACE /visits/<<visit>>", "405 problem method_not_allowed", cookie="<<cookie>>"),
    case(
        "OPTIONS from another site",
        "OPTIONS /gates/<<gate>>/visits",
        "405 problem method_not_allowed",
        origin="https://evil.example",
        access_control_request_method="POST",
    ),
    case(
        "a visit begun by plain text of another site",
        "POST /gates/<<gate>>/visits",
        "403 problem forged_form",
        "terms=on",
        content_type="text/plain",
        sec_fetch_site="cross-site",
    ),
    case(
        "a visit begun in parts",
        "POST /gates/<<gate>>/visits",
        "400 page -",
        "--b--",
        content_type="multipart/form-data; boundary=b",
    ),
    form(
        "a visit of ten thousand fields",
        "/gates/<<gate>>/visits",
        "400 problem malformed",
        "&".join(f"a{n}=1" for n in range(10_000)),
    ),
    form("a visit with a NUL", "/gates/<<gate>>/visits", "400 problem malformed", "terms=%00"),
    form(
        "a bomb, packed, for an answer",
        "/responses/<<request>>",
        "400 oauth invalid_request",
        _BOMB,
        content_encoding="gzip",
    ),
    case("a return with a NUL", "GET /return?response_code=%00", "410 page This link was used already", accept=HTML),
    case(
        "a return of no UTF-8", "GET /return?response_code=%ff%fe", "410 page This link was used already", accept=HTML
    ),
    case("a return with two codes", "GET /return?response_code=a&response_code=b", "410 problem used_response_code"),
    form(
        "a short code of other digits",
        "/visits/<<visit>>/code",
        "409 problem no_code_wanted",
        "csrf=<<csrf>>&code=%D9%A1%D9%A2",
        cookie="<<cookie>>",
    ),
    form(
        "a short code with a NUL",
        "/visits/<<visit>>/code",
        "400 problem malformed",
        "csrf=<<csrf>>&code=%00",
        cookie="<<cookie>>",
    ),
    case(
        "the cookie of a co-op",
        "GET /visits/<<visit>>",
        "403 problem foreign_browser",
        cookie="coop=x; handstamp_download=y",
    ),
    case(
        "the cookie of another visit", "GET /visits/<<visit>>", "403 problem foreign_browser", cookie="visit-other=a.b"
    ),
    case("news with a NUL", "GET /visits/<<visit>>/events?seen=%00", "403 problem foreign_browser"),
    case("an address that names no path", "GET /gates/<<gate>>%2fvisits", "405 problem method_not_allowed"),
    case("a gate by way of dots", "GET /gates/./<<gate>>", "404 problem not_found"),
    form(
        "an answer that is packed twice",
        "/responses/<<request>>",
        "400 oauth invalid_request",
        gzip.compress(_BOMB, mtime=0),
        content_encoding="gzip, gzip",
    ),
    case(
        "a pass with numbers beyond all",
        "POST /gates/<<gate>>/passes",
        "400 problem malformed",
        '{"pass": "a", "device": ' + "9" * 3000 + "}",
        authorization="Bearer <<key>>",
    ),
    case(
        "a pass that is not a number",
        "POST /gates/<<gate>>/passes",
        "400 problem malformed",
        '{"pass": NaN}',
        authorization="Bearer <<key>>",
    ),
    case(
        "a pass with a NUL",
        "POST /gates/<<gate>>/passes",
        "400 problem malformed",
        '{"pass": "a\\u0000", "device": "\\u0000"}',
        authorization="Bearer <<key>>",
    ),
    form(
        "a pass as a form", "/gates/<<gate>>/passes", "400 problem malformed", "pass=x", authorization="Bearer <<key>>"
    ),
    case(
        "a pass with two keys",
        "POST /gates/<<gate>>/passes",
        "401 problem wrong_door_key",
        "{}",
        authorization=["Bearer none", "Bearer <<key>>"],
    ),
)

TRACKS: Final[tuple[Case, ...]] = (
    case(
        "a grant announced over the cap, by a person",
        "POST /grants",
        "413 page That was too much at once",
        content_length="262145",
        accept=HTML,
    ),
    case(
        "a bomb, packed, for a grant",
        "POST /grants",
        "400 problem malformed",
        _BOMB,
        content_type=JSON,
        content_encoding="gzip",
    ),
    form("a grant as a form", "/grants", "400 problem malformed", "grant=x"),
    case("a grant with a NUL", "POST /grants", "400 problem malformed", '{"grant": "a\\u0000"}'),
    case("a grant with a lone surrogate", "POST /grants", "400 problem malformed", '{"grant": "\\ud800"}'),
    case(
        "a grant with a lone surrogate beside it",
        "POST /grants",
        "400 problem malformed",
        '{"grant": "a", "\\ud800": 1}',
    ),
    case("a ticket with a NUL", "GET /open?ticket=%00", "404 page This link is not complete", accept=HTML),
    case("a ticket of no UTF-8", "GET /open?ticket=%ff", "404 page This link is not complete", accept=HTML),
    case("a download by HEAD", "HEAD /downloads/<<download>>/release.zip", "403 problem download_not_found"),
    case(
        "a download by TRACE",
        "TRACE /downloads/<<download>>/release.zip",
        "405 problem method_not_allowed",
        cookie="<<cookie>>",
    ),
    case(
        "another's download with one's own cookie",
        "GET /downloads/other/release.zip",
        "403 problem download_not_found",
        cookie="<<cookie>>",
    ),
    case(
        "a download with the cookie of a visit",
        "GET /downloads/<<download>>",
        "403 problem download_not_found",
        cookie="visit-<<download>>=<<download>>",
    ),
    case(
        "two download cookies",
        "GET /downloads/<<download>>",
        "200 application/json",
        cookie=["handstamp_download=x", "<<cookie>>"],
    ),
    case(
        "a thousand ranges of the zip",
        "GET /downloads/<<download>>/release.zip",
        "200 application/zip",
        cookie="<<cookie>>",
        range="bytes=" + ",".join(f"{n}-{n}" for n in range(1000)),
    ),
    case(
        "a range with spaces and signs",
        "GET /downloads/<<download>>/release.zip",
        "200 application/zip",
        cookie="<<cookie>>",
        range="bytes= +0 - -1",
    ),
    case(
        "a range without a beginning and an end",
        "GET /downloads/<<download>>/release.zip",
        "200 application/zip",
        cookie="<<cookie>>",
        range="bytes=-",
    ),
    case(
        "an encoding of every kind",
        "GET /downloads/<<download>>",
        "200 application/json",
        cookie="<<cookie>>",
        accept_encoding="gzip;q=1.0, br, *;q=0",
    ),
    case(
        "a page of a download in a frame",
        "GET /downloads/<<download>>",
        "200 text/html; charset=utf-8",
        cookie="<<cookie>>",
        accept=HTML,
        sec_fetch_dest="iframe",
        sec_fetch_site="cross-site",
    ),
)

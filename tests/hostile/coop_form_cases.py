"""What the pages of the co-op are sent by who means no good."""

from __future__ import annotations

from typing import Final

from tests.hostile.asking import HTML, JSON, Case, case, form

CASES: Final[tuple[Case, ...]] = (
    case("a log-in link that is none", "GET /login?token=none", "410 page This link was used already", accept=HTML),
    case(
        "a log-in link of markup",
        "GET /login?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "410 page This link was used already",
        accept=HTML,
    ),
    form("a log-in link that was used", "/login", "410 page This link was used already", "token=<<used>>", accept=HTML),
    case(
        "a log-in sent by another site",
        "POST /login",
        "403 problem forged_form",
        "token=<<login>>",
        origin="https://evil.example",
    ),
    case(
        "a log-in sent by nobody's origin", "POST /login", "403 problem forged_form", "token=<<login>>", origin="null"
    ),
    case(
        "a log-in that the browser calls foreign",
        "POST /login",
        "403 problem forged_form",
        "token=<<login>>",
        sec_fetch_site="cross-site",
    ),
    case(
        "a log-in from a neighbour's host",
        "POST /login",
        "403 problem forged_form",
        "token=<<login>>",
        sec_fetch_site="same-site",
    ),
    case(
        "a log-in in parts",
        "POST /login",
        "403 problem forged_form",
        "--b--",
        content_type="multipart/form-data; boundary=b",
    ),
    case(
        "a log-in in parts without a boundary",
        "POST /login",
        "403 problem forged_form",
        "--b--",
        content_type="multipart/form-data",
    ),
    case("a log-in as JSON", "POST /login", "410 problem link_used_up", '{"token": "<<login>>"}', content_type=JSON),
    form(
        "a log-in of ten thousand fields", "/login", "400 problem malformed", "&".join(f"a{n}=1" for n in range(30_000))
    ),
    case(
        "a collection without a session",
        "GET /collection",
        "401 page Please open your personal link again",
        accept=HTML,
    ),
    form(
        "an offer without the hidden field", "/offers", "403 problem forged_form", "copy=<<copy>>", cookie="<<cookie>>"
    ),
    form(
        "an offer with another's hidden field",
        "/offers",
        "403 problem forged_form",
        "csrf=AAAA&copy=x",
        cookie="<<cookie>>",
    ),
    form(
        "an offer sent by another site",
        "/offers",
        "403 problem forged_form",
        "csrf=<<csrf>>&copy=<<copy>>",
        cookie="<<cookie>>",
        origin="https://evil.example",
    ),
    form(
        "an offer of somebody else's copy",
        "/offers",
        "422 page My collection",
        "csrf=<<csrf>>&copy=nobodys",
        cookie="<<cookie>>",
        accept=HTML,
    ),
    case(
        "a log-out by another site",
        "POST /logout",
        "403 problem forged_form",
        "csrf=<<csrf>>",
        cookie="<<cookie>>",
        origin="null",
    ),
    form(
        "a code that is markup",
        "/codes",
        "404 page My collection",
        "csrf=<<csrf>>&code=%3Cscript%3Ealert(1)",
        cookie="<<cookie>>",
        accept=HTML,
    ),
    form("a lost wallet without being sure", "/wallet/lost", "303 -", "csrf=<<csrf>>", cookie="<<cookie>>"),
    form(
        "a lost wallet without the hidden field",
        "/wallet/lost",
        "403 problem forged_form",
        "sure=yes",
        cookie="<<cookie>>",
    ),
    case(
        "news that are markup",
        "GET /collection?wallet=%3Cscript%3E&got=%3Cscript%3E",
        "200 text/html; charset=utf-8",
        cookie="<<cookie>>",
        accept=HTML,
    ),
    case("a place to go next", "GET /?next=//evil.example", "303 -", cookie="<<cookie>>"),
    case(
        "a log-in that leads elsewhere",
        "GET /login?token=<<login>>&next=https://evil.example",
        "200 text/html; charset=utf-8",
        accept=HTML,
    ),
    case(
        "an authorization that leads elsewhere",
        "GET /authorize?client_id=x&request_uri=https://evil.example/r&redirect_uri=https://evil.example",
        "410 page This is over",
        cookie="<<cookie>>",
        accept=HTML,
    ),
    case(
        "an authorization that nobody pushed",
        "GET /authorize?client_id=x&request_uri=urn:ietf:params:oauth:request_uri:none",
        "410 problem request_gone",
        cookie="<<cookie>>",
    ),
    form(
        "a yes to what nobody asked",
        "/authorize",
        "410 problem request_gone",
        "csrf=<<csrf>>&request=x&client_id=x",
        cookie="<<cookie>>",
    ),
    case(
        "the digits of an offer without the form",
        "POST /offers/<<offer>>/code",
        "403 problem forged_form",
        cookie="<<cookie>>",
    ),
    case(
        "somebody's offer without a session",
        "GET /offers/<<offer>>/page",
        "401 page Please open your personal link again",
        accept=HTML,
    ),
    case(
        "a title of markup in my collection",
        "GET /collection",
        "200 text/html; charset=utf-8",
        cookie="<<cookie>>",
        accept=HTML,
    ),
    case(
        "a title of markup on the offer's page",
        "GET /offers/<<offer>>/page",
        "200 text/html; charset=utf-8",
        cookie="<<cookie>>",
        accept=HTML,
    ),
)

"""What is tried on a co-op by who knows how servers, browsers and databases differ."""

from __future__ import annotations

import gzip
from typing import Final
from urllib.parse import quote

from tests.hostile.asking import FORM, HTML, Case, case, form

_BOMB: Final = gzip.compress(bytes(20_000_000), 9)
_PUSHED: Final = (
    "response_type=code&client_id=wallet.example&scope=release_ownership&code_challenge_method=S256"
    "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&redirect_uri="
)


def _leads(name: str, to: str, expect: str = "400 oauth invalid_request") -> Case:
    return form(f"back to {name}", "/par", expect, _PUSHED + quote(to, safe=""))


CASES: Final[tuple[Case, ...]] = (
    case(
        "a page announced over the cap",
        "POST /login",
        "413 page That was too much at once",
        content_length="999999",
        accept=HTML,
    ),
    form("a bomb, packed, for a form", "/token", "400 oauth invalid_request", _BOMB, content_encoding="gzip"),
    case(
        "a form in another alphabet",
        "POST /token",
        "400 oauth invalid_request",
        "grant_type=refresh_token".encode("utf-16"),
        content_type=FORM + "; charset=utf-16",
    ),
    case(
        "a log-in as plain text, from another site",
        "POST /login",
        "403 problem forged_form",
        "token=<<login>>",
        content_type="text/plain",
        sec_fetch_site="cross-site",
    ),
    case(
        "a log-in from a host that begins as ours",
        "POST /login",
        "403 problem forged_form",
        "token=<<login>>",
        origin="http://coop.localhost:8701.evil.example",
    ),
    case(
        "a log-in from another port of ours",
        "POST /login",
        "403 problem forged_form",
        "token=<<login>>",
        origin="http://coop.localhost:8702",
    ),
    case(
        "a log-in from our host without TLS or with",
        "POST /login",
        "403 problem forged_form",
        "token=<<login>>",
        origin="https://coop.localhost:8701",
    ),
    case(
        "a log-in from an origin that is a list",
        "POST /login",
        "403 problem forged_form",
        "token=<<login>>",
        origin="http://coop.localhost:8701, https://evil.example",
    ),
    case(
        "a log-in that says it comes from nowhere",
        "POST /login",
        "403 problem forged_form",
        "token=<<login>>",
        sec_fetch_site="",
    ),
    case("a log-in link with a NUL", "GET /login?token=%00", "410 page This link was used already", accept=HTML),
    case("a log-in link of no UTF-8", "GET /login?token=%ff", "410 page This link was used already", accept=HTML),
    case("a log-in link twice", "GET /login?token=a&token=b", "410 page This link was used already", accept=HTML),
    case("a log-in link as a list", "GET /login?token[]=a", "410 page This link was used already", accept=HTML),
    case(
        "a log-in link with half a percent sign",
        "GET /login?token=%",
        "410 page This link was used already",
        accept=HTML,
    ),
    case(
        "a log-in link of eight kilobytes",
        "GET /login?token=" + "a" * 8000,
        "410 page This link was used already",
        accept=HTML,
    ),
    form("a log-in form with a NUL", "/login", "410 problem link_used_up", "token=%00"),
    form(
        "a download code with a NUL",
        "/codes",
        "404 page My collection",
        "csrf=<<csrf>>&code=%00",
        cookie="<<cookie>>",
        accept=HTML,
    ),
    form(
        "a download code of a lone surrogate",
        "/codes",
        "404 page My collection",
        "csrf=<<csrf>>&code=%ed%a0%80",
        cookie="<<cookie>>",
        accept=HTML,
    ),
    form(
        "a copy with a NUL",
        "/offers",
        "422 page My collection",
        "csrf=<<csrf>>&copy=%00",
        cookie="<<cookie>>",
        accept=HTML,
    ),
    form(
        "a thousand copies",
        "/offers",
        "422 page My collection",
        "csrf=<<csrf>>&" + "&".join(["copy=x"] * 1000),
        cookie="<<cookie>>",
        accept=HTML,
    ),
    case(
        "an authorization with a NUL",
        "GET /authorize?client_id=%00&request_uri=%00",
        "410 page This is over",
        cookie="<<cookie>>",
        accept=HTML,
    ),
    case("the cookie of a site", "GET /collection", "401 problem not_logged_in", cookie="visit-x=<<cookie>>"),
    case(
        "the session under a name with a prefix",
        "GET /collection",
        "401 problem not_logged_in",
        cookie="__Host-<<cookie>>",
    ),
    case(
        "the session under a name with a space", "GET /collection", "401 problem not_logged_in", cookie="x <<cookie>>"
    ),
    case("an etag of another's", "GET /.well-known/did.json", "200 application/json", if_none_match='W/"x", ""'),
    case("HEAD of a page", "HEAD /collection", "405 problem method_not_allowed", cookie="<<cookie>>"),
    case("TRACE with a session", "TRACE /collection", "405 problem method_not_allowed", cookie="<<cookie>>"),
    case("OPTIONS of everything", "OPTIONS *", "404 problem not_found"),
    case(
        "a page under a protocol that is none",
        "GET /collection",
        "401 problem not_logged_in",
        x_forwarded_proto="gopher",
        forwarded='for=_x;host="evil.example";proto=https',
    ),
    case(
        "a page that somebody fetches ahead",
        "GET /login?token=<<login>>",
        "200 text/html; charset=utf-8",
        accept=HTML,
        sec_purpose="prefetch;prerender",
    ),
    _leads("a wallet, in good faith", "https://wallet.example/back", "201 application/json"),
    _leads("a script", "javascript:alert(1)"),
    _leads("data", "data:text/html,<script>alert(1)</script>"),
    _leads("plain http", "http://evil.example/back"),
    _leads("a line break", "https://wallet.example/back\r\nSet-Cookie: a=b"),
    _leads("a backslash", "https://wallet.example\\@evil.example/back"),
    _leads("a name and a password", "https://wallet.example@evil.example/back"),
    _leads("a fragment", "https://wallet.example/back#x"),
    _leads("no host", "https:///back"),
    _leads("two slashes", "//evil.example/back"),
    _leads("a letter that looks like another", "https://w\u0430llet.example/back"),
    _leads("a NUL", "https://wallet.example/\x00"),
    _leads("a space", "https://wallet.example/a b"),
    _leads("a port that is none", "https://wallet.example:99999/"),
    _leads("letters nobody sees", "https://wallet.example/\u202e"),
)

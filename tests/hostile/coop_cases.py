"""What the co-op's service is asked by who means no good."""

from __future__ import annotations

from typing import Final

from tests.hostile.asking import HTML, Case, case

METHODS: Final[tuple[Case, ...]] = (
    case("a page is deleted", "DELETE /collection", "405 problem method_not_allowed"),
    case("a token is asked for by GET", "GET /token?grant_type=refresh_token", "405 problem method_not_allowed"),
    case("a page of that, for a person", "GET /token", "405 page This cannot be done from here", accept=HTML),
    case("a nonce by PUT", "PUT /nonce", "405 problem method_not_allowed"),
    case(
        "TRACE, which would show cookies to scripts",
        "TRACE /collection",
        "405 problem method_not_allowed",
        cookie="coop=1",
    ),
    case(
        "OPTIONS from another site", "OPTIONS /token", "405 problem method_not_allowed", origin="https://evil.example"
    ),
    case("a made-up method", "FROB /collection", "405 problem method_not_allowed"),
    case("another method by a header", "POST /health", "405 problem method_not_allowed", x_http_method_override="GET"),
    case("HEAD where only GET is", "HEAD /login?token=x", "405 problem method_not_allowed"),
    case("a method in small letters", "post /nonce", "405 problem method_not_allowed"),
)

PATHS: Final[tuple[Case, ...]] = (
    case("climbing out of the static folder", "GET /static/../app.py", "404 problem not_found"),
    case("climbing with encoded dots", "GET /static/%2e%2e/app.py", "404 problem not_found"),
    case("climbing with an encoded slash", "GET /static/..%2fapp.py", "404 problem not_found"),
    case("climbing with a backslash", "GET /static/..%5capp.py", "404 problem not_found"),
    case("climbing with an overlong slash", "GET /static/..%c0%afapp.py", "404 problem not_found"),
    case("climbing twice encoded", "GET /static/%252e%252e%252fapp.py", "404 problem not_found"),
    case("an absolute path in the static folder", "GET /static//etc/passwd", "404 problem not_found"),
    case("a NUL in a static path", "GET /static/page.js%00.html", "404 problem not_found"),
    case("the static folder itself", "GET /static/", "404 problem not_found"),
    case("a very long static path", "GET /static/" + "a" * 5000, "404 problem not_found"),
    case("a NUL as an offer", "GET /offers/%00", "410 problem offer_gone"),
    case("no UTF-8 as an offer", "GET /offers/%ff%fe", "410 problem offer_gone"),
    case("a slash in an offer's id", "GET /offers/x%2fpage", "401 problem not_logged_in"),
    case("an offer's id with a line break", "GET /offers/x%0d%0aSet-Cookie:%20a=b", "410 problem offer_gone"),
    case("an unknown offer", "GET /offers/AAAAAAAAAAAAAAAAAAAAAA", "410 problem offer_gone"),
    case("the same, for a person", "GET /offers/AAAAAAAAAAAAAAAAAAAAAA", "410 page This is over", accept=HTML),
    case("a lone surrogate as an offer", "GET /offers/%ed%a0%80", "410 problem offer_gone"),
    case("an unknown status list", "GET /statuslists/none", "404 problem no_such_status_list"),
    case("a status list that climbs", "GET /statuslists/..%2f..%2fetc%2fpasswd", "404 problem not_found"),
    case("a NUL as a status list", "GET /statuslists/%00", "404 problem no_such_status_list"),
    case("SQL as a status list", "GET /statuslists/'%20OR%201=1--", "404 problem no_such_status_list"),
    case("a cover of nothing", "GET /covers/nothing", "404 problem no_such_cover"),
    case("a cover that climbs", "GET /covers/..%2f..%2fissuer.sqlite", "404 problem not_found"),
    case("a release that is none", "GET /catalogue/<script>", "404 problem not_in_catalogue"),
    case("two slashes at the front", "GET //evil.example/collection", "404 problem not_found"),
    case("a slash at the end", "GET /collection/", "404 problem not_found"),
    case("the framework's own documentation", "GET /docs", "404 problem not_found"),
    case("a repository that should not be there", "GET /.git/config", "404 problem not_found"),
    case("a type that is none", "GET /types/..%2fsecrets", "404 problem not_found"),
    case("a well-known document that climbs", "GET /.well-known/../../etc/passwd", "404 problem not_found"),
    case("a letter that looks like another", "GET /%D1%81ollection", "404 problem not_found"),
    case("a semicolon and parameters", "GET /collection;jsessionid=1", "404 problem not_found"),
)

HEADERS: Final[tuple[Case, ...]] = (
    case("another host", "GET /collection", "401 problem not_logged_in", host=["coop.localhost:8701", "evil.example"]),
    case("a forwarded host", "GET /.well-known/did.json", "200 application/json", x_forwarded_host="evil.example"),
    case(
        "a rewritten address",
        "GET /nothing",
        "404 problem not_found",
        x_original_url="/collection",
        x_rewrite_url="/collection",
    ),
    case(
        "a forwarded address that is none",
        "GET /types",
        "200 text/html; charset=utf-8",
        x_forwarded_for="\x1b[31m<script>",
    ),
    case("an Accept of nonsense", "GET /types", "200 text/html; charset=utf-8", accept=";;q=,/*\xff"),
    case(
        "an Accept with a thousand parts",
        "GET /types/TrackOwnershipCredential",
        "200 application/json",
        accept="a/b;q=0.1," * 1000,
    ),
    case(
        "a language that climbs",
        "GET /types",
        "200 text/html; charset=utf-8",
        accept_language="../../../etc/passwd, de/../x",
    ),
    case(
        "a language of letters nobody sees", "GET /types", "200 text/html; charset=utf-8", accept_language="\x1b[2J\xad"
    ),
    case(
        "an ETag list of a thousand", "GET /.well-known/did.json", "200 application/json", if_none_match='"a",' * 1000
    ),
    case("an ETag that is a star", "GET /contexts/1", "200 application/ld+json", if_none_match="*"),
    case("a Range of a document", "GET /contexts/1", "200 application/ld+json", range="bytes=0-1,2-3,4-"),
    case(
        "a Range of a static file beyond its end",
        "GET /static/page.js",
        "200 text/javascript; charset=utf-8",
        range="bytes=99999999-",
    ),
    case(
        "a hundred Ranges of a static file",
        "GET /static/page.js",
        "200 text/javascript; charset=utf-8",
        range="bytes=" + "0-," * 100 + "0-",
    ),
    case(
        "a negative Range of a static file",
        "GET /static/page.js",
        "200 text/javascript; charset=utf-8",
        range="bytes=5-2",
    ),
    case(
        "an If-Range that is no date",
        "GET /static/page.js",
        "200 text/javascript; charset=utf-8",
        range="bytes=0-0",
        if_range="\xff",
    ),
    case(
        "an If-Modified-Since that is none",
        "GET /static/page.js",
        "200 text/javascript; charset=utf-8",
        if_modified_since="yesterday",
    ),
    case(
        "an If-Modified-Since far ahead",
        "GET /static/page.js",
        "304 -",
        if_modified_since="Fri, 31 Dec 9999 23:59:59 GMT",
    ),
    case("an upgrade", "GET /health", "200 application/json", connection="upgrade", upgrade="websocket"),
    case(
        "a cookie of nonsense",
        "GET /collection",
        "401 problem not_logged_in",
        cookie="coop=\xff\x00; =; ;;; coop; \x1b[1m",
    ),
    case(
        "a thousand cookies",
        "GET /collection",
        "401 problem not_logged_in",
        cookie="; ".join(f"coop={n}" for n in range(1000)),
    ),
    case(
        "two sessions in one cookie header",
        "GET /collection",
        "401 page Please open your personal link again",
        cookie="<<cookie>>; coop=other",
        accept=HTML,
    ),
    case(
        "a quoted cookie",
        "GET /collection",
        "401 page Please open your personal link again",
        cookie='coop="\\"<script>"',
        accept=HTML,
    ),
    case("a cookie of 8 kB", "GET /collection", "401 problem not_logged_in", cookie="coop=" + "a" * 8000),
    case("a request id that is another's", "GET /health", "200 application/json", x_request_id="\x1b[31mmine"),
    case("an Expect that is none", "POST /nonce", "200 application/json", expect="the unexpected"),
    case(
        "a trace context of somebody's",
        "GET /health",
        "200 application/json",
        traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
    ),
)

CASES: Final = (*METHODS, *PATHS, *HEADERS)

"""What the trackserver is asked by who means no good."""

from __future__ import annotations

from typing import Final

from tests.hostile.asking import HTML, Case, case

_ZIP: Final = "GET /downloads/<<download>>/release.zip"
_FILE: Final = "GET /downloads/<<download>>/files/<<file>>"

PATHS: Final[tuple[Case, ...]] = (
    case("a release that is none", "GET /releases/none", "404 problem release_not_found"),
    case("a release that climbs", "GET /releases/..%2f..%2fetc%2fpasswd", "404 problem not_found"),
    case("a NUL as a release", "GET /releases/%00", "404 problem release_not_found"),
    case("no UTF-8 as a release", "GET /releases/%c3%28", "404 problem release_not_found"),
    case("a cover of a release without one", "GET /releases/<<release>>/cover", "404 problem cover_not_found"),
    case("a title of markup, as data", "GET /releases/<<release>>", "200 application/json"),
    case(
        "a file that climbs",
        "GET /downloads/<<download>>/files/..%2f..%2f..%2fetc%2fpasswd",
        "404 problem not_found",
        cookie="<<cookie>>",
    ),
    case(
        "a file by plain dots",
        "GET /downloads/<<download>>/files/../../../etc/passwd",
        "404 problem not_found",
        cookie="<<cookie>>",
    ),
    case(
        "a file by an absolute path",
        "GET /downloads/<<download>>/files/%2fetc%2fpasswd",
        "404 problem not_found",
        cookie="<<cookie>>",
    ),
    case(
        "a file by a backslash",
        "GET /downloads/<<download>>/files/..%5c..%5cwin.ini",
        "404 problem file_not_found",
        cookie="<<cookie>>",
    ),
    case(
        "a NUL in a file's id",
        "GET /downloads/<<download>>/files/<<file>>%00.html",
        "404 problem file_not_found",
        cookie="<<cookie>>",
    ),
    case(
        "a file of another release",
        "GET /downloads/<<download>>/files/cover",
        "404 problem file_not_found",
        cookie="<<cookie>>",
    ),
    case("the folder of files", "GET /downloads/<<download>>/files/", "404 problem not_found", cookie="<<cookie>>"),
    case(
        "a zip of another name",
        "GET /downloads/<<download>>/release.zip/../x.zip",
        "404 problem not_found",
        cookie="<<cookie>>",
    ),
    case("a download that is none", "GET /downloads/none", "403 problem download_not_found", cookie="<<cookie>>"),
    case(
        "a download that climbs",
        "GET /downloads/..%2f<<download>>/release.zip",
        "404 problem not_found",
        cookie="<<cookie>>",
    ),
    case("climbing out of the static folder", "GET /static/%2e%2e%2fapp.py", "404 problem not_found"),
)

PASSES: Final[tuple[Case, ...]] = (
    case(
        "a download without a cookie",
        "GET /downloads/<<download>>",
        "403 page This page is not for this browser",
        accept=HTML,
    ),
    case("the same, by a program", "GET /downloads/<<download>>", "403 problem download_not_found"),
    case(
        "a download with a cookie that is none",
        "GET /downloads/<<download>>",
        "403 problem download_not_found",
        cookie="handstamp_download=x",
    ),
    case(
        "a download with a cookie of raw bytes",
        "GET /downloads/<<download>>",
        "403 problem download_not_found",
        cookie="handstamp_download=\xff\x00",
    ),
    case(
        "a download with a token that is none",
        _ZIP,
        "401 problem invalid_token",
        authorization="DPoP none",
        dpop="a.b.c",
    ),
    case("a download with a bearer token", _ZIP, "403 problem download_not_found", authorization="Bearer none"),
    case("a token without a proof", _ZIP, "401 problem invalid_token", authorization="DPoP none"),
    case(
        "a cookie beside a token that is none",
        _ZIP,
        "401 problem invalid_token",
        authorization="DPoP none",
        cookie="<<cookie>>",
    ),
    case("a ticket that is none", "GET /open?ticket=none", "404 page This link is not complete", accept=HTML),
    case("a ticket that was used", "GET /open?ticket=<<ticket>>", "410 page This link was opened before", accept=HTML),
    case("no ticket", "GET /open", "404 page This link is not complete", accept=HTML),
    case("a ticket of a thousand letters", "GET /open?ticket=" + "a" * 1000, "400 problem malformed"),
    case(
        "a ticket of markup",
        "GET /open?ticket=%3Cscript%3Ealert(1)",
        "404 page This link is not complete",
        accept=HTML,
    ),
    case("a ticket that leads elsewhere", "GET /open?ticket=none&next=//evil.example", "404 problem link_unknown"),
    case("a ticket twice", "GET /open?ticket=a&ticket=b", "404 problem link_unknown"),
    case(
        "a title of markup on a download's page",
        "GET /downloads/<<download>>",
        "200 text/html; charset=utf-8",
        cookie="<<cookie>>",
        accept=HTML,
    ),
    case("names of markup, as data", "GET /downloads/<<download>>", "200 application/json", cookie="<<cookie>>"),
)

GRANTS: Final[tuple[Case, ...]] = (
    case("no grant", "POST /grants", "400 problem malformed"),
    case("a grant that is no JSON", "POST /grants", "400 problem malformed", "grant"),
    case("a grant that is a list", "POST /grants", "400 problem malformed", "[]"),
    case("a grant that is a number", "POST /grants", "400 problem malformed", '{"grant": 1}'),
    case("a grant twice", "POST /grants", "400 problem malformed", '{"grant": "a", "grant": "b"}'),
    case("a grant of no UTF-8", "POST /grants", "400 problem malformed", b'{"grant": "\xff"}'),
    case("a grant deep in brackets", "POST /grants", "400 problem malformed", b"[" * 50_000),
    case(
        "a grant with a number beyond all",
        "POST /grants",
        "400 problem malformed",
        '{"grant": "a", "n": ' + "9" * 5000 + "}",
    ),
    case("a grant that is not a number", "POST /grants", "400 problem malformed", '{"grant": NaN}'),
    case("a grant in UTF-16", "POST /grants", "400 problem malformed", '{"grant": "a"}'.encode("utf-16")),
    case("a grant with a byte order mark", "POST /grants", "400 problem malformed", b'\xef\xbb\xbf{"grant": "a"}'),
    case("a grant of dots", "POST /grants", "400 problem malformed", '{"grant": "..."}'),
    case("a grant of one part", "POST /grants", "400 problem malformed", '{"grant": "abc"}'),
    case(
        "a grant signed by nobody",
        "POST /grants",
        "400 problem unsupported_algorithm",
        '{"grant": "eyJhbGciOiJub25lIn0.e30."}',
    ),
    case("a grant of a stranger", "POST /grants", "403 problem unknown_grant_key", '{"grant": "<<stranger>>"}'),
    case(
        "a grant for another trackserver",
        "POST /grants",
        "403 problem wrong_grant_audience",
        '{"grant": "<<foreign>>"}',
    ),
    case("a grant whose time is over", "POST /grants", "403 problem grant_expired", '{"grant": "<<old>>"}'),
    case("a grant that was used", "POST /grants", "409 problem grant_used", '{"grant": "<<spent>>"}'),
    case(
        "a grant over the cap",
        "POST /grants",
        "413 problem too_large",
        b'{"grant": "' + b"a" * 262_145,
        transfer_encoding="chunked",
    ),
    case("a grant announced over the cap", "POST /grants", "413 problem too_large", content_length="99999999"),
    case("a grant by GET", "GET /grants", "405 problem method_not_allowed"),
)

RANGES: Final[tuple[Case, ...]] = (
    case("bytes beyond the end", _FILE, "416 -", cookie="<<cookie>>", range="bytes=999999999-"),
    case("no bytes at all", _FILE, "416 -", cookie="<<cookie>>", range="bytes=-0"),
    case("a hundred ranges", _FILE, "200 audio/flac", cookie="<<cookie>>", range="bytes=" + "0-1," * 99 + "0-1"),
    case("ranges that overlap", _ZIP, "200 application/zip", cookie="<<cookie>>", range="bytes=0-99,50-60"),
    case("a range backwards", _FILE, "200 audio/flac", cookie="<<cookie>>", range="bytes=5-2"),
    case("a range of another unit", _FILE, "200 audio/flac", cookie="<<cookie>>", range="seconds=1-2"),
    case("a range of other digits", _FILE, "200 audio/flac", cookie="<<cookie>>", range="bytes=\xb2-\xb3"),
    case("a range beyond any number", _FILE, "200 audio/flac", cookie="<<cookie>>", range="bytes=0-" + "9" * 4000),
    case("two range headers", _FILE, "206 audio/flac", cookie="<<cookie>>", range=["bytes=0-0", "bytes=1-1"]),
    case("a range without a pass", _FILE, "403 problem download_not_found", range="bytes=0-0"),
    case(
        "a range under another tag", _FILE, "200 audio/flac", cookie="<<cookie>>", range="bytes=0-0", if_range='"other"'
    ),
    case(
        "a range under a weak tag",
        _FILE,
        "200 audio/flac",
        cookie="<<cookie>>",
        range="bytes=0-0",
        if_range='W/"<<tag>>"',
    ),
    case("a tag without a pass", _FILE, "403 problem download_not_found", if_none_match='"<<tag>>"'),
    case("any tag", _FILE, "304 -", cookie="<<cookie>>", if_none_match="*"),
    case("a tag of raw bytes", _FILE, "200 audio/flac", cookie="<<cookie>>", if_none_match='"\xff\x00"'),
    case(
        "a time of nonsense",
        _FILE,
        "200 audio/flac",
        cookie="<<cookie>>",
        if_modified_since="\x1b[31m",
        if_unmodified_since="x",
    ),
    case(
        "a file posted",
        "POST /downloads/<<download>>/files/<<file>>",
        "405 problem method_not_allowed",
        cookie="<<cookie>>",
    ),
)

CASES: Final = (*PATHS, *PASSES, *GRANTS, *RANGES)

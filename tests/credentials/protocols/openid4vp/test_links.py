from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.protocols.openid4vp import (
    InvalidRequestUriMethod,
    MissingClientIdPrefix,
    RequestReference,
    RequestRefused,
    SignedRedirectUri,
    UnsignedRequest,
    UnsupportedClientIdPrefix,
    build_request_link,
    parse_request_link,
)

CLIENT = "x509_san_dns:artist.localhost"
URL = "http://artist.localhost:8703/requests/abc"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_is_read_as_it_was_written(method: str) -> None:
    reference = RequestReference(client_id=CLIENT, request_uri=URL, method="post" if method == "post" else "get")
    assert parse_request_link(build_request_link(reference)) == reference


def test_a_link_fits_a_small_code() -> None:
    link = build_request_link(RequestReference(client_id=CLIENT, request_uri=f"{URL}{'x' * 20}"))
    assert len(link) < 160


@pytest.mark.parametrize(
    "prefix",
    ["openid4vp://?", "openid4vp:?", "openid4vp://authorize?", "haip://?", "haip-vp://?", "https://wallet.example/?"],
)
def test_links_of_every_known_kind_are_read(prefix: str) -> None:
    link = f" {prefix}client_id={CLIENT}&request_uri={URL}&unknown=1\n"
    assert parse_request_link(link) == RequestReference(client_id=CLIENT, request_uri=URL)


@pytest.mark.parametrize(
    ("link", "refusal", "reason"),
    [
        ("", Malformed, "empty"),
        ("openid4vp://", Malformed, "client_id"),
        (f"openid-credential-offer://?client_id={CLIENT}", Malformed, "not an https"),
        (f"openid4vp://?client_id={CLIENT}&client_id={CLIENT}", Malformed, "twice"),
        (f"openid4vp://?client_id={CLIENT}", UnsignedRequest, "nobody signed"),
        (f"openid4vp://?client_id={CLIENT}&request=eyJ&request_uri={URL}", Malformed, "both"),
        (f"openid4vp://?client_id={CLIENT}&request=eyJ&request_uri_method=post", InvalidRequestUriMethod, "beside"),
        (f"openid4vp://?client_id={CLIENT}&request_uri=http://evil.example/", Malformed, "plain http"),
        (f"openid4vp://?client_id={CLIENT}&request_uri=file:///etc/passwd", Malformed, "not an https"),
        (f"openid4vp://?client_id={CLIENT}&request_uri={URL}&request_uri_method=PUT", InvalidRequestUriMethod, "post"),
        (f"openid4vp://?client_id={CLIENT}&request_uri={URL}&request_uri_method=GET", InvalidRequestUriMethod, "post"),
        (f"openid4vp://?client_id=artist.localhost&request_uri={URL}", MissingClientIdPrefix, "no prefix"),
        (f"openid4vp://?client_id=https://artist.example&request_uri={URL}", MissingClientIdPrefix, "no prefix"),
        (f"openid4vp://?client_id=redirect_uri:https://a.example&request_uri={URL}", SignedRedirectUri, "cannot sign"),
        ("openid4vp://?client_id=redirect_uri:https://a.example&request=eyJ", SignedRedirectUri, "cannot sign"),
        ("openid4vp://?client_id=redirect_uri:x", RequestRefused, "redirect_uri:"),
        ("openid4vp://?client_id=redirect_uri:https://a.example&dcql_query=[", Malformed, "dcql_query"),
        (f"openid4vp://?client_id=x509_hash:abc&request_uri={URL}", RequestRefused, "x509_hash:"),
        (f"openid4vp://?client_id=decentralized_identifier:x&request_uri={URL}", RequestRefused, "identifier:"),
        (f"openid4vp://?client_id=did:web:127.0.0.1&request_uri={URL}", RequestRefused, "identifier:"),
        (
            f"openid4vp://?client_id=openid_federation:https://a.example&request_uri={URL}",
            UnsupportedClientIdPrefix,
            "fed",
        ),
        (f"openid4vp://?client_id=verifier_attestation:a.example&request_uri={URL}", UnsupportedClientIdPrefix, "att"),
        (f"openid4vp://?client_id=origin:https://a.example&request_uri={URL}", UnsupportedClientIdPrefix, "origin"),
        (f"openid4vp://?client_id=X509_SAN_DNS:artist.localhost&request_uri={URL}", UnsupportedClientIdPrefix, "X509"),
        (f"openid4vp://?client_id=x509_san_dns:&request_uri={URL}", RequestRefused, "x509_san_dns:"),
        (f"openid4vp://?client_id=x509_san_dns:127.0.0.1&request_uri={URL}", RequestRefused, "x509_san_dns:"),
        (
            f"openid4vp://?client_id=x509_san_dns:artist.localhost:8703&request_uri={URL}",
            RequestRefused,
            "x509_san_dns:",
        ),
        (f"openid4vp://?client_id={'x' * 1100}&request_uri={URL}", RequestRefused, "longer"),
    ],
)
def test_other_links_are_refused_with_their_reason(link: str, refusal: type[HandstampError], reason: str) -> None:
    with pytest.raises(refusal, match=reason):
        parse_request_link(link)


@given(st.text(max_size=60) | st.from_regex(r"openid4vp://\?client_id=[ -~]{0,40}", fullmatch=True))
def test_any_text_is_a_request_or_refused(text: str) -> None:
    try:
        parse_request_link(text)
    except HandstampError:
        return

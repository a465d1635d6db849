from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.protocols import urls

GOOD = [
    "https://coop.example",
    "https://coop.example:8443/a/b?c=d",
    "https://192.0.2.1/",
    "https://[2001:db8::1]:443/x",
    "http://localhost:8701",
    "http://coop.localhost:8701/offers/1",
    "http://127.0.0.1:8701",
    "http://[::1]:8701/",
    "https://xn--bcher-kva.example/%C3%A9",
]
BAD = {
    "": "empty",
    "coop.example": "not an https",
    "ftp://coop.example": "not an https",
    "javascript:alert(1)": "not an https",
    "https:/coop.example": "not an https",
    "https://": "host or port",
    "https:///path": "host or port",
    "http://coop.example": "plain http",
    "http://localhost.example": "plain http",
    "http://127.0.0.2": "plain http",
    "http://evil-localhost": "plain http",
    "https://user@coop.example": "user name",
    "https://user:pass@coop.example": "user name",
    "http://localhost:80@evil.example/": "user name",
    "https://coop.example/#x": "fragment",
    "https://coop.example/#": "fragment",
    "https://coop.example/a b": "characters",
    "https://coop.example/\n": "characters",
    "https://coop.example/\x00": "characters",
    "https://coop.example\\@evil.example": "characters",
    "https://coop.example/é": "characters",
    'https://coop.example/"': "characters",
    "https://coop.example:0": "host or port",
    "https://coop.example:65536": "host or port",
    "https://coop.example:": "host or port",
    "https://coop.example:8a": "host or port",
    "https://coop..example": "host or port",
    "https://-coop.example": "host or port",
    "https://2130706433/": "host or port",
    "https://127.1/": "host or port",
    "https://0x7f.0.0.0x1/": "host or port",
    "https://[::1": "host or port",
    "https://[fe80::1%25eth0]/": "host or port",
    "https://coop%2eexample/": "host or port",
    "https://" + "a" * 64 + ".example": "host or port",
    "https://" + "a." * 130 + "example": "host or port",
    "https://coop.example/" + "a" * 2048: "longer",
}


@pytest.mark.parametrize("url", GOOD)
def test_a_service_url_comes_back_unchanged(url: str) -> None:
    assert urls.parse_service_url(url, what="test") is url


@pytest.mark.parametrize(("url", "reason"), BAD.items())
def test_what_is_no_service_url_is_refused_with_its_reason(url: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        urls.parse_service_url(url, what="test")


@pytest.mark.parametrize("value", [None, 1, ["https://coop.example"], b"https://coop.example"])
def test_what_is_no_string_is_refused(value: object) -> None:
    for parse in (urls.parse_service_url, urls.parse_landing_url, urls.parse_issuer_url):
        with pytest.raises(Malformed, match="not a string"):
            parse(value, what="test")


@given(st.text(max_size=40) | st.from_regex(r"https?://[!-~]{0,30}", fullmatch=True))
def test_any_text_is_a_service_url_or_malformed(text: str) -> None:
    try:
        url = urls.parse_service_url(text, what="test")
    except HandstampError:
        return
    assert url == text
    assert urls.host_of(url)
    assert urls.comparable_target(url)
    assert url.lower().startswith("https://") or urls.is_loopback(url)


def test_an_issuer_has_no_query() -> None:
    assert urls.parse_issuer_url("https://coop.example/t", what="test")
    with pytest.raises(Malformed, match="no query"):
        urls.parse_issuer_url("https://coop.example/?a=b", what="test")


def test_a_landing_address_may_have_a_fragment() -> None:
    url = "https://artist.example/return#response_code=1"
    assert urls.parse_landing_url(url, what="test") == url


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://coop.example", "https://coop.example/.well-known/openid-credential-issuer"),
        ("https://coop.example/", "https://coop.example/.well-known/openid-credential-issuer"),
        ("https://coop.example/tenant", "https://coop.example/.well-known/openid-credential-issuer/tenant"),
        ("http://coop.localhost:8701", "http://coop.localhost:8701/.well-known/openid-credential-issuer"),
    ],
)
def test_a_well_known_path_goes_between_host_and_path(issuer: str, url: str) -> None:
    assert urls.build_well_known_url(issuer, "openid-credential-issuer") == url


def test_a_public_party_does_not_lead_to_this_machine() -> None:
    urls.check_leads_outward("http://tracks.localhost/", led_by="http://artist.localhost", what="test")
    urls.check_leads_outward("https://tracks.example/", led_by="http://artist.localhost", what="test")
    urls.check_leads_outward("https://192.0.2.1/", led_by="https://artist.example", what="test")


@pytest.mark.parametrize(
    "host",
    ["tracks.localhost", "localhost.", "127.0.0.1", "127.0.0.2", "[::1]", "[::]", "[::ffff:127.0.0.1]"],
)
def test_a_public_party_does_not_lead_to_this_machine_in_any_spelling(host: str) -> None:
    with pytest.raises(urls.LeadsToLoopback):
        urls.check_leads_outward(f"https://{host}/", led_by="https://artist.example", what="test")


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("https://Coop.Example/token", "https://coop.example:443/token", True),
        ("HTTPS://coop.example", "https://coop.example/", True),
        ("http://localhost:80/a", "http://LOCALHOST/a", True),
        ("https://coop.example/a?b#c", "https://coop.example/a", True),
        ("https://coop.example/%7ea", "https://coop.example/~a", True),
        ("https://coop.example/%c3%a9", "https://coop.example/%C3%A9", True),
        ("https://coop.example/a%2fb", "https://coop.example/a/b", False),
        ("https://coop.example/token", "https://coop.example/Token", False),
        ("https://coop.example/token", "https://coop.example/token/", False),
        ("https://coop.example:8443/token", "https://coop.example/token", False),
    ],
)
def test_targets_are_compared_as_dpop_says(left: str, right: str, same: bool) -> None:
    assert (urls.comparable_target(left) == urls.comparable_target(right)) is same


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("artist.localhost", True),
        ("a_b.example", True),
        ("", False),
        ("1.2.3.4", False),
        ("a:80", False),
        ("[::1]", False),
    ],
)
def test_a_host_name_is_no_number_and_has_no_port(name: str, good: bool) -> None:
    assert urls.is_dns_name(name) is good

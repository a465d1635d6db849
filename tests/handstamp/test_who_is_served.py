"""What a service's settings make of its server: who is counted, how long a connection may idle."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from handstamp.composition.serving import build_config, build_rates, set_aside_what_stays
from handstamp.settings import IssuerSettings, UnusableSettings, load_settings
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.pages import Pages
from plumbing.web.rates import Kind
from plumbing.web.slow import BoundedHttp

if TYPE_CHECKING:
    from pathlib import Path

    import uvicorn

PROXY = ("127.0.0.1/32",)


def issuer(**changed: Any) -> IssuerSettings:
    return IssuerSettings.model_validate({"base_url": "https://coop.example", **changed})


def scope(peer: str, forwarded: str) -> dict[str, Any]:
    return {"client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}


def test_what_the_start_made_is_not_looked_through_for_garbage_again() -> None:
    made = [[]]  # type: ignore[var-annotated]
    try:
        set_aside_what_stays()
        assert not any(each is made for each in gc.get_objects())
    finally:
        gc.unfreeze()
    assert any(each is made for each in gc.get_objects())


def test_a_trial_on_this_machine_has_no_rates() -> None:
    assert build_rates(IssuerSettings()) is None


def test_behind_a_proxy_each_neighbourhood_has_its_own_rates() -> None:
    rates = build_rates(issuer(trusted_proxies=PROXY, requests_per_minute=3, tries_per_minute=1))
    assert rates is not None
    first, second = scope("127.0.0.1", "198.51.100.7"), scope("127.0.0.1", "203.0.113.7")
    assert [rates.take(first, Kind.TRY) > 0 for _ in range(2)] == [False, True]
    assert [rates.take(second, None) > 0 for _ in range(4)] == [False, False, False, True]


def test_each_worker_has_its_part_of_the_rates_and_no_limit_stays_none() -> None:
    rates = build_rates(issuer(trusted_proxies=PROXY, workers=2, requests_per_minute=0, tries_per_minute=5))
    assert rates is not None
    there = scope("127.0.0.1", "198.51.100.7")
    assert [rates.take(there, Kind.TRY) > 0 for _ in range(4)] == [False, False, False, True]
    assert (rates.requests, rates.begins) == (0, 1500)


def test_a_connection_idles_for_seconds_and_behind_a_proxy_longer_than_the_proxy_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handstamp.composition.serving._IDLE_S", 5)  # other tests have it wait longer
    app = create_app(title="test", policy=WebPolicy(statuses={}), pages=Pages(tmp_path, site_name="Test"))
    alone, behind = build_config(app, issuer()), build_config(app, issuer(trusted_proxies=PROXY))
    assert (alone.timeout_keep_alive, behind.timeout_keep_alive) == (5, 75)


def test_a_server_takes_its_places_while_it_reads_and_speaks_nothing_but_http(tmp_path: Path) -> None:
    app = create_app(title="test", policy=WebPolicy(statuses={}), pages=Pages(tmp_path, site_name="Test"))
    config: uvicorn.Config = build_config(app, issuer(concurrent_requests=7, connections=20))
    protocol = config.http
    assert isinstance(protocol, type)
    assert issubclass(protocol, BoundedHttp)
    assert (protocol.bounds.connections, protocol.load) == (20, app.state.load)
    assert [app.state.load.enter("/") for _ in range(8)] == [True] * 7 + [False]
    assert (config.ws, config.proxy_headers, config.access_log) == ("none", False, False)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('["127.0.0.1/8"]', "issuer.trusted_proxies"),
        ('["proxy"]', "issuer.trusted_proxies"),
        ('["127.0.0.0.1"]', "issuer.trusted_proxies"),
        ("127.0.0.1", "HANDSTAMP_ISSUER__TRUSTED_PROXIES cannot be used: in the environment a list is written as JSON"),
    ],
)
def test_a_proxy_that_is_no_network_is_refused_with_what_to_do(
    value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDSTAMP_ISSUER__TRUSTED_PROXIES", value)
    with pytest.raises(UnusableSettings, match=said):
        load_settings()

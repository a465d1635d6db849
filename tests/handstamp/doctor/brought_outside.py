"""What can be wrong with the public address and the front."""

from __future__ import annotations

import gzip
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import trustme

from tests.handstamp.doctor.bringing import brings
from tests.handstamp.doctor.front import Exchange, context_of, leaf_of, without

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.handstamp.doctor.conftest import Place


@brings("public_unreachable")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.addresses["coop.example"] = ("127.0.0.1", 1)


@brings("public_stranger")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    def welcome(exchange: Exchange) -> bool:
        exchange.body, exchange.headers = b"<h1>Welcome to nginx!</h1>", [("Content-Type", "text/html")]
        return True

    place.front.before = welcome


@brings("port_taken")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change("issuer", port=place.street.ports["verifier"])


@brings("public_name_private")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.names["coop.example"] = ("192.168.1.20",)


@brings("public_half_reachable")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change("issuer", base_url=f"https://coop.example:{place.front.port}")
    place.names["coop.example"] = ("127.0.0.1", "::1")


def shows(kind: str, make: Callable[[Place], Any]) -> None:
    @brings(kind, "issuer")
    def _(place: Place, _: pytest.MonkeyPatch) -> None:
        place.listen(make(place))


shows(
    "tls_ended",
    lambda place: context_of(leaf_of(place.street.authority, "coop.example", not_after=place.now - timedelta(days=1))),
)
shows(
    "tls_ends_soon",
    lambda place: context_of(leaf_of(place.street.authority, "coop.example", not_after=place.now + timedelta(days=3))),
)
shows("tls_wrong_host", lambda place: context_of(leaf_of(place.street.authority, "shop.example")))
shows(
    "tls_incomplete",
    lambda place: context_of(leaf_of(place.street.authority.create_child_ca(), "coop.example"), with_chain=False),
)


def _stranger(_: Place) -> Any:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    return context_of(leaf_of(authority, "coop.example"), also=authority.cert_pem.bytes())


shows("tls_untrusted", _stranger)


def tampers(kind: str, role: str = "issuer") -> Callable[[Any], Any]:
    """Let the front do something to what passes."""

    def note(tamper: Callable[[Exchange], None]) -> Any:
        @brings(kind, role)
        def _(place: Place, _: pytest.MonkeyPatch) -> None:
            place.front.tamper = tamper

        return tamper

    return note


@tampers("clock_off")
def _(exchange: Exchange) -> None:
    without(exchange, "Date")
    exchange.headers.append(("Date", "Sat, 21 Nov 2026 03:00:00 GMT"))


@tampers("proxy_headers")
def _(exchange: Exchange) -> None:
    without(exchange, "Strict-Transport-Security")


_kept: dict[str, Exchange] = {}


@tampers("proxy_caches")
def _(exchange: Exchange) -> None:
    first = _kept.setdefault(exchange.path, exchange)
    exchange.headers, exchange.body = first.headers, first.body


@brings("proxy_limits_body")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    def refuse(exchange: Exchange) -> bool:
        too_large = len(exchange.sent) > 1000
        exchange.status = 413 if too_large else 200
        return too_large

    place.front.before = refuse


@tampers("proxy_packs")
def _(exchange: Exchange) -> None:
    exchange.body = gzip.compress(exchange.body)
    exchange.headers.append(("Content-Encoding", "gzip"))


@brings("proxy_plain_too")
def _(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = place.listen(None, "in-plain.example")
    from handstamp.doctor.web import Web  # noqa: PLC0415

    lead = Web.lead

    def by_port(web: Web, host: str, port: int) -> tuple[str, int]:
        return ("127.0.0.1", plain.port) if port == 80 else lead(web, host, port)

    monkeypatch.setattr(Web, "lead", by_port)


@tampers("proxy_tells")
def _(exchange: Exchange) -> None:
    exchange.headers.append(("Server", "nginx/1.22.1"))
    exchange.headers.append(("Location", "http://coop.example:8701/health/live"))


@brings("metrics_public")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    def show(exchange: Exchange) -> bool:
        exchange.body = b"# HELP requests How many.\nrequests_total 3\n"
        return exchange.path == "/metrics"

    place.front.before = show


@brings("proxy_holds_back")
def _(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plumbing.health.EVENTS_APART_S", 0.02)
    place.front.holds_back = True


_marks = itertools.cycle(("one", "other"))


@tampers("workers_differ")
def _(exchange: Exchange) -> None:
    if exchange.path == "/health/ready":
        exchange.body = b'{"status":"ready","checks":{},"setup":"%s"}' % next(_marks).encode()


@brings("settings_not_in_use")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change("issuer", tries_per_minute=7)


@tampers("service_not_ready")
def _(exchange: Exchange) -> None:
    if exchange.path == "/health/ready":
        exchange.status, exchange.body = 503, b'{"status":"not ready","checks":{"database":"failed"}}'


@tampers("status_unreachable")
def _(exchange: Exchange) -> None:
    if exchange.path.startswith("/statuslists"):
        exchange.status, exchange.body = 404, b""

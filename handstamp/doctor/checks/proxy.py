"""What can be wrong with the proxy in front: what it loses, keeps, refuses, packs and tells."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from credentials.encoding.strict_json import Json
from handstamp.doctor.case import Case, NotToBeSeen
from handstamp.doctor.kinds import SERVICES, Finding, Kind, error, warning

_HTTPS: Final = 443
_LIVE: Final = "/health/live"
_STRICT: Final = ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")
_BODY: Final = 200 * 1024
_OK: Final = 200
_TOO_LARGE: Final = 413


async def _strips(case: Case) -> Iterable[Finding]:
    answer = await case.public(_LIVE)
    if not answer.is_ours:
        raise NotToBeSeen
    wanted = [*_STRICT, *(["Strict-Transport-Security"] if case.url.startswith("https:") else [])]
    gone = [name for name in wanted if name not in answer.headers]
    twice = [name for name in wanted if len(answer.headers.get_list(name)) > 1]
    found = []
    if gone:
        found.append(
            warning(
                f"On the way these headers are lost, which protect whoever visits: {', '.join(gone)}.",
                where=case.url,
                do="Take proxy_hide_header and the like out of the proxy's configuration.",
            )
        )
    if twice:
        found.append(
            warning(
                f"On the way these headers are added once more: {', '.join(twice)}. Browsers then take either, or the "
                "strictest mixture.",
                where=case.url,
                do="Take add_header for them out of the proxy's configuration: the service sets them itself.",
            )
        )
    return found


async def _caches(case: Case) -> Iterable[Finding]:
    path = "/health/ready"
    first = await case.public(path)
    second = await case.web.ask("GET", case.url + path, attempt=1)
    if isinstance(second, str) or not first.is_ours or not second.is_ours:
        raise NotToBeSeen
    if first.headers["X-Request-ID"] != second.headers["X-Request-ID"]:
        return []
    return [
        error(
            "An answer that nobody may keep (Cache-Control: no-store) came twice: a cache on the way keeps it, and "
            "would "
            "show one visitor what another was told.",
            where=case.url,
            do="Switch caching off in the proxy or CDN for everything but /static, or let it obey Cache-Control.",
        )
    ]


async def _limits_body(case: Case) -> Iterable[Finding]:
    # A path that takes no POST: nothing is changed, and our own refusal is told from the proxy's.
    answer = await case.web.ask("POST", case.url + _LIVE, content=b" " * _BODY)
    if isinstance(answer, str) or answer.status != _TOO_LARGE or answer.is_ours:
        return []
    return [
        error(
            f"On the way a request of {_BODY // 1024} KiB is refused, which the service takes: wallets with many "
            "records "
            "fail.",
            where=case.url,
            do="Set client_max_body_size 1m; in the proxy.",
        )
    ]


async def _compresses(case: Case) -> Iterable[Finding]:
    answer = await case.public(_LIVE)
    encoding = answer.headers.get("Content-Encoding", "identity")
    if encoding == "identity":
        return []
    return [
        error(
            f"On the way answers are packed ({encoding}) although nobody asked for it: wallets and sites refuse them.",
            where=case.url,
            do="Let the proxy pack only for who asks (Accept-Encoding), or switch gzip off there.",
        )
    ]


async def _plain_too(case: Case) -> Iterable[Finding]:
    parts = urlsplit(case.url)
    if parts.scheme != "https" or parts.port not in {None, _HTTPS}:
        return []
    answer = await case.web.ask("GET", f"http://{case.host}{_LIVE}")
    if isinstance(answer, str) or not answer.is_ours:
        return []
    return [
        warning(
            "The service also answers in plain http: who types the address without https is read along with.",
            where=f"http://{case.host}",
            do="Let the proxy answer port 80 with a redirect to https only.",
        )
    ]


async def _leaks(case: Case) -> Iterable[Finding]:
    found = []
    answer = await case.public(_LIVE)
    server = answer.headers.get("Server", "")
    if any(letter.isdigit() for letter in server):
        found.append(
            warning(
                f"Answers name the version of what stands in front ({server[:60]}): who looks for old holes finds it.",
                where=case.url,
                do="Set server_tokens off; in nginx, or the like.",
            )
        )
    location = answer.headers.get("Location", "")
    if location.startswith("http") and not location.startswith(f"{case.url}/"):
        found.append(
            error(
                "The public address leads elsewhere, to another host, port or scheme; wallets and sites follow no "
                "redirect.",
                where=case.url,
                do="Let base_url be the address that answers by itself, and proxy_redirect off; in nginx.",
            )
        )
    return found


async def _metrics(case: Case) -> Iterable[Finding]:
    answer = await case.public("/metrics")
    if answer.status != _OK or b"# HELP" not in answer.body[:4096]:
        return []
    return [
        error(
            "Everybody may read the service's metrics: how many come, and when.",
            where=f"{case.url}/metrics",
            do="Do not let the proxy lead to the port of metrics; only your collector needs it.",
        )
    ]


async def _not_ready(case: Case) -> Iterable[Finding]:
    answer = await case.public("/health/ready")
    checks = answer.json().get("checks")
    if not answer.is_ours or answer.status == _OK or not isinstance(checks, dict):
        return []
    bad = [name for name, state in checks.items() if not _is_well(state)]
    return [
        error(
            f"The service runs and says that it is not ready: {', '.join(bad) or 'no reason given'}.",
            where=f"{case.url}/health/ready",
            do="Look at its log, and at what else is said here of the same.",
        )
    ]


def _is_well(state: Json) -> bool:
    return state in {True, "ok", "well"} if isinstance(state, bool | str) else False


KINDS: Final = (
    Kind(id="proxy_headers", title="The proxy loses or doubles headers", roles=SERVICES, ask=_strips),
    Kind(id="proxy_caches", title="A cache keeps what nobody may keep", roles=SERVICES, ask=_caches),
    Kind(id="proxy_limits_body", title="The proxy refuses larger requests", roles=SERVICES, ask=_limits_body),
    Kind(id="proxy_packs", title="The proxy packs unasked", roles=SERVICES, ask=_compresses),
    Kind(id="proxy_plain_too", title="Plain http beside https", roles=SERVICES, ask=_plain_too),
    Kind(id="proxy_tells", title="The proxy tells too much or leads elsewhere", roles=SERVICES, ask=_leaks),
    Kind(id="metrics_public", title="Metrics in public", roles=SERVICES, ask=_metrics),
    Kind(id="service_not_ready", title="Service runs and is not ready", roles=SERVICES, ask=_not_ready),
)

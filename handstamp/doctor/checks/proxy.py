"""What can be wrong with the proxy in front: what it loses, keeps, refuses, packs and tells."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from credentials.encoding.strict_json import Json
from handstamp.composition.setup_mark import SETUP_KEY, setup_mark
from handstamp.doctor.case import Case, NotToBeSeen
from handstamp.doctor.kinds import ISSUER, SERVICES, VERIFIER, Finding, Kind, error, warning
from plumbing.health import EVENTS, EVENTS_APART_S, READY

if TYPE_CHECKING:
    from handstamp.settings import Role

_HTTPS: Final = 443
_LIVE: Final = "/health/live"
_LOOKS: Final = 3
_WORKERS_ASKED: Final = 8
_ATTEMPTS_FOR_WORKERS: Final = 100
_SEVERAL: Final = 2
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
            "would show one visitor what another was told.",
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
            "records fail.",
            where=case.url,
            do="Set client_max_body_size 1m; in the proxy.",
        )
    ]


async def _holds_back(case: Case) -> Iterable[Finding]:
    for _ in range(_LOOKS):  # a machine that stood still for a moment looks like a proxy that holds back, once
        apart = await case.web.trickle(f"{case.url}{EVENTS}")
        if apart is None:
            raise NotToBeSeen
        if apart > EVENTS_APART_S / 2:
            return []
    return [
        error(
            "On the way events are held back until the last: pages that wait for news never hear of any.",
            where=case.url,
            do="Set proxy_buffering off; in nginx, or let it obey the header X-Accel-Buffering, which the service "
            "sends.",
        )
    ]


async def _workers(case: Case) -> Iterable[Finding]:
    marks = []
    for attempt in range(_WORKERS_ASKED):
        answer = await case.web.ask("GET", case.url + READY, attempt=_ATTEMPTS_FOR_WORKERS + attempt)
        if not isinstance(answer, str) and answer.json().get("setup"):
            marks.append(str(answer.json()["setup"]))
    if len(set(marks)) < _SEVERAL:
        return []
    return [
        error(
            f"Of {len(marks)} answers, {len(set(marks))} kinds came from workers that differ in version, settings or "
            "key folder: what one hands out another may refuse.",
            where=f"{case.url}{READY}",
            do="Start every worker again, with the same installation, settings and keys.",
        )
    ]


async def _other_settings(case: Case) -> Iterable[Finding]:
    said = (await case.public(READY)).json().get("setup")
    if not said or not (case.folder / "keys" / f"{SETUP_KEY}.secret").is_file():
        raise NotToBeSeen
    if said == setup_mark(cast("Role", case.role), case.settings, case.keys):
        return []
    return [
        warning(
            "The service that runs began with other settings, or is of another version, than what this command reads.",
            where=f"{case.url}{READY}",
            do="Start the service again if you changed its settings or installed anew; else give this command the "
            "service's own HANDSTAMP_CONFIG and variables.",
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
    Kind(id="proxy_holds_back", title="The proxy holds events back", roles=(*ISSUER, *VERIFIER), ask=_holds_back),
    Kind(id="workers_differ", title="Workers that differ", roles=SERVICES, ask=_workers),
    Kind(id="settings_not_in_use", title="Settings not in use yet", roles=SERVICES, ask=_other_settings),
    Kind(id="proxy_headers", title="The proxy loses or doubles headers", roles=SERVICES, ask=_strips),
    Kind(id="proxy_caches", title="A cache keeps what nobody may keep", roles=SERVICES, ask=_caches),
    Kind(id="proxy_limits_body", title="The proxy refuses larger requests", roles=SERVICES, ask=_limits_body),
    Kind(id="proxy_packs", title="The proxy packs unasked", roles=SERVICES, ask=_compresses),
    Kind(id="proxy_plain_too", title="Plain http beside https", roles=SERVICES, ask=_plain_too),
    Kind(id="proxy_tells", title="The proxy tells too much or leads elsewhere", roles=SERVICES, ask=_leaks),
    Kind(id="metrics_public", title="Metrics in public", roles=SERVICES, ask=_metrics),
    Kind(id="service_not_ready", title="Service runs and is not ready", roles=SERVICES, ask=_not_ready),
)

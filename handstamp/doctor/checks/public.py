"""What can be wrong with the public address: the way there, who answers, its certificate, its clock."""

import asyncio
import socket
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from datetime import timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from handstamp.composition.verifier import GRANT_KEY
from handstamp.doctor.case import Case, NotToBeSeen
from handstamp.doctor.kinds import SERVICES, Finding, Kind, error, warning
from handstamp.doctor.web import Answer, Certificate
from trackserver.errors import ReleaseNotFound

_HTTPS: Final = 443
_HTTP: Final = 80
_SEVERAL: Final = 2
_SOON: Final = timedelta(days=14)
_OFF: Final = timedelta(seconds=60)
_ENDED, _NOT_BEGUN, _WRONG_HOST = 10, 9, 62
_UNKNOWN_ISSUER: Final = frozenset({2, 20, 21})
_LIVE: Final = "/health/live"
_METADATA: Final = "/.well-known/openid-credential-issuer"
_JWKS: Final = "/.well-known/jwks.json"
_STRICT: Final = ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")
_BODY: Final = 200 * 1024
_OK: Final = 200
_TOO_LARGE: Final = 413


async def _unreachable(case: Case) -> Iterable[Finding]:
    answer = await case.web.ask("GET", case.url + _LIVE)
    if not isinstance(answer, str):
        return []
    shown = await _certificate(case) if case.url.startswith("https:") else None
    if shown is not None and shown.trouble:
        return []  # a kind of its own says what is wrong with the certificate
    return [
        error(
            f"Nobody answers at the public address: {answer}.",
            where=case.url,
            do="Start the service, and look at the name's DNS entry, the firewall and the proxy in front.",
        )
    ]


async def _stranger(case: Case) -> Iterable[Finding]:
    if await _is_us(case, case.url):
        return []
    return [
        error(
            f"Something else answers at the public address of the {case.role}.",
            where=case.url,
            do=f"Let the proxy lead {case.host} to {case.service.bind_host}:{case.service.port}, or correct base_url.",
        )
    ]


async def _is_us(case: Case, base: str) -> bool:
    """Tell whether what answers is this very service, by what only it says.

    Raises:
        NotToBeSeen: nobody answers.
    """
    if case.role == "issuer":
        return (await case.other(base + _METADATA)).json().get("credential_issuer") == case.url
    if case.role == "verifier":
        return _has_key(await case.other(base + _JWKS), _grant_key(case))
    # Nobody else knows what a release is.
    return (await case.other(f"{base}/releases/none")).json().get("code") == ReleaseNotFound.code


def _grant_key(case: Case) -> str:
    if not any((case.folder / "keys").glob(f"{GRANT_KEY}*.pem")):
        raise NotToBeSeen
    return case.keys.signer(GRANT_KEY).public_key.thumbprint


def _has_key(answer: Answer, thumbprint: str) -> bool:
    keys = answer.json().get("keys")
    return isinstance(keys, list) and any(isinstance(each, Mapping) and each.get("kid") == thumbprint for each in keys)


async def _port_taken(case: Case) -> Iterable[Finding]:
    host, port = case.service.bind_host, case.service.port
    reached = "127.0.0.1" if is_any_address(host) else host
    if not port or not _listens(reached, port):
        return []
    with suppress(NotToBeSeen):
        if await _is_us(case, f"http://{f'[{reached}]' if ':' in reached else reached}:{port}"):
            return []
    return [
        error(
            f"Another program listens on {host}:{port}; the {case.role} cannot start there.",
            where=f"{case.setting}port",
            do="Stop that program, or set another port and tell the proxy.",
        )
    ]


def is_any_address(host: str) -> bool:
    """Tell whether a bind address stands for every address of the machine."""
    with suppress(ValueError):
        return ip_address(host).is_unspecified
    return False


def _listens(host: str, port: int) -> bool:
    with suppress(OSError), closing(socket.create_connection((host, port), timeout=1)):
        return True
    return False


async def _private_name(case: Case) -> Iterable[Finding]:
    if not case.is_public or case.service.private_network:
        return []
    private = [found for found in await case.web.addresses_of(case.host) if not ip_address(found).is_global]
    return [
        error(
            f"{case.host} leads to {', '.join(private)} from here, which nobody outside reaches; sites and wallets "
            "refuse "
            "to go to such an address.",
            where=f"{case.setting}base_url",
            do="Correct the DNS entry. If only this machine sees it so (/etc/hosts, a split DNS), nothing; in a "
            "co-op's own "
            "network, set private_network = true.",
        )
    ][: len(private)]


async def _half_reachable(case: Case) -> Iterable[Finding]:
    parts = urlsplit(case.url)
    port = parts.port or (_HTTPS if parts.scheme == "https" else _HTTP)
    addresses = await case.web.addresses_of(case.host)
    if len(addresses) < _SEVERAL:
        return []
    answered = await asyncio.gather(*(case.web.reaches(each, port) for each in addresses))
    silent = [address for address, answers in zip(addresses, answered, strict=True) if not answers]
    if not silent or len(silent) == len(addresses):  # of nobody at all, another kind tells
        return []
    return [
        warning(
            f"{case.host} has {len(addresses)} addresses, and at {', '.join(silent)} nobody answers, as seen from "
            "here: some visitors wait long, or never come in.",
            where=case.url,
            do="Let the proxy listen on all of them (in nginx: listen [::]:443 ssl;), or take them out of the DNS. If "
            "this machine only lacks that way itself, nothing.",
        )
    ]


async def _certificate(case: Case) -> Certificate:
    parts = urlsplit(case.url)
    if parts.scheme != "https":
        raise NotToBeSeen
    return await case.web.certificate(case.host, parts.port or _HTTPS)


async def _tls_ended(case: Case) -> Iterable[Finding]:
    shown = await _certificate(case)
    if shown.leaf is None:
        return []
    ends, begins = shown.leaf.not_valid_after_utc, shown.leaf.not_valid_before_utc
    if shown.trouble in {_ENDED, _NOT_BEGUN} or not begins <= case.now <= ends:
        return [
            error(
                f"The certificate of the public address counts from {begins:%d %B %Y} to {ends:%d %B %Y} only: no "
                "browser "
                "and no wallet comes in.",
                where=case.url,
                do="Renew it and reload the proxy; look why it was not renewed by itself.",
            )
        ]
    return []


async def _tls_ends_soon(case: Case) -> Iterable[Finding]:
    shown = await _certificate(case)
    left = shown.leaf.not_valid_after_utc - case.now if shown.leaf else None
    if left is None or not timedelta(0) <= left < _SOON:
        return []
    return [
        warning(
            f"The certificate of the public address ends in {left.days} days.",
            where=case.url,
            do="Look why it was not renewed by itself (certbot renew --dry-run), and whether the proxy was reloaded.",
        )
    ]


async def _tls_wrong_host(case: Case) -> Iterable[Finding]:
    if (await _certificate(case)).trouble != _WRONG_HOST:
        return []
    return [
        error(
            f"The certificate that is shown for {case.host} is another host's.",
            where=case.url,
            do=f"Let the proxy show a certificate that names {case.host} (server_name and ssl_certificate belong "
            "together).",
        )
    ]


async def _tls_incomplete(case: Case) -> Iterable[Finding]:
    shown = await _certificate(case)
    if shown.trouble not in _UNKNOWN_ISSUER or shown.sent > 1 or shown.leaf is None:
        return []
    return [
        error(
            f"The server shows its own certificate alone, without that of who signed it ({_issuer(shown)}). Browsers "
            "may "
            "find it by themselves; wallets and sites do not.",
            where=case.url,
            do="Give the proxy the whole chain (fullchain.pem). If the authority is your own, name it in "
            "SSL_CERT_FILE for "
            "every service.",
        )
    ]


async def _tls_untrusted(case: Case) -> Iterable[Finding]:
    shown = await _certificate(case)
    known = {0, _ENDED, _NOT_BEGUN, _WRONG_HOST}
    if not shown.trouble or shown.trouble in known or shown.leaf is None:
        return []
    if shown.trouble in _UNKNOWN_ISSUER and shown.sent <= 1:
        return []
    return [
        error(
            f"The certificate of the public address is not believed: {shown.words} ({_issuer(shown)}).",
            where=case.url,
            do="Take one of a public authority. If the authority is your own, name it in SSL_CERT_FILE for every "
            "service, and "
            "pin it in wallets.",
        )
    ]


def _issuer(shown: Certificate) -> str:
    return shown.leaf.issuer.rfc4514_string()[:120] if shown.leaf else ""


async def _clock_off(case: Case) -> Iterable[Finding]:
    answers = []
    for url in (case.url + _LIVE, *await trusted_parties(case)):
        with suppress(NotToBeSeen):
            answers.append((url, await case.other(url)))
    off = []
    for url, answer in answers:
        said = answer.says_date
        if said is not None and not answer.asked_at - _OFF <= said <= answer.answered_at + _OFF:
            seconds = round((answer.answered_at - said).total_seconds())
            word = "ahead of" if seconds > 0 else "behind"
            off.append(f"{abs(seconds)} seconds {word} {urlsplit(url).netloc}")
    if not off:
        return []
    return [
        error(
            f"This machine's clock is {', '.join(off)}: proofs and grants are refused as too old or not yet good.",
            where="the system's clock",
            do="Set the clock and keep it right: `timedatectl set-ntp true`, or chrony.",
        )
    ]


async def trusted_parties(case: Case) -> list[str]:
    """Return addresses of parties whose clock can be compared: co-ops of a site, the trackserver of a co-op."""
    queries = {"verifier": "SELECT issuer FROM trusted_issuers", "issuer": "SELECT source_url FROM release"}
    try:
        found = case.rows(queries[case.role]) if case.role in queries else []
    except NotToBeSeen:
        return []
    origins = {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}{_LIVE}" for (url,) in found if url.startswith("http")}
    return sorted(origins)[:3]


KINDS: Final = (
    Kind(id="port_taken", title="Port in use by another program", roles=SERVICES, ask=_port_taken),
    Kind(id="public_unreachable", title="Public address unreachable", roles=SERVICES, ask=_unreachable),
    Kind(id="public_stranger", title="Another service at the public address", roles=SERVICES, ask=_stranger),
    Kind(id="public_name_private", title="Public name leads to a private address", roles=SERVICES, ask=_private_name),
    Kind(id="public_half_reachable", title="Not all addresses answer", roles=SERVICES, ask=_half_reachable),
    Kind(id="tls_ended", title="TLS certificate expired or not begun", roles=SERVICES, ask=_tls_ended),
    Kind(id="tls_ends_soon", title="TLS certificate ends soon", roles=SERVICES, ask=_tls_ends_soon),
    Kind(id="tls_wrong_host", title="TLS certificate of another host", roles=SERVICES, ask=_tls_wrong_host),
    Kind(id="tls_incomplete", title="TLS chain incomplete", roles=SERVICES, ask=_tls_incomplete),
    Kind(id="tls_untrusted", title="TLS authority unknown", roles=SERVICES, ask=_tls_untrusted),
    Kind(id="clock_off", title="Clock differs from others'", roles=SERVICES, ask=_clock_off),
)

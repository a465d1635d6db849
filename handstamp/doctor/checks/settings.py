"""What can be wrong with the settings, each by itself and all together."""

import difflib
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from credentials.errors import HandstampError
from credentials.keys.attesters import check_authority
from credentials.protocols.urls import host_of
from handstamp.backup.databases import SECRET
from handstamp.doctor.case import Case
from handstamp.doctor.kinds import ISSUER, MACHINE, SERVICES, SETTINGS, Finding, Kind, error, note, warning
from handstamp.settings import Settings, load_settings, say_what_is_wrong, settings_file
from plumbing.fetch import is_loopback

_UNKNOWN: Final = "extra_forbidden"
# A group may read it: that of the service, where root wrote the file.
_OTHERS: Final = 0o027
_WIDE_V4: Final = 8
_WIDE_V6: Final = 16


def _unknown(_: Case) -> Iterator[Finding]:
    for where in _wrong_names():
        near = difflib.get_close_matches(_last_part(where), _all_names(), n=1)
        yield error(
            "There is no such setting." + (f" Is {near[0]} meant?" if near else ""),
            where=where,
            do="Correct its name or take it out; no service starts before.",
        )


def _last_part(where: str) -> str:
    """Return the part of a setting's name that nothing reads: of a variable the first, of the file's names the last."""
    if where.upper().startswith("HANDSTAMP_"):
        return where.lower().removeprefix("handstamp_").partition("__")[0]
    return where.rpartition(".")[2].lower()


def _unusable(_: Case) -> Iterator[Finding]:
    if "HANDSTAMP_CONFIG" in os.environ and not settings_file().is_file():
        yield error(
            f"There is no file {settings_file()}.",
            where="HANDSTAMP_CONFIG",
            do="Name the file of settings, or take the variable out.",
        )
    wrong = list(dict.fromkeys(_wrong_values()))  # what is no network of IPv4 is none of IPv6, either
    for where, reason in wrong:
        yield error(f"It cannot be used: {reason}.", where=where, do="Correct it; no service starts before.")
    if not wrong and not any(_wrong_names()):
        try:
            load_settings()
        except HandstampError as refused:
            yield error(refused.detail, where="the settings", do="Correct it; no service starts before.")


def _validated() -> ValidationError | None:
    try:
        Settings()
    except ValidationError as refused:
        return refused
    except (ValueError, OSError):
        return None  # the file is no TOML: `load_settings` says so
    return None


def _wrong_names() -> Iterator[str]:
    refused = _validated()
    for each in refused.errors() if refused else ():
        if each["type"] == _UNKNOWN:
            yield ".".join(map(str, each["loc"]))
    for name in sorted(os.environ):
        first = name.lower().removeprefix("handstamp_").partition("__")[0]
        if name.upper().startswith("HANDSTAMP_") and first not in Settings.model_fields:
            yield name


def _wrong_values() -> Iterator[tuple[str, str]]:
    refused = _validated()
    for each in refused.errors(include_input=False) if refused else ():
        if each["type"] != _UNKNOWN:
            yield say_what_is_wrong(each)


def _all_names() -> list[str]:
    names = list(Settings.model_fields)
    for field in Settings.model_fields.values():
        names += getattr(field.annotation, "model_fields", {})
    return names


def _file_readable(case: Case) -> Iterable[Finding]:
    file = settings_file()
    if os.name != "posix" or not file.is_file() or not stat.S_IMODE(file.stat().st_mode) & _OTHERS:
        return
    held = [role for role in case.roles if _has_password(case, role)]
    in_file = [role for role in held if f"HANDSTAMP_{role.upper()}__DATABASE_URL" not in case.environment]
    if in_file:
        yield error(
            f"It holds the database password of {', '.join(in_file)}, and others on this machine may read it.",
            where=file.absolute(),
            do=f"Run: chmod 600 '{file.absolute()}'. Better: keep the password in ~/.pgpass, or use the server's own "
            "socket.",
        )


def _has_password(case: Case, role: str) -> bool:
    url = getattr(case.settings, role).database_url
    try:
        parsed = make_url(url or "")
        return parsed.password is not None or bool({"password", *SECRET} & set(parsed.query))
    except (ArgumentError, ValueError):
        return False


def _shared(case: Case) -> Iterator[Finding]:
    places: dict[str, list[str]] = defaultdict(list)
    for role in case.roles:
        url = make_url(case.settings.database_url(role))
        file = url.get_backend_name() == "sqlite"
        # Without user and password: one database is one, whoever enters.
        key = str(Path(str(url.database)).absolute()) if file else f"{url.host}:{url.port}/{url.database}?{url.query}"
        places[key].append(role)
    for where, roles in places.items():
        if len(roles) > 1:
            yield error(
                f"{' and '.join(roles)} share one database. They are different parties: neither may read the other's "
                "rows.",
                where=where if where.startswith("/") else ", ".join(f"{role}.database_url" for role in roles),
                do="Give each a database of its own.",
            )


def _same_host(case: Case) -> Iterator[Finding]:
    hosts: dict[str, list[str]] = defaultdict(list)
    for role in case.roles:
        hosts[getattr(case.settings, role).base_url].append(role)
    for url, roles in hosts.items():
        if len(roles) > 1:
            yield error(
                f"{' and '.join(roles)} have one public address: browsers would show each the other's cookies.",
                where=", ".join(f"{role}.base_url" for role in roles),
                do=f"Give each a host of its own in place of {url}.",
            )


def _ports_shared(case: Case) -> Iterator[Finding]:
    ports: dict[int, list[str]] = defaultdict(list)
    for role in case.roles:
        service = getattr(case.settings, role)
        for name in ("port", "metrics_port"):
            if getattr(service, name):
                ports[getattr(service, name)].append(f"{role}.{name}")
    for port, names in ports.items():
        if len(names) > 1:
            yield error(
                f"{' and '.join(names)} are both {port}: whoever starts second does not.",
                where=", ".join(names),
                do="Give each a port of its own.",
            )


def _folder_relative(case: Case) -> Iterable[Finding]:
    folder = case.settings.data_dir
    if not folder.is_absolute():
        yield warning(
            f"The data folder is {folder} below wherever a command is started: from elsewhere it finds nothing, and "
            "makes new keys.",
            where="data_dir",
            do=f"Name it whole: data_dir = '{folder.absolute()}'.",
        )


def _log_level(case: Case) -> Iterable[Finding]:
    if case.settings.log_level == "debug" and not all(
        is_loopback(host_of(getattr(case.settings, role).base_url)) for role in case.roles
    ):
        yield warning(
            "Much is logged that only helps while something is looked for.",
            where="log_level",
            do='Set log_level = "info".',
        )


def _plain(case: Case) -> Iterable[Finding]:
    if case.is_public and case.url.startswith("http:"):
        yield error(
            "The public address is plain http: whoever is on the way reads and changes everything, and no wallet goes "
            "there.",
            where=f"{case.setting}base_url",
            do=f"Put TLS in front and set it to https://{case.host}.",
        )


def _private_address(case: Case) -> Iterable[Finding]:
    try:
        address = ip_address(case.host)
    except ValueError:
        return
    if case.is_public:
        yield error(
            f"The public address names {'a private' if address.is_private else 'a'} network address and no host: no "
            "certificate that wallets accept is made for one.",
            where=f"{case.setting}base_url",
            do="Name the host under which everybody reaches it, as https://coop.example.",
        )


def _bound(case: Case) -> Iterable[Finding]:
    host = case.service.bind_host
    if not is_loopback(host):
        yield warning(
            f"It listens on {host} in plain http, beside whatever speaks TLS for it: who is on that network reads "
            "along.",
            where=f"{case.setting}bind_host",
            do="Set it to 127.0.0.1 and let the proxy on this machine speak TLS, or see that only the proxy reaches "
            "it.",
        )


def _proxies_unset(case: Case) -> Iterable[Finding]:
    limited = case.service.requests_per_minute or case.service.tries_per_minute
    if case.url.startswith("https:") and limited and not case.service.trusted_proxies:
        yield warning(
            "A proxy speaks TLS for it, and whom the proxy speaks for is not believed: everybody comes from the "
            "proxy's "
            "address, so limits hold for nobody, or for all together.",
            where=f"{case.setting}trusted_proxies",
            do='Name the proxy: trusted_proxies = ["127.0.0.1/32"], and let it set X-Forwarded-For.',
        )


def _proxies_wild(case: Case) -> Iterator[Finding]:
    for network in case.service.trusted_proxies:
        narrow = _WIDE_V4 if network.version == ip_address("127.0.0.1").version else _WIDE_V6
        if network.prefixlen < narrow:
            yield error(
                f"{network} is believed about where requests come from: whoever writes X-Forwarded-For is never "
                "limited.",
                where=f"{case.setting}trusted_proxies",
                do="Name only the addresses of your own proxies.",
            )


def _rates(case: Case) -> Iterator[Finding]:
    if case.is_public:
        for name in ("requests_per_minute", "tries_per_minute", "begins_per_minute", "concurrent_requests"):
            if getattr(case.service, name, 1) == 0:
                yield warning(
                    "This limit is off: one neighbour can keep the service from all others, or guess as fast as it "
                    "likes.",
                    where=f"{case.setting}{name}",
                    do="Take the setting out; its default is ample.",
                )


def _metrics(case: Case) -> Iterable[Finding]:
    service = case.service
    if service.metrics_port is not None and not is_loopback(service.metrics_host):
        yield warning(
            f"Metrics are shown on {service.metrics_host} to whoever reaches that network: how many come, and when.",
            where=f"{case.setting}metrics_host",
            do="Set it to 127.0.0.1, or see that only your collector reaches it.",
        )


def _tracing(case: Case) -> Iterable[Finding]:
    if case.settings.tracing_endpoint and not case.machine.has_module("opentelemetry"):
        yield error(
            "Traces are wanted, and the libraries for them are not installed; no service starts.",
            where="tracing_endpoint",
            do="Run: pip install 'handstamp[tracing]', or take the setting out.",
        )


def _attesters(case: Case) -> Iterator[Finding]:
    for path in case.settings.issuer.wallet_providers:
        try:
            check_authority(path.read_bytes())
        except (OSError, HandstampError):
            yield error(
                "The authority that vouches for wallets cannot be read, so the co-op does not start.",
                where=path,
                do="Put the authority's certificates there, in PEM, or take it out of issuer.wallet_providers.",
            )


def _haip(case: Case) -> Iterable[Finding]:
    if case.settings.issuer.haip:
        yield note(
            "Only wallets that an authority vouches for are served; Handstamp's own is none of them.",
            where="issuer.haip",
            do="Leave it if that is meant; else set haip = false.",
        )


KINDS: Final = (
    Kind(id="setting_unknown", title="Unknown setting", roles=(MACHINE,), look=_unknown),
    Kind(id="setting_unusable", title="Unusable setting", roles=(MACHINE,), look=_unusable),
    Kind(
        id="settings_readable",
        title="Settings with a password, readable by others",
        roles=(SETTINGS,),
        look=_file_readable,
    ),
    Kind(id="database_shared", title="Two roles in one database", roles=(SETTINGS,), look=_shared),
    Kind(id="address_shared", title="Two roles at one address", roles=(SETTINGS,), look=_same_host),
    Kind(id="ports_shared", title="One port for two", roles=(SETTINGS,), look=_ports_shared),
    Kind(id="folder_relative", title="Data folder not named whole", roles=(SETTINGS,), look=_folder_relative),
    Kind(id="log_debug", title="Debug log in public", roles=(SETTINGS,), look=_log_level),
    Kind(id="address_plain", title="Plain http in public", roles=SERVICES, look=_plain),
    Kind(id="address_numeric", title="Public address without a host", roles=SERVICES, look=_private_address),
    Kind(id="bound_openly", title="Listens openly without TLS", roles=SERVICES, look=_bound),
    Kind(id="proxies_untrusted", title="The proxy is not named", roles=SERVICES, look=_proxies_unset),
    Kind(id="proxies_wild", title="Everybody is taken for the proxy", roles=SERVICES, look=_proxies_wild),
    Kind(id="limits_off", title="Limits are off", roles=SERVICES, look=_rates),
    Kind(id="metrics_open", title="Metrics on an open network", roles=SERVICES, look=_metrics),
    Kind(id="tracing_missing", title="The extra for tracing is missing", roles=(SETTINGS,), look=_tracing),
    Kind(id="attesters_unreadable", title="Wallets' authorities unreadable", roles=ISSUER, look=_attesters),
    Kind(id="haip_shuts_out", title="HAIP shuts out most wallets", roles=ISSUER, look=_haip),
)

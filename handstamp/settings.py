"""Every setting of every role, in one typed place.

None is needed: the defaults run the demo's addresses on this machine. A setting comes from the environment
(`HANDSTAMP_ISSUER__NAME`), from a TOML file (`handstamp.toml` in the working folder, or the file that
`HANDSTAMP_CONFIG` names), or from its default; the first of these wins.
"""

import importlib
import itertools
import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal, Self, get_origin

from platformdirs import user_data_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)
from typing_extensions import override

from credentials.errors import Malformed, OperatorError
from credentials.protocols.openid4vp import Prefix
from credentials.protocols.urls import parse_service_url
from credentials.status import StatusPolicy
from plumbing.fetch import Reach

_SLASHES_OF_AN_ORIGIN: Final = 2
_NO_NETWORK: Final = "an address of a network is written as 127.0.0.1/32, 10.0.0.0/8 or ::1/128, with nothing behind it"
_REASONS: Final = {
    "extra_forbidden": "there is no such setting",
    "model_type": "it is a table, whose settings stand below its name in brackets",
    "tuple_type": 'a list is written as ["one", "another"]',
    "ip_v4_network": _NO_NETWORK,
    "ip_v6_network": _NO_NETWORK,
    "path_type": "it is no path",
    "string_type": "it is no text",
    "int_type": "it is no whole number",
    "int_parsing": "it is no whole number",
    "int_from_float": "it is no whole number",
    "bool_type": "it is neither true nor false",
    "bool_parsing": "it is neither true nor false",
}
"""Our words for what the library says in its own."""


class UnusableSettings(OperatorError):
    """A setting has a value that cannot be used."""

    code = "unusable_settings"

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"The setting {where} cannot be used: {reason}.")


def _service_url(value: str) -> str:
    try:
        url = parse_service_url(value, what="public address").rstrip("/")
    except Malformed as error:
        raise ValueError(error.reason) from error
    # Well-known documents, did:web and the addresses of releases all stand at the root of a host.
    if url.count("/") > _SLASHES_OF_AN_ORIGIN or "?" in url:
        raise ValueError("it has a path; a service needs a host of its own, as https://coop.example")
    return url


def _database_url(value: str) -> str:
    # Loaded only where somebody set one, so that no command of a wallet waits for the database's library.
    importlib.import_module("plumbing.database_engine").parse_database_url(value)
    return value


Role = Literal["issuer", "verifier", "trackserver"]
Rate = Annotated[int, Field(ge=0, le=10_000_000)]
Port = Annotated[int, Field(ge=0, le=65535)]
Name = Annotated[str, Field(min_length=1, max_length=80)]
ServiceUrl = Annotated[str, AfterValidator(_service_url)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]


class ServiceSettings(BaseModel):
    """What each service has."""

    # No value is repeated in an error: an address of a database may hold a password.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Name = Field(description="The name that people see on pages.")
    base_url: ServiceUrl = Field(description="The public address, without a slash at its end.")
    bind_host: str = Field(default="127.0.0.1", description="The network address to listen on.")
    port: Port = Field(description="The port to listen on.")
    database_url: DatabaseUrl | None = Field(
        default=None,
        repr=False,  # a password may be in it
        description="sqlite:///PATH, or postgresql://USER@HOST/DATABASE; without it, an SQLite file in the role's "
        "folder. A password is better in ~/.pgpass, or not needed at all through the server's own socket "
        "(postgresql:///DATABASE?host=/run/postgresql).",
    )
    database_pool: int = Field(
        default=5, ge=1, le=100, description="How many connections to a PostgreSQL server each process keeps at most."
    )
    private_network: bool = Field(
        default=False, description="Whether it may also ask parties at private addresses, as in a co-op's own network."
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description="The proxies in front, as networks (127.0.0.1/32), that say in X-Forwarded-For from where a "
        "request came; without them, whoever connects is taken for who asks, and this machine is never limited.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="How many workers of this role run beside each other; each answers its part of the three rates "
        "below.",
    )
    requests_per_minute: Rate = Field(
        default=6000,
        description="How many requests all workers together answer an IPv4 /24 or IPv6 /56 a minute; 0 for any.",
    )
    tries_per_minute: Rate = Field(
        default=600, description="Of these, how many with a log-in, PIN, code or door key; 0 for any."
    )
    begins_per_minute: Rate = Field(
        default=3000, description="Of these, how many that begin a visit, a nonce or a pushed request; 0 for any."
    )
    concurrent_requests: int = Field(
        default=128,
        ge=0,
        le=10_000,
        description="How many requests may wait in each worker; who comes beyond that is told at once to come back. 0 "
        "for any.",
    )
    metrics_port: Port | None = Field(
        default=None,
        description="The port that shows metrics to Prometheus; each worker needs one of its own. Without it, none.",
    )
    metrics_host: str = Field(
        default="127.0.0.1",
        description="The network address of metrics. They are for who runs the service, never for the public.",
    )
    connections: int = Field(default=2000, ge=10, le=100_000, description="How many connections a worker keeps open.")

    @property
    def reach(self) -> Reach:
        """How far its outgoing requests may go: what is on this machine stays there, whatever is allowed."""
        own = Reach.of(self.base_url)
        return Reach.PRIVATE if self.private_network and own is Reach.PUBLIC else own


class IssuerSettings(ServiceSettings):
    """The co-op."""

    name: Name = "Sound Commons Co-op"
    base_url: ServiceUrl = "http://coop.localhost:8701"
    port: Port = 8701
    haip: bool = Field(
        default=False,
        description="Whether wallets must bring what HAIP 1.0 demands: DPoP, an attestation of the wallet and of its "
        "keys. It shuts out wallets that nobody vouches for, Handstamp's own among them.",
    )
    wallet_providers: tuple[Path, ...] = Field(
        default=(), description="PEM files of the authorities that certify who may vouch for wallets and their keys."
    )

    @model_validator(mode="after")
    def _somebody_vouches(self) -> Self:
        if self.haip and not self.wallet_providers:
            raise ValueError("haip needs wallet_providers, else no wallet at all could get anything")
        return self

    status_batch_minutes: int = Field(
        default=10,
        ge=1,
        le=1440,
        description="How often it goes out what was taken back: longer hides better who it was, shorter is sooner.",
    )
    status_ttl_seconds: int = Field(
        default=300, ge=60, le=86_400, description="How long sites may rely on a list of what was taken back."
    )
    status_lists_per_month: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="How many status lists, of 131072 entries each, are made for a month; every instance takes one.",
    )


class TrackserverSettings(ServiceSettings):
    """The trackserver."""

    name: Name = "Sound Commons trackserver"
    base_url: ServiceUrl = "http://tracks.localhost:8702"
    port: Port = 8702


class VerifierSettings(ServiceSettings):
    """The site that runs gates."""

    name: Name = "The Long Way Home"
    base_url: ServiceUrl = "http://artist.localhost:8703"
    port: Port = 8703
    site: str = Field(
        default="main", description="Short name of the site whose gates this verifier serves.", max_length=40
    )
    status_policy: StatusPolicy = Field(
        default=StatusPolicy.REFUSE,
        description="What gates do while a co-op's list of what it took back cannot be had: refuse, or admit.",
    )
    client_id_prefix: Prefix = Field(
        default=Prefix.X509_SAN_DNS,
        description="How wallets prove who asks: x509_san_dns, x509_hash, decentralized_identifier (a did:web), or "
        "redirect_uri (no proof; only on this machine).",
    )
    request_uri_post: bool = Field(
        default=False, description="Whether wallets are invited to fetch requests by POST, with a nonce of their own."
    )
    encrypted_answers: bool = Field(
        default=False, description="Whether wallets must encrypt their answers (direct_post.jwt)."
    )


class WalletSettings(BaseModel):
    """The listener's wallet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path | None = Field(
        default=None, description="The wallet file; without it, wallet.handstamp in the data folder."
    )
    passphrase_file: Path | None = Field(
        default=None,
        description="A file (mode 0600) that holds the passphrase, for scripts; without it, you are asked.",
    )


class Settings(BaseSettings):
    """All settings. Unknown names are refused, so that a typing error is not silently ignored."""

    model_config = SettingsConfigDict(
        env_prefix="HANDSTAMP_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    config: Path | None = Field(default=None, description="The TOML file; only from the environment.")
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("handstamp", appauthor=False),
        description="Folder of databases, keys and the wallet, readable by its owner only.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="How much is logged.")
    tracing_endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        description="Where a collector takes OpenTelemetry's traces over HTTP (http://127.0.0.1:4318/v1/traces). It "
        "needs the extra handstamp[tracing]; without it, none are made.",
    )
    issuer: IssuerSettings = Field(default_factory=IssuerSettings)
    trackserver: TrackserverSettings = Field(default_factory=TrackserverSettings)
    verifier: VerifierSettings = Field(default_factory=VerifierSettings)
    wallet: WalletSettings = Field(default_factory=WalletSettings)

    @override
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: given in code, environment, TOML."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=settings_file()))

    def folder(self, role: str) -> Path:
        """Return the folder of one role ("issuer", "verifier", "trackserver", "wallet")."""
        return self.data_dir / role

    def database_url(self, role: Role) -> str:
        """Return the role's database as an SQLAlchemy URL."""
        service: ServiceSettings = getattr(self, role)
        return service.database_url or f"sqlite:///{self.folder(role) / role}.sqlite"

    def wallet_file(self) -> Path:
        """Return where the wallet file lies."""
        return self.wallet.file or self.folder("wallet") / "wallet.handstamp"


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        UnusableSettings: a value or a name is wrong; says which one and why.
    """
    _check_environment()
    try:
        return Settings()
    except ValidationError as error:
        raise UnusableSettings(*say_what_is_wrong(error.errors()[0])) from error
    except SettingsError as error:  # a list in the environment that is no JSON
        reason = 'in the environment a list is written as JSON: ["one", "another"]'
        raise UnusableSettings(", ".join(_lists_in_the_environment()) or "in the environment", reason) from error
    except (ValueError, OSError) as error:
        raise UnusableSettings(f"file {settings_file()}", str(error)) from error


def say_what_is_wrong(found: ErrorDetails) -> tuple[str, str]:
    """Name a setting that cannot be used, and say why, in words for who wrote it."""
    parts = list(itertools.takewhile(lambda part: isinstance(part, str), found["loc"]))  # not which of a list
    reason = _REASONS.get(found["type"]) or found["msg"].removeprefix("Value error, ").rstrip(".")
    return ".".join(map(str, parts)) or "file", reason


def _lists_in_the_environment() -> list[str]:
    lists = {
        name
        for model in (IssuerSettings, TrackserverSettings, VerifierSettings)
        for name, field in model.model_fields.items()
        if get_origin(field.annotation) is tuple
    }
    return sorted(name for name in os.environ if name.lower().rpartition("__")[2] in lists)


def settings_file() -> Path:
    """Return where the settings are looked for, whether there is such a file or not."""
    return Path(os.environ.get("HANDSTAMP_CONFIG", "handstamp.toml"))


def _check_environment() -> None:
    """Refuse what pydantic-settings would pass over: a file that is not there, a variable that nothing reads."""
    if "HANDSTAMP_CONFIG" in os.environ and not settings_file().is_file():
        raise UnusableSettings("HANDSTAMP_CONFIG", f"there is no file {settings_file()}")
    for name in os.environ:
        first = name.lower().removeprefix("handstamp_").partition("__")[0]
        if name.upper().startswith("HANDSTAMP_") and first not in Settings.model_fields:
            raise UnusableSettings(name, "there is no such setting")

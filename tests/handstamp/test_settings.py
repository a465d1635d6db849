"""Settings: none is needed, each can be given twice over, a wrong one is named."""

import re
import traceback
from pathlib import Path

import pytest

from handstamp.composition.verifier import compose_verifier
from handstamp.settings import UnusableSettings, load_settings
from plumbing.fetch import Reach


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HANDSTAMP_CONFIG", raising=False)
    return tmp_path


def test_no_setting_is_needed() -> None:
    settings = load_settings()
    assert settings.issuer.base_url == "http://coop.localhost:8701"
    assert settings.database_url("verifier").endswith("/verifier/verifier.sqlite")
    assert settings.wallet_file().name == "wallet.handstamp"


def test_a_file_is_read_and_the_environment_wins(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "handstamp.toml").write_text('[issuer]\nname = "From the file"\nport = 9001\n')
    monkeypatch.setenv("HANDSTAMP_ISSUER__NAME", "From the environment")
    settings = load_settings()
    assert (settings.issuer.name, settings.issuer.port) == ("From the environment", 9001)
    assert settings.issuer.base_url == "http://coop.localhost:8701"


def test_another_file_can_be_named(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "other.toml").write_text('data_dir = "/tmp/somewhere"\n')
    monkeypatch.setenv("HANDSTAMP_CONFIG", str(elsewhere / "other.toml"))
    assert load_settings().folder("issuer") == Path("/tmp/somewhere/issuer")  # noqa: S108  # only a name


def test_a_database_url_of_ones_own_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSTAMP_ISSUER__DATABASE_URL", "sqlite:////srv/coop.sqlite")
    assert load_settings().database_url("issuer") == "sqlite:////srv/coop.sqlite"


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgres"])
def test_a_database_of_a_server_is_used_by_its_url(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSTAMP_ISSUER__DATABASE_URL", f"{scheme}:///coop?host=/run/postgresql")
    assert load_settings().database_url("issuer") == f"{scheme}:///coop?host=/run/postgresql"


@pytest.mark.parametrize(
    "url", ["mysql://coop:hunter2@db/coop", "postgresql://coop:hunter2@db:port/coop", "postgresql://coop:hunter2@db"]
)
def test_a_password_in_the_address_of_a_database_is_never_repeated(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSTAMP_ISSUER__DATABASE_URL", url)
    with pytest.raises(UnusableSettings) as refused:
        load_settings()
    told = "".join(traceback.format_exception(refused.value))
    assert "issuer.database_url cannot be used" in told
    assert "hunter2" not in told


def test_settings_that_are_shown_hold_no_address_of_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSTAMP_ISSUER__DATABASE_URL", "postgresql://coop:hunter2@db/coop")
    assert "hunter2" not in f"{load_settings()!r} {load_settings()}"


@pytest.mark.parametrize(
    ("toml", "where"),
    [
        ('[issuer]\nnmae = "typing error"\n', "issuer.nmae"),
        ("[issuer]\nport = 99999\n", "issuer.port"),
        ('[verifier]\nbase_url = "http://shop.example"\n', "verifier.base_url"),
        ('[verifier]\nbase_url = "not an address"\n', "verifier.base_url"),
        ('[issuer]\nbase_url = "https://coop.example/handstamp"\n', "issuer.base_url"),
        ('log_level = "loud"\n', "log_level"),
        ('[issuer]\ndatabase_url = "mysql://db/coop"\n', "issuer.database_url"),
        ('[issuer]\ndatabase_url = "postgresql://db"\n', "issuer.database_url"),
        ('[issuer]\ndatabase_url = "sqlite://coop.sqlite"\n', "issuer.database_url"),
        ('[issuer]\ndatabase_url = "postgresql+asyncpg://db/coop"\n', "issuer.database_url"),
        ('[issuer]\ndatabase_url = "/srv/coop.sqlite"\n', "issuer.database_url"),
        ("[issuer]\nhaip = true\n", "issuer"),
        ("this is not toml", "file handstamp.toml"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(elsewhere: Path, toml: str, where: str) -> None:
    (elsewhere / "handstamp.toml").write_text(toml)
    with pytest.raises(UnusableSettings, match=f"The setting {where} cannot be used"):
        load_settings()


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("issuer = 3\n", "issuer cannot be used: it is a table, whose settings stand below its name in brackets."),
        ("[issuer]\nname = 4\n", "issuer.name cannot be used: it is no text."),
        ('[issuer]\nport = "door"\n', "issuer.port cannot be used: it is no whole number."),
        ('[issuer]\nhaip = "perhaps"\n', "issuer.haip cannot be used: it is neither true nor false."),
        (
            '[issuer]\ntrusted_proxies = "::1"\n',
            'issuer.trusted_proxies cannot be used: a list is written as ["one", "',
        ),
        (
            '[issuer]\ntrusted_proxies = ["127.0.0.1/8"]\n',
            "issuer.trusted_proxies cannot be used: an address of a network",
        ),
        ("data_dir = 3\n", "data_dir cannot be used: it is no path."),
    ],
)
def test_what_is_wrong_with_a_setting_is_said_in_words_of_ours(elsewhere: Path, toml: str, told: str) -> None:
    (elsewhere / "handstamp.toml").write_text(toml)
    with pytest.raises(UnusableSettings, match=f"^{re.escape(f'The setting {told}')}"):
        load_settings()


def test_a_file_that_is_named_and_not_there_is_refused(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSTAMP_CONFIG", str(elsewhere / "gone.toml"))
    with pytest.raises(UnusableSettings, match=r"HANDSTAMP_CONFIG cannot be used: there is no file .*gone\.toml"):
        load_settings()


@pytest.mark.parametrize("name", ["HANDSTAMP_ISUER__NAME", "HANDSTAMP_ISSUER__NMAE", "HANDSTAMP_PORT"])
def test_a_typing_error_in_the_environment_is_not_passed_over(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(UnusableSettings, match="there is no such setting"):
        load_settings()


@pytest.mark.parametrize(
    ("base_url", "private_network", "reach"),
    [
        ("http://shop.localhost:8704", "false", Reach.LOOPBACK),
        ("http://shop.localhost:8704", "true", Reach.LOOPBACK),
        ("https://shop.example", "false", Reach.PUBLIC),
        ("https://shop.example", "true", Reach.PRIVATE),
    ],
)
def test_a_private_network_is_asked_only_where_the_operator_allows_it(
    base_url: str, private_network: str, reach: Reach, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(elsewhere / "data"))
    monkeypatch.setenv("HANDSTAMP_VERIFIER__BASE_URL", base_url)
    monkeypatch.setenv("HANDSTAMP_VERIFIER__PRIVATE_NETWORK", private_network)
    settings = load_settings()
    assert settings.verifier.reach is compose_verifier(settings).reach is reach

"""`handstamp wallet` as a listener types it: in their words, without JSON or hex, asking before anything is shown."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import qrcode
import trustme
from click.testing import Result
from typer.testing import CliRunner

from credentials.errors import HandstampError
from handstamp.commands import wallet as commands
from handstamp.commands import wallet_opening as opening
from handstamp.composition import wallet as composition
from plumbing.fetch import HttpFetcher, Reach
from tests.support.hostile_issuer import HostileIssuer
from tests.support.hostile_site import GATE, HostileSite, asking
from tests.support.hostile_tracks import ONE, HostileTracks
from tests.support.other_issuer import OtherIssuer, make_card
from tests.support.outside import NOW, Authority, Outside
from wallet import errors, words
from wallet.sealed import Cost
from wallet.service.unpin_authority import NoSuchAuthority
from wallet.state import Copy, Instance
from wallet.vault import Vault

Run = Callable[..., Result]
PASSPHRASE = "four words are easy"
CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)


@pytest.fixture
def run(outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Type a command; the world outside is the test's, and opening the wallet is cheap."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDSTAMP_WALLET__FILE", str(tmp_path / "w" / "wallet.handstamp"))
    monkeypatch.setattr(composition, "open_web", outside.web)
    monkeypatch.setattr(composition, "system_clock", lambda: NOW)
    monkeypatch.setattr(commands, "create_wallet", partial(composition.create_wallet, cost=CHEAP))
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text(PASSPHRASE + "\n")

    def type_command(*arguments: str, passphrase: bool = True, answer: str = "") -> Result:
        given = ("--passphrase-file", str(secret)) if passphrase else ()
        return CliRunner().invoke(commands.app, [*arguments, *given], input=answer, terminal_width=200)

    return type_command


@pytest.fixture
def ready(run: Run, authority: Authority, issuer: HostileIssuer, outside: Outside, tmp_path: Path) -> Run:
    """A wallet that trusts the authority, in a world with a co-op, a site and a trackserver."""
    HostileSite.open(outside, authority)
    HostileTracks.open(outside)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    assert run("create").exit_code == 0
    assert run("trust", "add", "ca.pem", "--name", "The union").exit_code == 0
    assert issuer.tokens == 0
    return run


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return str(result.output)


def refused(result: Result) -> HandstampError:
    assert isinstance(result.exception, HandstampError), result.output + repr(result.exception)
    return result.exception


def test_the_whole_path_in_words(ready: Run, issuer: HostileIssuer, tmp_path: Path) -> None:
    said = done(ready("receive", issuer.link(), "--code", "123456"))
    assert "the EP “Night Bus EP” by The Long Way Home: bought, November 2026, 4 uses left" in said
    assert "Night Bus EP" in done(ready("list"))
    said = done(ready("open", GATE, "--to", "files", answer="y\n"))
    for part in ("artist.localhost asks", "Play it loud", "your name", "What opens", "Show it?"):
        assert part in said
    assert (tmp_path / "files" / "01 Night Bus.flac").read_bytes() == ONE
    shown = done(ready("show", "night"))
    assert "3 uses left, shown 1 time" in shown
    assert "artist.localhost" in shown
    for text in (said, shown, done(ready("list")), done(ready("show"))):
        assert "{" not in text
        assert issuer.offer().credential_configuration_ids[0] not in text
        assert "9d0f6a1e" not in text
        for word in ("credential", "presentation", "holder", "token", "JSON"):
            assert word not in text.replace("tokens", "").lower()


def test_saying_no_shows_nothing(ready: Run, issuer: HostileIssuer) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    assert isinstance(refused(ready("open", GATE, answer="n\n")), errors.ConsentDeclined)
    assert "4 uses left" in done(ready("show", "1"))


def test_an_offer_without_a_code_asks_before_it_is_received(ready: Run, issuer: HostileIssuer) -> None:
    from dataclasses import replace  # noqa: PLC0415

    open_offer = replace(issuer.offer(), tx_code=None).to_link()
    assert isinstance(refused(ready("receive", open_offer, answer="n\n")), errors.ConsentDeclined)


def test_the_code_may_come_from_a_file(ready: Run, issuer: HostileIssuer, tmp_path: Path) -> None:
    (tmp_path / "code").write_text("123456\n")
    done(ready("receive", issuer.link(), "--code-file", "code"))


def test_a_missing_code_is_asked_for_and_asked_again_when_mistyped(
    ready: Run, issuer: HostileIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "is_terminal", lambda: True)
    said = done(ready("receive", issuer.link(), answer="000000\n123456\n"))
    assert "look at the code again" in said


def test_a_missing_code_with_nobody_to_ask_is_said(ready: Run, issuer: HostileIssuer) -> None:
    assert isinstance(refused(ready("receive", issuer.link())), errors.CodeNeeded)


def test_offers_and_requests_are_read_from_pictures(
    ready: Run, issuer: HostileIssuer, outside: Outside, authority: Authority, tmp_path: Path
) -> None:
    qrcode.make(issuer.link()).get_image().save(tmp_path / "offer.png")
    done(ready("receive", "offer.png", "--code", "123456", "--yes"))
    site = HostileSite.open(outside, authority)
    qrcode.make(site.link()).get_image().save(tmp_path / "gate.png")
    assert "Go on in the browser" in done(ready("answer", "gate.png", "--yes"))
    assert "3 uses left" in done(ready("show", "1"))
    assert isinstance(refused(ready("answer", "offer.png", "--yes")), errors.NoCodeInPicture)


def test_a_no_sends_as_much_as_a_wallet_that_has_nothing_to_show(
    ready: Run, issuer: HostileIssuer, outside: Outside, authority: Authority
) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    site = HostileSite.open(outside, authority)
    before = len(outside.paths())
    site.query = asking(release="00000000-0000-4000-8000-000000000000")
    assert isinstance(refused(ready("answer", site.link(), "--yes")), errors.NotForThisGate)
    had_nothing = outside.paths()[before:]
    site.query = asking("release")
    assert isinstance(refused(ready("answer", site.link(), answer="n\n")), errors.ConsentDeclined)
    assert outside.paths()[before + len(had_nothing) :] == had_nothing
    assert had_nothing
    assert (site.answers, site.refusals) == ([], 0)


def test_a_page_on_another_screen_goes_on_by_itself(
    ready: Run, issuer: HostileIssuer, outside: Outside, authority: Authority
) -> None:
    from tests.support.outside import says  # noqa: PLC0415

    done(ready("receive", issuer.link(), "--code", "123456"))
    site = HostileSite.open(outside, authority)
    site.routes.answers["POST /responses/r"] = says({})
    assert "goes on by itself" in done(ready("answer", site.link(), "--yes"))


def test_files_may_be_fetched_later_and_named_after_the_record(
    ready: Run, issuer: HostileIssuer, tmp_path: Path
) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    assert "wallet download" in done(ready("open", GATE, "--yes"))
    said = done(ready("download"))
    assert "2 files" in said
    assert (tmp_path / "Night Bus EP" / "01 Night Bus.flac").exists()
    assert isinstance(refused(ready("download", "--zip")), errors.NoSuchThing)


def test_programs_get_json_without_secrets(ready: Run, issuer: HostileIssuer) -> None:
    assert json.loads(done(ready("list", "--json"))) == []
    done(ready("receive", issuer.link(), "--code", "123456"))
    done(ready("open", GATE, "--yes"))
    (copy,) = json.loads(done(ready("list", "--json")))
    assert copy["uses_left"] == 3
    assert json.loads(done(ready("show", "1", "--json"))) == copy
    (receipt,) = json.loads(done(ready("show", "--json")))
    assert receipt["site"] == "artist.localhost"
    (trusted,) = json.loads(done(ready("trust", "list", "--json")))
    assert trusted["name"] == "The union"
    assert "PRIVATE" not in json.dumps([copy, receipt])


def test_an_empty_wallet_teaches_the_first_step(run: Run) -> None:
    done(run("create"))
    assert "wallet receive" in done(run("list"))
    assert "shown nothing" in done(run("show"))
    assert "trust add" in done(run("trust", "list"))
    assert isinstance(refused(run("show", "Nothing")), errors.NoSuchThing)
    assert isinstance(refused(run("download")), errors.NoSuchThing)


def test_a_title_that_several_records_have_is_not_guessed(ready: Run, issuer: HostileIssuer) -> None:
    issuer.identifiers = ("copy-1", "copy-2")
    done(ready("receive", issuer.link(), "--code", "123456"))
    assert "Night Bus EP" in done(ready("show", "night bus ep"))
    assert "take the number" in refused(ready("show", "night")).detail
    assert "Night Bus" in done(ready("show", "2"))


def test_without_a_terminal_the_passphrase_must_come_from_a_file(run: Run) -> None:
    assert isinstance(refused(run("list", passphrase=False)), opening.PassphraseNeeded)


def test_in_a_terminal_the_passphrase_is_asked_hidden_and_twice_when_new(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "is_terminal", lambda: True)
    said = done(run("create", passphrase=False, answer=f"{PASSPHRASE}\n{PASSPHRASE}\n"))
    assert PASSPHRASE not in said
    done(run("list", passphrase=False, answer=f"{PASSPHRASE}\n"))
    assert isinstance(refused(run("list", passphrase=False, answer="wrong one\n")), errors.WrongPassphrase)


def test_a_passphrase_file_that_others_may_read_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "passphrase").chmod(0o644)
    assert "chmod 600" in refused(run("create")).detail
    (tmp_path / "passphrase").unlink()
    assert isinstance(refused(run("create")), errors.UnreadableFile)


def test_an_authority_is_pinned_after_a_look_at_its_fingerprint(
    run: Run, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(run("create"))
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    monkeypatch.setattr(opening, "is_terminal", lambda: True)
    assert isinstance(refused(run("trust", "add", "ca.pem", "--name", "Union", answer="n\n")), errors.ConsentDeclined)
    assert "fingerprint" in done(run("trust", "add", "ca.pem", "--name", "Union", answer="y\n"))
    assert "Union" in done(run("trust", "list"))


def test_an_authority_is_removed_and_nothing_more_is_received_on_its_word(ready: Run, issuer: HostileIssuer) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    assert isinstance(refused(ready("trust", "remove", "Nobody", "--yes")), NoSuchAuthority)
    assert isinstance(refused(ready("trust", "remove", "the union", answer="n\n")), errors.ConsentDeclined)
    (pinned,) = json.loads(done(ready("trust", "list", "--json")))
    output = done(ready("trust", "remove", pinned["fingerprint"].replace(":", "").lower(), answer="y\n"))
    assert "records that you hold stay" in output
    assert json.loads(done(ready("trust", "list", "--json"))) == []
    assert len(json.loads(done(ready("list", "--json")))) == 1
    issuer.identifiers = ("copy-2",)
    refused(ready("receive", issuer.link(), "--code", "123456"))


def test_an_authority_is_trusted_for_co_ops_alone_or_for_sites_alone(
    run: Run, authority: Authority, issuer: HostileIssuer, outside: Outside, tmp_path: Path
) -> None:
    HostileSite.open(outside, authority)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    done(run("create"))
    assert "for sites" in done(run("trust", "add", "ca.pem", "--name", "U", "--for", "sites"))
    assert isinstance(refused(run("receive", issuer.link(), "--code", "123456")), errors.UnknownAuthority)
    done(run("trust", "add", "ca.pem", "--name", "U", "--for", "co-ops"))
    done(run("receive", issuer.link(), "--code", "123456"))
    (trusted,) = json.loads(done(run("trust", "list", "--json")))
    assert trusted["for"] == ["co-ops"]
    assert isinstance(refused(run("open", GATE, "--yes")), errors.UnknownAuthority)


def test_uses_are_topped_up_and_what_cannot_be_is_named_with_its_reason(
    ready: Run, outside: Outside, authority: Authority
) -> None:
    other = OtherIssuer.open(outside, authority, identifiers=("ep", "member"), defers={"member"})
    assert "hands out 1 more later" in done(ready("receive", other.offer_link(), "--yes"))
    assert "not before 21 November 2026, 10:30 UTC" in done(ready("top-up"))
    done(ready("open", GATE, "--yes"))
    assert "1 record has fresh uses" in done(ready("top-up"))
    assert "7 uses left" in done(ready("show", "1"))
    other.ended = {"ep"}
    for _ in range(4):
        done(ready("open", GATE, "--yes"))
    assert "Refunded" in done(ready("top-up"))


def test_a_membership_that_has_ended_is_listed_without_uses(
    ready: Run, outside: Outside, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = OtherIssuer.open(outside, authority, identifiers=("member",))
    done(ready("receive", other.offer_link(), "--yes"))
    assert "your membership at other.localhost" in done(ready("show", "1"))
    assert json.loads(done(ready("list", "--json")))[0]["uses_left"] == 4
    monkeypatch.setattr(composition, "system_clock", lambda: NOW.replace(year=2027))
    assert json.loads(done(ready("list", "--json")))[0]["uses_left"] == 0
    assert "top-up" in done(ready("list"))


def test_a_full_wallet_asks_nobody(ready: Run, issuer: HostileIssuer) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    assert "nobody was asked" in done(ready("top-up"))


def test_something_of_another_kind_is_received_after_a_warning_and_listed(
    ready: Run, outside: Outside, authority: Authority
) -> None:
    other = OtherIssuer.open(outside, authority, identifiers=("card",), make=make_card)
    said = done(ready("receive", other.offer_link(), "--yes"))
    assert "cannot tell whether something in it marks you" in said
    assert "Library card" in done(ready("list"))
    shown = done(ready("show", "library"))
    assert "What you may do" in shown
    assert "north" in shown


def test_a_wallet_is_exported_and_imported_with_words_about_using_only_one(
    ready: Run, issuer: HostileIssuer, tmp_path: Path
) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    secret = ("--export-passphrase-file", "export-secret")
    (tmp_path / "export-secret").touch(mode=0o600)
    (tmp_path / "export-secret").write_text("another four words\n")
    assert "Use only one of the two" in done(ready("export", "away", *secret))
    said = done(ready("import", "away", *secret, "--not-used-since"))
    assert "0 new records, 0 more uses" in said
    done(ready("remove", "night", "--yes"))
    assert json.loads(done(ready("list", "--json"))) == []
    said = done(ready("import", "away", *secret))
    assert "1 new record" in said
    assert "4 uses were left out" in said
    assert isinstance(refused(ready("export", "b")), commands.opening.PassphraseNeeded)


def test_whoever_imports_is_asked_whether_the_other_wallet_was_used(
    ready: Run, issuer: HostileIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    monkeypatch.setattr(commands.opening, "is_terminal", lambda: True)
    twice = "another four words\nanother four words\n"
    done(ready("export", "away", answer=twice))
    said = done(ready("import", "away", answer="another four words\nn\n"))
    assert "21 November 2026, 09:30 UTC" in said
    assert "used after that?" in said


def test_whom_an_imported_wallet_trusted_is_named_and_trusted_only_after_a_yes(
    ready: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(commands.opening, "is_terminal", lambda: True)
    done(ready("export", "away", answer="another four words\nanother four words\n"))
    done(ready("trust", "remove", "the union", "--yes"))
    said = done(ready("import", "away", "--not-used-since", answer="another four words\nn\n"))
    assert "Only if you made this file yourself" in said
    assert json.loads(done(ready("trust", "list", "--json"))) == []
    (tmp_path / "secret").touch(mode=0o600)
    (tmp_path / "secret").write_text("another four words\n")
    said = done(ready("import", "away", "--trust", "--used-since", "--export-passphrase-file", "secret"))
    assert "trusts The union now" in said


def test_the_passphrase_is_changed(ready: Run, tmp_path: Path) -> None:
    (tmp_path / "new").touch(mode=0o600)
    (tmp_path / "new").write_text("quite another one\n")
    assert "new passphrase" in done(ready("passphrase", "--new-passphrase-file", "new"))
    assert isinstance(refused(ready("list")), errors.WrongPassphrase)
    done(ready("list", "--passphrase-file", "new", passphrase=False))


def test_a_record_is_removed_after_a_yes(ready: Run, issuer: HostileIssuer) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    assert isinstance(refused(ready("remove", "night", answer="n\n")), errors.ConsentDeclined)
    assert "You own it still" in done(ready("remove", "night", answer="y\n"))


def test_a_name_that_two_authorities_have_is_not_guessed(ready: Run, tmp_path: Path) -> None:
    (tmp_path / "two.pem").write_bytes(trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes())
    done(ready("trust", "add", "two.pem", "--name", "The union"))
    assert "give the fingerprint" in refused(ready("trust", "remove", "The union", "--yes")).detail


@pytest.mark.parametrize("what", ["missing", "text", "leaf", "several", "expired"])
def test_what_is_no_authority_is_not_pinned(
    run: Run, authority: Authority, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(run("create"))
    _, chain = authority.certify("coop.localhost")
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    content = {
        "text": b"hello",
        "leaf": chain.leaf.public_bytes(Encoding.PEM),
        "several": authority.pem * 2,
        "expired": authority.pem,
    }
    if what in content:
        (tmp_path / "ca.pem").write_bytes(content[what])
    if what == "expired":
        monkeypatch.setattr(composition, "system_clock", lambda: NOW.replace(year=3999))
    assert isinstance(refused(run("trust", "add", "ca.pem", "--name", "X")), errors.UnreadableFile)
    assert "trusts nobody" in done(run("trust", "list"))


async def test_the_network_follows_the_first_party() -> None:
    async with composition.open_web("http://coop.localhost:1") as web:
        assert isinstance(web, HttpFetcher)
    assert Reach.of("https://coop.example") is Reach.PUBLIC
    assert composition.USER_AGENT == "handstamp-wallet"


def copy_with(uses: int, **claims: str) -> Copy:
    plain = {"name": "A", "byArtist": "B", "acquisition": "gift", "acquired": "2026-11"}
    return Copy(
        id="c",
        issuer="https://coop.example",
        vct="urn:handstamp:credential:release-ownership:1",
        claims=plain | claims,
        received_at=NOW,
        instances=(Instance(credential="", key=""),) * uses,
    )


def test_few_uses_are_warned_of_in_words() -> None:
    assert words.warning_of(copy_with(2)) is None
    assert "has 1 use left" in str(words.warning_of(copy_with(1)))
    assert "cannot be shown any more" in str(words.warning_of(copy_with(0)))
    assert words.uses_left(copy_with(0)) == "no use left"


def test_what_a_listener_reads_has_no_codes() -> None:
    assert words.how_acquired(copy_with(1)) == "given to you, November 2026"
    assert words.described(copy_with(1, albumReleaseType="none")) == "the release “A” by B"
    assert words.value_in_words("gtin", "none") == "not known"
    assert words.value_in_words("copy", "q83vEjRWeJCrze8SNFZ4kA") == "one that nobody else has"
    assert words.value_in_words("acquisition", "stream_to_own") == "yours by listening"
    assert words.label_of("acquired") == "Yours since"
    assert words.label_of("unheard") == "unheard"
    assert [words.size(count) for count in (7, 999, 1000, 54551, 3_200_000, 2 * 10**9, 10**13)] == [
        "7 bytes",
        "999 bytes",
        "1.0 kB",
        "55 kB",
        "3.2 MB",
        "2.0 GB",
        "10000 GB",
    ]


def test_the_vault_of_the_commands_is_the_vault(run: Run, tmp_path: Path) -> None:
    done(run("create"))
    assert Vault.open(tmp_path / "w" / "wallet.handstamp", PASSPHRASE).load().copies == ()


@pytest.mark.parametrize(
    ("command", "pasted", "expected"),
    [
        ("receive", "garbage", "not the link of an offer (it is not an https address). Copy all of it"),
        ("answer", "garbage", "not the link of a request (it is not an https address). Copy all of it"),
        ("open", "http://artist.localhost", "not the link of a gate (it names a site but no gate"),
        ("receive", "openid4vp://?client_id=x", "handstamp wallet answer 'LINK'"),
        ("answer", "openid-credential-offer://?credential_offer=x", "handstamp wallet receive 'LINK'"),
        ("open", "openid4vp://?client_id=x", "handstamp wallet answer 'LINK'"),
    ],
)
def test_a_link_of_the_wrong_kind_is_named_with_the_command_that_takes_it(
    ready: Run, command: str, pasted: str, expected: str
) -> None:
    assert expected in refused(ready(command, pasted)).detail


def test_a_passphrase_file_that_is_not_there_is_called_so(ready: Run) -> None:
    assert "there is no such file" in refused(ready("list", "--passphrase-file", "gone", passphrase=False)).detail

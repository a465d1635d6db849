"""`handstamp wallet` as a listener types it: in their words, without JSON or hex, asking before anything is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import qrcode

from handstamp.commands import wallet_opening as opening
from handstamp.composition import wallet as composition
from plumbing.fetch import HttpFetcher, Reach
from tests.support.hostile_site import GATE, HostileSite, asking
from tests.support.hostile_tracks import ONE
from tests.support.other_credentials import make_card
from tests.support.other_issuer import OtherIssuer
from tests.support.outside import NOW, Authority, Outside
from tests.wallet.terminal import Run, done, refused
from wallet import errors, words
from wallet.state import Copy, Instance

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.hostile_issuer import HostileIssuer


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

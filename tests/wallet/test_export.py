"""A wallet in a file: encrypted, merged without doubling, and nothing that was shown ever comes back."""

import os
import secrets
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.other_issuer import OtherIssuer
from tests.support.outside import NOW, Authority, Memory, Outside
from wallet import errors, sealed
from wallet.merging import merge
from wallet.ports import Tools
from wallet.service.export_wallet import ExportExists, export_wallet, import_export, list_strangers, read_export
from wallet.service.receive import read_offer, receive
from wallet.service.remove_copy import remove_copy
from wallet.service.top_up import top_up
from wallet.state import Copy, Instance, Wallet
from wallet.supply import Supply
from wallet.vault import Vault

SECRET = "another four words here"
CHEAP = sealed.Cost(memory_kib=64, iterations=1, lanes=1)
Marks: TypeAlias = set[str]


@pytest.fixture
def other(outside: Outside, authority: Authority) -> OtherIssuer:
    return OtherIssuer.open(outside, authority, identifiers=("ep",))


@pytest.fixture
async def stocked(other: OtherIssuer, tools: Tools) -> Tools:
    await receive(await read_offer(other.offer_link(), tools=tools), tools=tools)
    return tools


def empty(tools: Tools) -> Tools:
    return replace(tools, keeper=Memory())


def marks(tools: Tools) -> Marks:
    return {each.mark for copy in tools.keeper.load().copies for each in copy.instances}


def show_one(tools: Tools) -> str:
    def take(wallet: Wallet) -> tuple[Wallet, str]:
        after, taken = wallet.taking_instance(wallet.copies[0].key)
        assert taken
        return after, taken.mark

    return tools.keeper.change(take)


async def test_an_export_brings_everything_into_an_empty_wallet(stocked: Tools, tmp_path: Path) -> None:
    export_wallet(tmp_path / "away", SECRET, tools=stocked, cost=CHEAP)
    there = empty(stocked)
    merged = import_export(read_export(tmp_path / "away", SECRET), used_since=False, trust=True, tools=there)
    assert there.keeper.load() == stocked.keeper.load()
    assert (merged.copies, merged.instances, merged.left_out, merged.authorities) == (1, 4, 0, ("Test",))


async def test_the_file_is_its_owners_alone_and_readable_with_its_own_passphrase_only(
    stocked: Tools, tmp_path: Path
) -> None:
    path = tmp_path / "away"
    export_wallet(path, SECRET, tools=stocked, cost=CHEAP)
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"Night Bus" not in path.read_bytes()
    with pytest.raises(errors.WrongPassphrase):
        read_export(path, "four words are easy")
    with pytest.raises(errors.WeakPassphrase):
        export_wallet(tmp_path / "weak", "short", tools=stocked)
    assert not (tmp_path / "weak").exists()


async def test_an_export_never_overwrites_anything(stocked: Tools, tmp_path: Path) -> None:
    (tmp_path / "away").write_text("a letter")
    with pytest.raises(ExportExists):
        export_wallet(tmp_path / "away", SECRET, tools=stocked, cost=CHEAP)
    assert (tmp_path / "away").read_text() == "a letter"
    with pytest.raises(errors.UnreadableFile):
        export_wallet(tmp_path / "nowhere" / "away", SECRET, tools=stocked, cost=CHEAP)


async def test_a_full_disk_leaves_no_half_export(
    stocked: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.UnreadableFile, match="No space left"):
        export_wallet(tmp_path / "away", SECRET, tools=stocked, cost=CHEAP)
    assert not (tmp_path / "away").exists()


async def test_an_export_is_no_wallet_and_a_wallet_no_export(stocked: Tools, vault: Vault, tmp_path: Path) -> None:
    export_wallet(tmp_path / "away", SECRET, tools=stocked, cost=CHEAP)
    with pytest.raises(errors.DamagedVault, match="wallet import"):
        Vault.open(tmp_path / "away", SECRET)
    with pytest.raises(errors.UnreadableFile, match="wallet export"):
        read_export(vault.path, "four words are easy")


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped", "other"])
async def test_a_damaged_export_is_called_so_and_nothing_is_imported(
    stocked: Tools, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "away"
    export_wallet(path, SECRET, tools=stocked, cost=CHEAP)
    whole = path.read_bytes()
    match damage:
        case "missing":
            path.unlink()
        case "cut":
            path.write_bytes(whole[:-1])
        case "flipped":
            path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        case _:
            key = sealed.new_key(SECRET, cost=CHEAP, random=secrets.token_bytes)
            path.write_bytes(sealed.seal(b"no date\n{}", key=key, random=secrets.token_bytes, magic=sealed.EXPORT))
    with pytest.raises(errors.UnreadableFile):
        read_export(path, SECRET)


async def test_what_was_shown_after_the_export_does_not_come_back_by_an_import(stocked: Tools, tmp_path: Path) -> None:
    export_wallet(tmp_path / "away", SECRET, tools=stocked, cost=CHEAP)
    shown = show_one(stocked)
    merged = import_export(read_export(tmp_path / "away", SECRET), used_since=False, trust=True, tools=stocked)
    assert shown not in marks(stocked)
    assert len(marks(stocked)) == 3
    assert (merged.copies, merged.instances, merged.left_out) == (0, 0, 4)


async def test_what_the_exported_wallet_showed_before_is_taken_out_here_too(stocked: Tools, tmp_path: Path) -> None:
    export_wallet(tmp_path / "early", SECRET, tools=stocked, cost=CHEAP)
    there = empty(stocked)
    import_export(read_export(tmp_path / "early", SECRET), used_since=False, trust=True, tools=there)
    shown = show_one(stocked)
    export_wallet(tmp_path / "late", SECRET, tools=stocked, cost=CHEAP)
    import_export(read_export(tmp_path / "late", SECRET), used_since=False, trust=True, tools=there)
    assert shown not in marks(there)
    assert len(marks(there)) == 3


async def test_of_a_wallet_that_was_used_since_only_fresh_uses_are_taken(
    stocked: Tools, other: OtherIssuer, tmp_path: Path
) -> None:
    export_wallet(tmp_path / "away", SECRET, tools=stocked, cost=CHEAP)
    other.clock = lambda: NOW + timedelta(hours=1)
    there = replace(empty(stocked), clock=other.clock)
    merged = import_export(read_export(tmp_path / "away", SECRET), used_since=True, trust=True, tools=there)
    assert (merged.copies, merged.instances, merged.left_out) == (1, 0, 4)
    assert marks(there) == set()
    assert len((await top_up(tools=there)).renewed) == 1
    assert len(marks(there)) == 4
    assert not marks(there) & marks(stocked)


async def test_a_file_that_somebody_else_made_does_not_say_whom_to_trust(stocked: Tools, tmp_path: Path) -> None:
    export_wallet(tmp_path / "away", SECRET, tools=stocked, cost=CHEAP)
    there, exported = empty(stocked), read_export(tmp_path / "away", SECRET)
    assert [each.name for each in list_strangers(exported, tools=there)] == ["Test"]
    merged = import_export(exported, used_since=False, trust=False, tools=there)
    assert merged.authorities == there.keeper.load().authorities == ()
    assert list_strangers(exported, tools=stocked) == ()


async def test_an_import_twice_is_the_same_as_once(stocked: Tools, tmp_path: Path) -> None:
    export_wallet(tmp_path / "away", SECRET, tools=stocked, cost=CHEAP)
    there = empty(stocked)
    exported = read_export(tmp_path / "away", SECRET)
    import_export(exported, used_since=False, trust=True, tools=there)
    once = there.keeper.load()
    import_export(exported, used_since=False, trust=True, tools=there)
    assert there.keeper.load() == once


async def test_a_removed_copy_is_gone_told_at_the_next_visit_and_its_uses_do_not_come_back(
    stocked: Tools, other: OtherIssuer, tmp_path: Path
) -> None:
    export_wallet(tmp_path / "away", SECRET, tools=stocked, cost=CHEAP)
    (copy,) = stocked.keeper.load().copies
    before = list(other.told)
    remove_copy(copy, tools=stocked)
    assert other.told == before, "nobody hears at once"
    assert stocked.keeper.load().copies == ()
    await top_up(tools=stocked)
    assert other.told[-1][0] == "credential_deleted"
    import_export(read_export(tmp_path / "away", SECRET), used_since=False, trust=True, tools=stocked)
    assert marks(stocked) == set()


def supply(offer_id: str, age: int, token: str) -> Supply:
    return Supply(
        offer_id=offer_id,
        link_id="",
        offer="{}",
        issuer="https://coop.example",
        key="KEY",
        access_token=token,
        expires_at=NOW,
        refresh_token=token,
        token_at=NOW + timedelta(hours=age),
        sources=(),
    )


def test_of_two_standings_of_an_offer_the_one_with_the_newest_token_counts() -> None:
    old, new = Wallet(supplies=(supply("o", 1, "old"),)), Wallet(supplies=(supply("o", 2, "new"),))
    for ours, theirs in ((old, new), (new, old)):
        assert [
            each.refresh_token for each in merge(ours, theirs, with_instances=True, with_authorities=True)[0].supplies
        ] == ["new"]


def a_copy(title: str, hour: int, names: list[str]) -> Copy:
    return Copy(
        id="c",
        issuer="https://coop.example",
        vct="v",
        claims={"name": title},
        received_at=NOW,
        renewed_at=NOW + timedelta(hours=hour),
        instances=tuple(Instance(credential=name, key="K") for name in names),
    )


def test_of_two_versions_of_a_title_the_newer_one_is_kept_with_its_uses_alone() -> None:
    ours, theirs = Wallet(copies=(a_copy("Old", 1, ["a"]),)), Wallet(copies=(a_copy("New", 2, ["b"]),))
    for first, second in ((ours, theirs), (theirs, ours)):
        (copy,) = merge(first, second, with_instances=True, with_authorities=True)[0].copies
        assert (copy.text("name"), [each.credential for each in copy.instances]) == ("New", ["b"])


NAMES = st.lists(st.sampled_from("abcdef"), unique=True)


@settings(max_examples=60)
@given(ours=NAMES, theirs=NAMES, shown=NAMES, shown_there=NAMES)
def test_no_merge_doubles_an_instance_or_brings_one_back(
    ours: list[str], theirs: list[str], shown: list[str], shown_there: list[str]
) -> None:
    def spent(names: list[str]) -> tuple[str, ...]:
        return tuple(Instance(credential=name, key="").mark for name in names)

    here = Wallet(copies=(a_copy("T", 1, ours),), spent=spent(shown))
    there = Wallet(copies=(a_copy("T", 1, theirs),), spent=spent(shown_there))
    merged, _ = merge(here, there, with_instances=True, with_authorities=True)
    held = [each.credential for each in merged.copies[0].instances]
    assert sorted(held) == sorted((set(ours) | set(theirs)) - set(shown) - set(shown_there))
    assert merge(merged, there, with_instances=True, with_authorities=True)[0] == merged

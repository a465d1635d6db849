"""Keys are exchanged while services run: told first, used later, believed for a while after."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from plumbing.clock import epoch_s
from plumbing.key_rings import MAX_PUBLISHED, Ring, RingKey, parse_rings, write_rings
from plumbing.key_turning import SAME_KEY_KEPT, Exchange, KeyTurner, NothingToStart, Turning
from plumbing.keystore import KeyStore, UnusableKey

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SOON = NOW + timedelta(hours=2)
LATER = SOON + timedelta(seconds=1)
AUTHORITY = trustme.CA(key_type=trustme.KeyType.ECDSA)


class Folder:
    """A key folder, with a clock that stands until it is moved."""

    def __init__(self, path: Path) -> None:
        self.path, self.now = path, NOW
        self.keys = KeyStore(path, clock=lambda: self.now)
        self.turner = KeyTurner(self.keys)

    def thumbprint(self, at: datetime | None = None) -> str:
        return self.keys.signer("issuer", at=at).public_key.thumbprint

    def told(self, name: str, at: datetime) -> list[str]:
        return [each.file for each in self.keys.rings()[name].published(epoch_s(at))]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "keys")


def certified() -> dict[str, bytes]:
    leaf = AUTHORITY.issue_cert("coop.example", key_type=trustme.KeyType.ECDSA)
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return {"key_pem": leaf.private_key_pem.bytes(), "chain_pem": chain}


def test_a_first_certificate_is_used_at_once_and_needs_no_ring(folder: Folder) -> None:
    folder.turner.install("issuer", Exchange(starts=SOON), **certified())
    assert folder.keys.rings() == {}
    assert folder.keys.mark is None


def test_a_new_certificate_is_told_first_used_later_and_the_old_key_still_told_after(folder: Folder) -> None:
    folder.turner.install("issuer", Exchange(starts=NOW), **certified())
    old = folder.thumbprint()
    folder.turner.install("issuer", Exchange(starts=SOON), **certified())
    assert folder.thumbprint() == old
    assert len(folder.told("issuer", NOW)) == 2
    new = folder.thumbprint(at=LATER)
    assert new != old
    ring = folder.keys.rings()["issuer"]
    assert [each.x5c for each in ring.published(epoch_s(LATER))] != []
    assert folder.told("issuer", LATER)[1] == "issuer"
    chain = folder.keys.chain("issuer", at=LATER)
    assert chain is not None
    assert chain.leaf_key.thumbprint == new


def test_the_same_key_with_a_new_certificate_drops_the_old_certificate_after_a_day(folder: Folder) -> None:
    first = certified()
    folder.turner.install("issuer", Exchange(starts=NOW), **first)
    folder.turner.install("issuer", Exchange(starts=SOON), **first)
    assert folder.thumbprint() == folder.thumbprint(at=LATER)
    assert len(folder.told("issuer", LATER)) == 2
    assert len(folder.told("issuer", LATER + SAME_KEY_KEPT)) == 1


def test_a_stolen_key_is_gone_at_once_from_disk_and_from_what_is_told(folder: Folder) -> None:
    folder.turner.install("issuer", Exchange(starts=NOW), **certified())
    folder.turner.install("issuer", Exchange(starts=NOW, stolen=True), **certified())
    assert len(folder.told("issuer", NOW)) == 1
    assert not (folder.path / "issuer.pem").exists()


def test_a_key_for_grants_waits_until_somebody_says_that_it_is_used(folder: Folder) -> None:
    before = folder.keys.signer("grant").public_key
    made = folder.turner.make_signer("grant", Exchange(starts=None))
    assert folder.keys.signer("grant", at=NOW + timedelta(days=99)).public_key == before
    assert folder.turner.is_turning("grant", NOW)
    folder.turner.start("grant", at=NOW, kept=timedelta(minutes=15))
    assert folder.keys.signer("grant").public_key.multikey == made.public
    assert folder.told("grant", NOW + timedelta(minutes=14))[1:] == ["grant"]
    assert folder.told("grant", NOW + timedelta(minutes=15))[1:] == []
    with pytest.raises(NothingToStart):
        folder.turner.start("grant", at=NOW, kept=timedelta(minutes=15))
    with pytest.raises(NothingToStart):
        folder.turner.start("forms", at=NOW, kept=timedelta(minutes=15))


def test_a_bbs_key_turns_with_its_month_and_its_name_tells_the_old_one_for_ten_days_more(folder: Folder) -> None:
    before = folder.keys.bbs_key("bbs-T").public_key
    december = datetime(2026, 12, 1, tzinfo=UTC)
    folder.turner.make_bbs_key("bbs-T", Exchange(starts=december, kept=timedelta(days=10)))
    last = december - timedelta(seconds=1)
    assert folder.keys.bbs_key("bbs-T", at=last).public_key == before
    assert folder.keys.bbs_key("bbs-T", at=december).public_key != before
    assert folder.told("bbs-T", last)[0] == "bbs-T"
    assert folder.told("bbs-T", december)[1] == "bbs-T"
    assert len(folder.told("bbs-T", december + timedelta(days=10))) == 1


def test_two_secrets_count_while_both_are_in_hands(folder: Folder) -> None:
    before = folder.keys.secret("forms")
    assert folder.keys.secrets("forms") == (before,)
    folder.turner.make_secret("forms", Exchange(starts=NOW, kept=timedelta(days=1)))
    new, old = folder.keys.secrets("forms")
    assert old == before != new == folder.keys.secret("forms")
    assert folder.keys.secrets("forms", at=NOW + timedelta(days=1)) == (new,)


def test_the_private_half_goes_when_no_worker_uses_it_any_more_and_the_public_half_stays(folder: Folder) -> None:
    folder.turner.install("issuer", Exchange(starts=NOW), **certified())
    folder.turner.install("issuer", Exchange(starts=SOON), **certified())
    folder.turner.tidy(at=SOON)
    assert (folder.path / "issuer.pem").exists()
    folder.turner.tidy(at=SOON + timedelta(hours=2))
    assert not (folder.path / "issuer.pem").exists()
    assert len(folder.told("issuer", SOON)) == 2
    assert folder.thumbprint(at=LATER)


def test_what_is_told_no_more_is_forgotten_whole(folder: Folder) -> None:
    folder.turner.make_secret("forms", Exchange(starts=NOW, kept=timedelta(days=1)))
    folder.turner.tidy(at=NOW + timedelta(hours=20))
    assert (folder.path / "forms.secret").exists()
    folder.turner.tidy(at=NOW + timedelta(days=2))
    assert not (folder.path / "forms.secret").exists()
    assert len(folder.keys.rings()["forms"].keys) == 1


def test_a_ring_whose_key_is_gone_makes_no_other_key_in_silence(folder: Folder) -> None:
    folder.keys.signer("grant")
    made = folder.turner.make_signer("grant", Exchange(starts=NOW))
    folder.keys.forget(made.file)
    with pytest.raises(UnusableKey, match="bring it back from the backup"):
        folder.keys.signer("grant")


@pytest.mark.parametrize("text", [b"", b"{}", b'{"rings": {"grant": []}}', b'{"rings": {"grant": [{}]}}'])
def test_a_damaged_file_of_rings_is_refused_in_words(folder: Folder, text: bytes) -> None:
    folder.keys.signer("grant")
    path = folder.path / "rings.json"
    path.touch(mode=0o600)
    path.write_bytes(text)
    with pytest.raises(UnusableKey, match=r"rings\.json"):
        folder.keys.signer("grant")


def test_no_more_keys_are_told_than_wallets_read() -> None:
    ring = Ring(tuple(RingKey(file=f"k{n}", public="z", starts_s=n) for n in range(20)))
    told = ring.published(100)
    assert len(told) == MAX_PUBLISHED
    assert [each.file for each in told[:3]] == ["k19", "k18", "k17"]
    assert parse_rings(write_rings({"k": ring})) == {"k": ring}


def test_a_service_takes_a_key_up_without_a_restart_and_reads_nothing_anew_before(folder: Folder) -> None:
    folder.turner.install("issuer", Exchange(starts=NOW), **certified())
    built: list[datetime] = []

    def build(at: datetime) -> str:
        built.append(at)
        return folder.thumbprint(at)

    turning = Turning(folder.keys, build)
    old = turning(NOW)
    assert turning(LATER) == old
    assert len(built) == 1
    folder.turner.install("issuer", Exchange(starts=SOON), **certified())
    assert turning(NOW) == old
    assert turning(LATER) != old
    assert len(built) == 3
    assert turning(LATER) == turning(LATER)
    assert len(built) == 3


def test_a_service_goes_on_with_its_keys_while_new_ones_cannot_be_read(folder: Folder) -> None:
    folder.turner.install("issuer", Exchange(starts=NOW), **certified())
    turning = Turning(folder.keys, folder.thumbprint)
    old = turning(NOW)
    (folder.path / "rings.json").touch(mode=0o600)
    assert turning(NOW) == old
    with pytest.raises(UnusableKey):
        Turning(folder.keys, folder.thumbprint)(NOW)
    (folder.path / "rings.json").unlink()
    folder.turner.install("issuer", Exchange(starts=NOW, stolen=True), **certified())
    assert turning(NOW) != old

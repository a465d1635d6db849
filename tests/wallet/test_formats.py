"""What an older version of the wallet wrote is read, whole; what a newer one wrote is left alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from wallet import sealed
from wallet.formats import build_state, parse_state
from wallet.linked import LinkedCredential, LinkedKind, Nym
from wallet.state import Authority, Purpose, Wallet
from wallet.supply import Brought, Deferred, Notice, Supply, Waiting
from wallet.vault import Vault

MOMENT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
FIRST: dict[str, Any] = {
    "format": 1,
    "authorities": [{"name": "U", "certificate": "PEM", "fingerprint": "AB", "added_at": "2026-11-21T09:30:00Z"}],
    "copies": [
        {
            "id": "c1",
            "issuer": "https://coop.example",
            "vct": "urn:handstamp:credential:release-ownership:1",
            "claims": {"name": "Night Bus EP", "copy": "c1"},
            "received_at": "2026-11-21T09:30:00Z",
            "instances": [{"credential": "jwt~a~", "key": "KEY"}],
            "uses": 3,
        }
    ],
    "receipts": [
        {
            "id": "r1",
            "at": "2026-11-21T09:30:00Z",
            "site": "artist.example",
            "terms": None,
            "salt": None,
            "nonce": "n",
            "shown": [{"copy_id": "c1", "title": "Night Bus EP", "claims": {"name": "Night Bus EP"}}],
            "bindings": ["b"],
            "accepted": True,
        }
    ],
    "deliveries": [],
    "collecting": [
        {
            "offer_id": "o1",
            "link_id": "l1",
            "offer": '{"credential_issuer":"https://coop.example","credential_configuration_ids":["X"]}',
            "access_token": "t",
            "key": "KEY",
            "expires_at": "2026-11-21T09:40:00Z",
            "waiting": [{"configuration_id": "X", "credential_identifier": "i"}],
        }
    ],
}


def first(**changes: Any) -> bytes:
    return json.dumps(FIRST | changes).encode()


def test_a_wallet_of_the_first_format_is_carried_over_whole() -> None:
    wallet = parse_state(first())
    assert wallet.format == 3
    (copy,) = wallet.copies
    assert (copy.uses, copy.instances[0].credential, copy.instances[0].expires_at) == (3, "jwt~a~", None)
    assert wallet.authorities[0].purposes == {Purpose.SITES, Purpose.CO_OPS}
    assert wallet.receipts[0].shown[0].claims == {"name": "Night Bus EP"}
    (supply,) = wallet.supplies
    assert (supply.issuer, supply.refresh_token) == ("https://coop.example", None)
    assert supply.waiting == (Waiting(configuration_id="X", credential_identifier="i"),)
    assert parse_state(build_state(wallet)) == wallet


def test_a_wallet_of_the_second_format_is_carried_over_whole() -> None:
    second: dict[str, Any] = json.loads(build_state(parse_state(first())))
    for name in ("nyms",):
        del second[name]
    for copy in second["copies"]:
        del copy["linked"], copy["not_renewed"]
    for supply in second["supplies"]:
        del supply["renew_at"]
        for source in supply["sources"]:
            del source["scope"], source["form"], source["denied"]
    wallet = parse_state(json.dumps(second | {"format": 2}).encode())
    assert wallet == parse_state(first())
    assert (wallet.format, wallet.nyms, wallet.copies[0].linked, wallet.supplies[0].renew_at) == (3, (), (), None)


def test_the_next_change_writes_the_new_format(vault: Vault) -> None:
    plain = sealed.seal(first(), key=vault._key, random=bytes)  # noqa: SLF001 - as it was written
    vault.path.write_bytes(plain)
    assert vault.load().copies[0].id == "c1"
    vault.change(lambda wallet: (wallet.taking_instance(wallet.copies[0].key)[0], None))
    opened, _ = sealed.unseal(vault.path.read_bytes(), key=vault._key)  # noqa: SLF001
    assert json.loads(opened)["format"] == 3


def whole_supply() -> Supply:
    names: dict[str, Any] = {"configuration_id": "X", "credential_identifier": None}
    return Supply(
        offer_id="o",
        link_id="",
        offer="{}",
        issuer="https://coop.example",
        key="KEY",
        access_token="t",
        bearer=True,
        expires_at=MOMENT,
        refresh_token="r",
        token_at=MOMENT,
        sources=(
            Waiting(**names),
            Deferred(**names, transaction_id="later", keys=("K",), since=MOMENT, not_before=MOMENT),
            Brought(**names, copy=("i", "v", "c")),
        ),
        notices=(Notice(event="credential_accepted", notification_id="n"),),
        renew_at=MOMENT,
    )


def test_every_state_of_a_supply_is_written_and_read_again() -> None:
    linked = LinkedCredential(
        kind=LinkedKind.PSEUDONYM,
        credential="a proof value",
        month="2026-11",
        expires_at=MOMENT,
        issuer_key="zKey",
        scope="who",
        commitment="point",
    )
    copy = replace(parse_state(first()).copies[0], linked=(linked,), not_renewed="it was given back")
    nym = Nym(
        issuer="https://coop.example", scope="who", secret="n-y-m", blind="b-l", commitment="point", made_at=MOMENT
    )
    wallet = Wallet(
        supplies=(whole_supply(),),
        copies=(copy,),
        nyms=(nym,),
        spent=("m",),
        authorities=(
            Authority(name="U", certificate="P", fingerprint="F", added_at=MOMENT, purposes=frozenset({Purpose.SITES})),
        ),
    )
    assert parse_state(build_state(wallet)) == wallet
    for secret in ("later", "KEY", "'t'", "'r'", "n-y-m", "b-l", "a proof value"):
        assert secret not in repr(wallet)


def test_what_a_newer_version_wrote_asks_for_an_update() -> None:
    with pytest.raises(sealed.NewerFormat, match="update Handstamp"):
        parse_state(first(format=4))


@pytest.mark.parametrize(
    "broken",
    [
        b'{"format": 0}',
        first(copies=[{"id": 1}]),
        first(collecting=[{"offer": "not an offer", "expires_at": "x", "waiting": []}]),
        first(collecting=[{}]),
        first(collecting=7),
    ],
)
def test_what_no_version_wrote_is_called_damage(broken: bytes) -> None:
    with pytest.raises(sealed.Damaged):
        parse_state(broken)

"""The canary audit: what the co-op knows of a person reaches no verifier, no trackserver, no log and no message.

Names, e-mail addresses and birth dates are planted at the co-op: of somebody who joined there, of a member who came by
an import and is an artist and a helper, too, and of somebody who used a download code. Everything that the co-op does
for people is done for them: membership, gift, refund, status lists, refresh, notification; in every form, proofs and
door passes too; gates that ask for each, and one that counts and keeps receipts. Then every byte that the verifier and
the trackserver wrote, every byte that passed over anybody's port, every log and every credential is searched for them,
plain, in hex and inside base64. The audit must find them at the co-op, or it proves nothing.
"""

import asyncio
import base64
import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

import pytest
import trustme
from fastapi import FastAPI

from handstamp.composition.issuer import compose_issuer
from handstamp.settings import IssuerSettings, Settings
from issuer.connectors.rows import read_source
from issuer.publishing import publish
from issuer.registers import Contribution, Persona, PersonaKind
from issuer.service.import_ledger import import_source
from issuer.service.registers import add_contribution, verify_artist
from issuer.store import Store
from plumbing.clock import system_clock
from plumbing.ids import new_public_id
from schemas import ALL
from tests.flows.conftest import CANARY, World
from tests.issuer.acts import copy_of, give, new_codes, redeem, take_back
from tests.issuer.conftest import Coop
from tests.support.audit import values
from tests.support.holder import Holder, request
from tests.support.pool import own_site
from tests.support.recording import disguises
from verifier.limits import Monthly
from verifier.proofs import Contributed, MemberOf, SpeaksFor
from wallet.linked import LinkedKind
from wallet.service.top_up import top_up

pytestmark = pytest.mark.slow

IMPORTED = {"name": "Ulfrun Canaryfield", "email": "ulfrun@canary.example", "birth-date": "1979-11-04"}
CODED = {"name": "Ishbel Canarywood", "email": "ishbel@canary.example", "birth-date": "2001-07-08"}
PUBLIC = ["openid-credential-issuer", "oauth-authorization-server", "jwt-vc-issuer", "did.json"]


@dataclass(frozen=True, kw_only=True)
class Used:
    """The world after everything was done in it, who is in it, and what their wallets hold."""

    world: World
    people: dict[str, dict[str, str]]
    wallets: list[Any]

    def facts(self) -> dict[str, str]:
        """Return whatever names a person."""
        each = {f"{who}'s {fact}": text for who, known in self.people.items() for fact, text in known.items()}
        return each | {f"half of {fact}": text.split()[-1] for fact, text in each.items()}


@pytest.fixture(scope="module")
def used(world: World, tmp_path_factory: pytest.TempPathFactory) -> Used:
    folder = tmp_path_factory.mktemp("canary")
    service = IssuerSettings(base_url=world.stage.addresses["issuer"])
    parts = compose_issuer(Settings(data_dir=world.stage.folder / "data", issuer=service))
    coop = Coop(parts=parts, app=FastAPI(), authority=trustme.CA(), now=system_clock())  # type: ignore[arg-type]
    imported = import_member(coop, str(world.release["id"]), folder / "import")
    coded = coop.listener(**{name.replace("-", "_"): text for name, text in CODED.items()})
    persona = enrol(coop, imported)
    owner, member = (Holder(folder=folder / name) for name in ("owner", "member"))
    for holder, listener in ((owner, world.listener), (member, imported)):
        holder.trust(world.stage.folder / "certificates" / "authority.pem")
        offer = coop.offer(listener)
        holder.receive({"link": parts.desk.by_reference(offer).to_link(), "code": coop.tx_code(offer)})
    asyncio.run(owner.redeem(world.gate))
    pass_every_gate(world, member, persona)
    track = str(world.release["tracks"][0]["id"])
    redeem(coop, coded, new_codes(coop, track)[0])
    give(coop, copy_of(coop, coded, track).id, coop.listener(name="Somebody Canarylost"))
    take_back(coop, copy_of(coop, imported, str(world.release["id"])).id)
    publish(parts, now=system_clock(), at_once=True)
    for holder in (owner, member):
        asyncio.run(top_up(tools=holder.tools))
    ask_everything_public(world)
    parts.database.close()
    return Used(
        world=world,
        people={
            "owner": {**CANARY, "account": world.listener},
            "member": {**IMPORTED, "account": imported},
            "code": {**CODED, "account": coded},
        },
        wallets=[holder.memory.load() for holder in (owner, member)],
    )


def import_member(coop: Coop, release: str, folder: Any) -> str:
    folder.mkdir()
    line = ",".join(IMPORTED[each] for each in ("email", "name", "birth-date"))
    (folder / "members.csv").write_text(f"email,name,birth_date,class,since\n{line},listener,2022-05-01\n", "utf-8")
    (folder / "purchases.csv").write_text(f"listener,release,at\n{IMPORTED['email']},{release},2025-01-02\n", "utf-8")
    with coop.parts.database.write() as session:
        import_source(Store(session), read_source(folder), now=coop.now)
    with coop.parts.database.read() as session:
        return Store(session).find_listener(IMPORTED["email"]).id


def enrol(coop: Coop, listener: str) -> str:
    """Let a member speak for a persona and have helped; return the persona."""
    helped = Contribution(id=new_public_id(), listener=listener, what="translation", role="none", period="2026-11")
    speaker = Persona(
        id="", listener=listener, name="Night Bus", kind=PersonaKind.ARTIST, vouched_by="a label", vouching="in person"
    )
    with coop.parts.database.write() as session:
        add_contribution(Store(session), helped, key=None, now=coop.now)
        return verify_artist(Store(session), speaker, random=coop.parts.random, now=coop.now).id


def pass_every_gate(world: World, member: Holder, persona: str) -> None:
    """Pass a gate for members of age, one for the artist, one for helpers, and one that counts and keeps receipts."""
    site, coop = own_site(world), world.stage.addresses["issuer"]
    gates = [
        site.gate(world.release_url(), others=(MemberOf.parse(coop, name="Co-op", over16=True),)),
        site.gate(world.release_url(), others=(SpeaksFor.parse(persona, name="Night Bus"),)),
        site.gate(world.release_url(), others=(Contributed.parse(coop, name="Co-op", contribution="translation"),)),
        site.gate(world.release_url(), limit=Monthly(times=2), takes_other_wallets=True),
    ]
    for gate in gates:
        asyncio.run(member.redeem(gate))
    site.tools.database.close()


def ask_everything_public(world: World) -> None:
    """Ask the co-op for all that anybody may read of it, through the tap."""
    coop = world.stage.addresses["issuer"]

    async def ask() -> None:
        lists = (await request("GET", f"{coop}/statuslists")).json()["status_lists"]
        types = [f"{coop}/types/{each.configuration_id}" for each in ALL]
        for url in [*(f"{coop}/.well-known/{each}" for each in PUBLIC), *types, *lists]:
            assert (await request("GET", url)).status_code == 200, url

    asyncio.run(ask())


def written_by(world: World, role: str) -> bytes:
    folder = world.stage.folder / "data" / role
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return b"\n".join(path.read_bytes() for path in [*files, world.stage.log_of(role)] if path.exists())


def holds(data: bytes, text: str) -> bool:
    return any(disguise in data for disguise in disguises(text))


def told(data: bytes, used: Used) -> set[str]:
    """Return the facts that data holds."""
    return {fact for fact, text in used.facts().items() if holds(data, text)}


def test_the_audit_finds_the_canaries_where_they_were_planted(used: Used) -> None:
    data = written_by(used.world, "issuer")
    assert told(data, used) == set(used.facts())


@pytest.mark.parametrize("role", ["verifier", "trackserver"])
def test_no_canary_is_in_a_database_or_log_of(role: str, used: Used) -> None:
    assert told(written_by(used.world, role), used) == set()


@pytest.mark.parametrize("role", ["verifier", "trackserver"])
def test_no_canary_passed_over_the_wire_of(role: str, used: Used) -> None:
    data = used.world.taps[role].everything()
    assert len(data) > 1000
    assert told(data, used) == set()


def test_no_canary_is_in_any_message_of_issuance_nor_in_what_the_co_op_publishes(used: Used) -> None:
    data = used.world.taps["issuer"].everything()
    for message in (b"POST /credential", b"POST /notification", b"refresh_token", b"GET /statuslists/", b"GET /types/"):
        assert message in data
    assert told(data, used) == set()


def test_no_canary_is_in_a_credential_or_in_what_a_wallet_keeps(used: Used) -> None:
    assert {copy.vct for wallet in used.wallets for copy in wallet.copies} == {each.vct for each in ALL}
    forms = {each.kind for wallet in used.wallets for copy in wallet.copies for each in copy.linked}
    assert forms == set(LinkedKind)
    members = [copy for wallet in used.wallets for copy in wallet.copies if "over16" in copy.claims]
    assert [copy.claims["over16"] for copy in members] == ["true"]
    data = "\n".join(values([json.loads(json.dumps(asdict(wallet), default=str)) for wallet in used.wallets])).encode()
    assert told(data, used) == set()


def test_no_canary_is_in_the_co_ops_own_log_nor_beyond_its_register_of_people(used: Used) -> None:
    assert told(used.world.stage.log_of("issuer").read_bytes(), used) == set()
    (path,) = (used.world.stage.folder / "data" / "issuer").glob("*.sqlite")
    database = sqlite3.connect(path)
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    names = {fact for fact in used.facts() if "account" not in fact}
    for table in set(tables) - {"listener"}:
        held = repr(database.execute(f'SELECT * FROM "{table}"').fetchall()).encode()  # noqa: S608
        assert told(held, used) & names == set(), table
    database.close()


def test_no_log_holds_a_code_a_token_or_a_path_with_an_identifier(used: Used) -> None:
    for role in ("issuer", "verifier", "trackserver"):
        log = used.world.stage.log_of(role).read_text("utf-8")
        assert '"route"' in log
        assert "127.0.0.1" not in "".join(line for line in log.splitlines() if '"event": "request"' in line)
        for secret in ("eyJ", "pre-authorized", "ticket=", "response_code=", str(used.world.release["id"])):
            assert secret not in log, (role, secret)


def test_the_audit_sees_through_base64() -> None:
    for padding in (b"", b"x", b"xy", b"xyz"):
        hidden = base64.urlsafe_b64encode(padding + CANARY["name"].encode() + b'"}').rstrip(b"=")
        assert holds(hidden, CANARY["name"])
    assert not holds(b"nothing of the kind", CANARY["name"])

"""The correlation audit for SD-JWT VC: two redemptions of one holder share nothing that could join them.

One wallet opens gates at two sites, with the JSON start and by a link, answering plainly and encrypted, and fetches the
files. Everything that it and its browser sent, and every row and log line that either site and the trackserver wrote
meanwhile, is pooled and taken apart down to single values. A value that comes back and is not on the short list of
`public` below would let them join the visits.

The co-op is left out of the pool on purpose: it signed each instance, so it and a site together can join visits. That
nothing else of issuance comes back at a gate is looked at in the end.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from credentials.encoding import base64url
from credentials.keys.certificates import load_chain_pem
from credentials.keys.jwk import PublicKey
from credentials.keys.signer import LocalSigner
from credentials.months import start_of_month
from credentials.protocols.openid4vp.metadata import OUR_WALLET
from plumbing.clock import system_clock
from schemas import RELEASE_OWNERSHIP, TRACK_OWNERSHIP
from tests.support.audit import Trace, http_values, repeated, rows, values
from tests.support.holder import BROWSER, Holder, request
from tests.support.pool import AuditedSite, Pool, another_site, own_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from tests.flows.conftest import World
    from wallet.state import Wallet

pytestmark = pytest.mark.slow

TAG = "handstamp-wallet build-7f3a9c21"
MARK = "7f3a9c21-holder"

# The same from every wallet and every browser of a kind.
CONSTANTS = [
    *("handstamp-wallet", BROWSER, "identity", "keep-alive", "gzip, deflate", "text/html"),
    *("application/json", "application/x-www-form-urlencoded", "application/oauth-authz-req+jwt"),
    *("host", "user-agent", "connection", "content-type", "content-length", "accept-language", "accept-encoding"),
    *("authorization", "handstamp_download"),
    OUR_WALLET,
]
# Names of members and parts in the protocols, and what services write of routes and states in rows and logs.
PROTOCOL = [
    *("vp_token", "response", "response_code", "status_list", "wallet_nonce", "wallet_metadata"),
    *("dc+sd-jwt", "kb+jwt", "dpop+jwt", "oauth-authz-req+jwt", "handstamp-grant+jwt", "ECDH-ES", "A256GCM"),
    *("same_device", "cross_device", "accepted", "vouched_by", "timestamp", "request_id", "duration_ms"),
    *("-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----END ENCRYPTED PRIVATE KEY-----"),
    *("/gates/{gate_id}/visits", "/requests/{request_id}", "/responses/{request_id}", "/visits/{visit_id}/grant"),
    *("/visits/{visit_id}", "/downloads/{download_id}", "/downloads/{download_id}/files/{file_id}"),
    # Who does something by itself: each says so every minute, and on a slow machine two redemptions take longer.
    *("verifier.sweep", "verifier.status_lists", "verifier.trust", "trackserver.sweep", "not_read", "not done"),
]


@dataclass(kw_only=True)
class Audited:
    """What the audit is about, once everything happened."""

    pool: Pool
    gates: dict[str, str]
    holder: Holder
    unused: Wallet
    issuance: Trace
    redemptions: list[Trace]
    asked_of_coop: bytes
    public: frozenset[str]
    began: datetime


@pytest.fixture(scope="module")
def audited(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    folder = tmp_path_factory.mktemp("correlation")
    began = system_clock()
    with ExitStack() as stack:
        sites = (own_site(world), another_site(world, stack, folder))
        stack.callback(sites[0].tools.database.close)
        pool = Pool(world=world, sites=sites)
        gates = {
            "own": sites[0].gate(world.release_url()),
            "track": sites[0].gate(f"{world.release_url()}#1"),
            "venue": sites[1].gate(world.release_url()),
        }
        holder = Holder(folder=folder)
        holder.trust(world.stage.folder / "certificates" / "authority.pem", folder / "authority.pem")
        coop = world.taps["issuer"]
        since = len(coop.chunks)
        holder.receive(world.json("issuer", "offer", world.listener))
        issuance = Trace("issuance")
        for stream in coop.asked(since):
            issuance.add(http_values(stream))
        holder.memory.change(_with_stamps_only)
        unused, since = holder.memory.load(), len(coop.chunks)
        lists = _published_lists(world)
        redemptions = [pool.watch(name, errand) for name, errand in _errands(holder, gates).items()]
        asked = b"".join(coop.asked(since))
        yield Audited(
            pool=pool,
            gates=gates,
            holder=holder,
            unused=unused,
            issuance=issuance,
            redemptions=redemptions,
            asked_of_coop=asked,
            # A list may be published anew in between.
            public=frozenset(values([_public(world, sites, gates, began), lists, _published_lists(world)])),
            began=began,
        )


def _errands(holder: Holder, gates: dict[str, str]) -> dict[str, Callable[[], None]]:
    return {
        "own gate, start": lambda: holder.redeem(gates["own"]),
        "own gate again, start": lambda: holder.redeem(gates["own"]),
        "gate of a track, link": lambda: holder.redeem_by_link(gates["track"]),
        "gate of another site, start, encrypted": lambda: holder.redeem(gates["venue"]),
        "gate of another site, link, encrypted": lambda: holder.redeem_by_link(gates["venue"]),
    }


def _with_stamps_only(wallet: Wallet) -> tuple[Wallet, None]:
    """Leave out what is shown by proofs, as in a wallet that knows nothing newer; `test_unlinkable` audits that."""
    return replace(wallet, copies=tuple(replace(copy, linked=()) for copy in wallet.copies)), None


def _public(world: World, sites: tuple[AuditedSite, ...], gates: dict[str, str], began: datetime) -> list[Any]:
    """List what two redemptions may share: what is the same for everybody who comes to these gates."""
    chain = load_chain_pem((world.stage.folder / "certificates" / "issuer.chain.pem").read_bytes())
    return [
        CONSTANTS,
        [[url, urlsplit(url).netloc] for url in (*world.stage.addresses.values(), sites[1].url)],
        PROTOCOL,
        # The co-op: its key, its certificates, the cohort's month and where its status lists are.
        chain.x5c(),
        PublicKey.from_cryptography(chain.leaf.public_key()).thumbprint,
        _ask(f"{world.stage.addresses['issuer']}/statuslists"),
        # Another month may have begun since.
        [start_of_month(moment) for moment in (began, system_clock())],
        # What is asked for and what opens: types, the release, its tracks and files.
        [RELEASE_OWNERSHIP.vct, TRACK_OWNERSHIP.vct],
        _ask(world.release_url()),
        [row[0] for table, row in rows(world.stage.folder / "data" / "trackserver") if table == "master"],
        f"{world.stage.addresses['trackserver']}/grants",
        # The sites: their gates and terms, the names that they ask under and the keys that they sign grants with.
        [[link, f"{link}/visits", urlsplit(link).path, f"{urlsplit(link).path}/visits"] for link in gates.values()],
        [[site.client_id, site.terms(), _ask(f"{site.url}/.well-known/jwks.json")] for site in sites],
    ]


def _published_lists(world: World) -> list[str]:
    """Fetch every status list as it is published now: the same bytes for everybody, which a site may keep."""
    addresses = _ask(f"{world.stage.addresses['issuer']}/statuslists")["status_lists"]
    return [
        asyncio.run(request("GET", url, headers={"Accept": "application/statuslist+jwt"})).text for url in addresses
    ]


def _ask(url: str) -> Any:
    return asyncio.run(request("GET", url, headers={"Accept": "application/json"})).json()


def found(audited: Audited, traces: Sequence[Trace] = ()) -> dict[str, list[str]]:
    """Return what repeats and is not public, but for the time: when something happened is known to all anyway."""
    repeats = repeated(traces or audited.redemptions, public=audited.public)
    return {value: names for value, names in repeats.items() if not _is_now(value, audited.began)}


def _is_now(value: str, began: datetime) -> bool:
    """Tell a second between the audit's begin and the end of a download, and a day with its hour."""
    if value.isdecimal():
        return began.timestamp() - 1 <= int(value) <= (system_clock() + timedelta(days=1)).timestamp()
    return re.fullmatch(rf"({began:%Y-%m-%d}|{system_clock():%Y-%m-%d})(T\d\d)?", value) is not None


def _keys(wallet: Wallet) -> set[str]:
    """Return the coordinates of every instance's public key."""
    pems = [instance.key for copy in wallet.copies for instance in copy.instances]
    return {part for pem in pems for part in values(LocalSigner.from_pem(pem.encode(), None).public_key.jwk)}


def test_two_redemptions_share_nothing_but_what_is_public(audited: Audited) -> None:
    assert all(len(trace.found) > 50 for trace in audited.redemptions)
    assert found(audited) == {}


def test_every_redemption_shows_an_entry_of_its_own_in_a_published_status_list(audited: Audited) -> None:
    lists = {value for value in audited.public if "/statuslists/" in value}
    shown = [
        [value for value in trace.found if value.partition("#")[0] in lists - {value}] for trace in audited.redemptions
    ]
    assert [len(entries) for entries in shown] == [1] * len(audited.redemptions)
    assert len({entry for entries in shown for entry in entries}) == len(shown)


def test_what_counts_as_public_holds_nothing_of_the_holder(audited: Audited) -> None:
    assert not {copy.id for copy in audited.unused.copies} & audited.public
    assert not _keys(audited.unused) & audited.public


def test_an_instance_that_is_shown_twice_and_a_header_of_its_own_are_found(audited: Audited) -> None:
    """Plant what must never be: a wallet that forgets what it showed, and says which wallet it is."""
    seen = []
    for visit in ("one", "two"):
        planted = Holder(folder=audited.holder.folder, user_agent=TAG)
        planted.memory.change(lambda _: (audited.unused, None))
        errand = functools.partial(planted.redeem, audited.gates["own"])
        seen.append(audited.pool.watch(f"planted, {visit}", errand))
    repeats = found(audited, seen)
    assert TAG in repeats
    first = next(copy for copy in audited.unused.copies if copy.vct == RELEASE_OWNERSHIP.vct).instances[0]
    signature = first.credential.partition("~")[0].rpartition(".")[2]
    assert signature in repeats
    assert signature in found(audited, [audited.redemptions[0], seen[0]])


def test_of_issuance_only_the_keys_of_instances_come_back_at_a_gate(audited: Audited) -> None:
    """The co-op knows each instance that it signed, and nothing else that it learnt is ever sent elsewhere."""
    for trace in audited.redemptions:
        assert set(found(audited, [audited.issuance, trace])) <= _keys(audited.unused)


def test_a_wallet_asks_the_co_op_nothing_while_it_opens_gates(audited: Audited) -> None:
    asked = set(re.findall(rb"(?m)^([A-Z]+ /[^ /?]*)", audited.asked_of_coop))
    # Sites look for lists, at their own hours: what one of them asks says nothing of a visit.
    assert asked <= {b"GET /statuslists", b"GET /.well-known"}


def _wrapped() -> dict[str, bytes]:
    """Hide a mark wherever a wallet or a site could put one."""
    claims = base64url.encode(json.dumps({"deep": [{"er": f"x {MARK}"}]}).encode())
    token = f"{base64url.encode(b'{}')}.{claims}.{base64url.encode(bytes(64))}"
    disclosure = base64url.encode(json.dumps(["salt-of-its-own", "name", {"_sd": [MARK]}]).encode())
    head = "POST /x HTTP/1.1\r\nhost: a\r\n"

    def form(**members: str) -> bytes:
        body = urlencode(members)
        return f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()

    return {
        "path": f"GET /gates/{MARK}/x HTTP/1.1\r\nhost: a\r\n\r\n".encode(),
        "query": f"GET /x?a=1&b={MARK} HTTP/1.1\r\nhost: a\r\n\r\n".encode(),
        "header": f"{head}x-device: v=1; id={MARK}\r\n\r\n".encode(),
        "name of a header": f"{head}{MARK}: 1\r\n\r\n".encode(),
        "form": form(state=MARK),
        "token in a form": form(vp_token=json.dumps({"q": [f"{token}~{disclosure}~"]})),
        "disclosure": form(vp_token=f"a~{disclosure}~"),
        "claims": f"{head}dpop: {token}\r\n\r\n".encode(),
        "second request of a connection": form(a="1") + form(a=MARK),
    }


@pytest.mark.parametrize("where", _wrapped())
def test_the_audit_looks_into_whatever_wraps_a_value(where: str) -> None:
    assert MARK in set(http_values(_wrapped()[where]))

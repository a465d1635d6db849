"""What all parties but the co-op record of a wallet's errands, pooled and cut into one trace for each errand."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import trustme
from sqlalchemy import text

from credentials.keys.encryption import decrypt
from credentials.protocols.openid4vp import Prefix
from handstamp.composition import trackserver as trackserver_composition
from handstamp.composition import verifier as verifier_composition
from handstamp.settings import Settings, TrackserverSettings, VerifierSettings
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher, Reach
from tests.support.audit import Trace, http_values, rows, values
from tests.support.recording import Recording, free_port, wire_tap
from trackserver.service.allow_verifier import allow_verifier, parse_verifier_keys
from trackserver.store.catalogue import SqlCatalogue
from trackserver.store.passes import SqlPins
from verifier.party import AnswerKeys
from verifier.service.add_gate import NewGate, ReleaseAddress, add_gate
from verifier.service.trust_issuer import trust_anchor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from handstamp.composition.verifier import VerifierTools
    from handstamp.demo.stage import Stage
    from tests.flows.conftest import World
    from verifier.gates import Gate
    from verifier.limits import Limit
    from verifier.proofs import Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedSite:
    """A site in a process of its own, behind a tap."""

    stage: Stage
    tap: Recording
    tools: VerifierTools

    @property
    def url(self) -> str:
        return self.tools.party.base_url

    @property
    def client_id(self) -> str:
        """The name that it asks under."""
        chain = self.tools.keys.chain(verifier_composition.REQUEST_KEY)
        assert chain is not None
        return replace(self.tools.party, x5c=tuple(chain.x5c())).client_id("")

    def terms(self) -> list[str]:
        """Return the hashes of its gates' terms, which its counts are kept under."""
        with self.tools.work.read() as stores:
            return [gate.terms.digest for gate in stores.load_gates(self.tools.party.site)]

    def gate(
        self,
        release_url: str,
        *,
        limit: Limit | None = None,
        others: tuple[Proof, ...] = (),
        takes_other_wallets: bool = False,
    ) -> str:
        """Put up a gate to a release, for its owners or for whoever shows one of `others`; return its link."""
        address = ReleaseAddress.parse(release_url)
        new = NewGate(address=address, others=others, limit=limit, takes_other_wallets=takes_other_wallets)

        async def make() -> Gate:
            async with HttpFetcher(Reach.LOOPBACK) as fetcher:
                return await add_gate(self.tools.work, new, party=self.tools.party, fetcher=fetcher, now=system_clock())

        return self.tools.party.gate_url(asyncio.run(make()).gate_id)

    def rows(self) -> set[Any]:
        return rows(self.tools.folder)

    def opened(self, stream: bytes) -> Iterator[str]:
        """Yield the values of encrypted answers, which the site can read."""
        secret = AnswerKeys(self.tools.keys.secret("answers"))
        kept = [kept for (kept,) in self._answer_keys()]
        keys = {key.kid: key for key in map(secret.open, kept)}
        for sealed in re.findall(rb"(?:^|\r\n)response=([^&\s]+)", stream):
            yield from values(decrypt(unquote_plus(sealed.decode()), keys=keys, max_bytes=1_000_000).payload)

    def _answer_keys(self) -> list[Any]:
        with self.tools.database.read() as session:
            return list(session.connection().execute(text("SELECT answer_key FROM requests WHERE answer_key NOTNULL")))


def own_site(world: World) -> AuditedSite:
    """Return the world's own site."""
    settings = Settings(
        data_dir=world.stage.folder / "data",
        verifier=VerifierSettings(base_url=world.stage.addresses["verifier"]),
    )
    tools = verifier_composition.compose_verifier(settings)
    return AuditedSite(stage=world.stage, tap=world.taps["verifier"], tools=tools)


def another_site(world: World, stack: ExitStack, folder: Path) -> AuditedSite:
    """Start a second site: by certificate hash, by POST, encrypted; its authority's certificate lies in `folder`."""
    public, inner = free_port(), free_port()
    url = f"http://venue.localhost:{public}"
    service = VerifierSettings(
        base_url=url, port=inner, client_id_prefix=Prefix.X509_HASH, request_uri_post=True, encrypted_answers=True
    )
    settings = Settings(data_dir=folder / "data", verifier=service)
    tools = verifier_composition.compose_verifier(settings)
    stack.callback(tools.database.close)
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    leaf = authority.issue_cert("venue.localhost", key_type=trustme.KeyType.ECDSA)
    chain = b"".join(part.bytes() for part in leaf.cert_chain_pems)
    tools.keys.install(verifier_composition.REQUEST_KEY, key_pem=leaf.private_key_pem.bytes(), chain_pem=chain)
    anchor = (world.stage.folder / "certificates" / "authority.pem").read_bytes()
    trust_anchor(
        tools.work, world.stage.addresses["issuer"], anchor, name="Co-op", party=tools.party, now=system_clock()
    )
    tap = stack.enter_context(wire_tap(public, inner))
    chosen = {
        "DATA_DIR": str(folder / "data"),
        "VERIFIER__BASE_URL": url,
        "VERIFIER__PORT": str(inner),
        "VERIFIER__CLIENT_ID_PREFIX": service.client_id_prefix.value,
        "VERIFIER__REQUEST_URI_POST": "true",
        "VERIFIER__ENCRYPTED_ANSWERS": "true",
    }
    stage = type(world.stage)(
        folder=folder,
        addresses={**world.stage.addresses, "verifier": url},
        environment={**world.stage.environment, **{f"HANDSTAMP_{name}": value for name, value in chosen.items()}},
    )
    process = stage.start("verifier")
    stack.callback(process.wait)
    stack.callback(process.terminate)
    stage.wait("verifier", process)
    _allow(world, url)
    return AuditedSite(stage=stage, tap=tap, tools=tools)


def _allow(world: World, url: str) -> None:
    """Let a site open the world's release."""
    service = TrackserverSettings(base_url=world.stage.addresses["trackserver"])
    parts = trackserver_composition.compose_trackserver(
        Settings(data_dir=world.stage.folder / "data", trackserver=service)
    )

    async def ask() -> bytes:
        async with HttpFetcher(Reach.LOOPBACK) as fetcher:
            return (await fetcher.request("GET", f"{url}/.well-known/jwks.json")).body

    keys = parse_verifier_keys(asyncio.run(ask()))
    with parts.database.write() as session:
        catalogue, pins = SqlCatalogue(session), SqlPins(session)
        allow_verifier(catalogue, pins, issuer=url, release_id=str(world.release["id"]), keys=keys, now=system_clock())
    parts.database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Everything that sites and trackserver get and write."""

    world: World
    sites: tuple[AuditedSite, ...]

    def watch(self, name: str, errand: Callable[[], Coroutine[Any, Any, None]]) -> Trace:
        """Run an errand, and return what it left behind."""
        taps = [self.world.taps["trackserver"], *(site.tap for site in self.sites)]
        heard = [len(tap.chunks) for tap in taps]
        before, written = self._rows(), [len(log.read_bytes()) for log in self._logs()]
        asyncio.run(errand())
        trace = Trace(name)
        for tap, since in zip(taps, heard, strict=True):
            for stream in tap.asked(since):
                trace.add(http_values(stream))
        for site, since in zip(self.sites, heard[1:], strict=True):
            for stream in site.tap.asked(since):
                trace.add(site.opened(stream))
        for _, row in self._rows() - before:
            trace.add(values(row))
        for log, end in zip(self._logs(), written, strict=True):
            for line in log.read_bytes()[end:].splitlines():
                trace.add(values(line))
        return trace

    def _rows(self) -> set[Any]:
        stored = rows(self.world.stage.folder / "data" / "trackserver")
        return stored.union(*(site.rows() for site in self.sites))

    def _logs(self) -> list[Path]:
        return [self.world.stage.log_of("trackserver"), *(site.stage.log_of("verifier") for site in self.sites)]

"""A co-op and sites as they are composed, each on a loopback port of its own, for independent code that speaks HTTP."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from credentials.dids import multikey_url
from credentials.encoding import base64url
from credentials.trust import TrustedIssuer
from handstamp.composition import issuer as issuer_composition
from handstamp.composition import verifier as verifier_composition
from handstamp.composition.issuer_service import compose_service
from handstamp.composition.verifier_service import build_app as build_verifier_app
from handstamp.settings import IssuerSettings, Settings, VerifierSettings
from issuer.app import build_app as build_issuer_app
from issuer.publishing import publish
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher, Reach
from schemas import ALL
from tests.issuer.acts import enrol, take_back
from tests.issuer.conftest import Coop
from tests.support.outside import Memory
from tests.support.recording import free_port
from tests.support.town import serving
from tests.support.waiting import PATIENCE_S
from tests.verifier.conftest import make_gate
from verifier.visits import Accepted
from wallet.ports import Tools
from wallet.service.receive import read_offer, receive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from issuer.identity import Identity
    from plumbing.keystore import KeyStore
    from tests.support.outside import Authority
    from verifier.ports import Work
    from verifier.proofs import Requirement
    from wallet.state import Copy


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit that a browser began, and the links of its two requests."""

    id: str
    same_device: str
    cross_device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site whose gates wallets come to."""

    url: str
    work: Work

    def visit(self, requirement: Requirement) -> Visit:
        """Put a gate up and go there with a browser."""
        gate = make_gate(requirement, clock=system_clock)  # type: ignore[arg-type]
        with self.work.write() as stores:
            stores.save_gate(gate, now=system_clock())
        here = httpx.URL(self.url)
        started = httpx.post(
            f"http://127.0.0.1:{here.port}/gates/{gate.gate_id}/visits",
            headers={"Accept": "application/json", "Host": here.netloc.decode()},
            trust_env=False,
            timeout=PATIENCE_S,
        )
        assert started.status_code == 201, started.text
        said = started.json()
        return Visit(said["visit"].rpartition("/")[2], said["same_device"], said["cross_device"])

    def is_open(self, visit: Visit) -> bool:
        """Tell whether an answer opened the gate."""
        with self.work.read() as stores:
            return isinstance(stores.load_visit(visit.id), Accepted)


def build_coop(folder: Path, authority: Authority, url: str) -> Coop:
    """Put a co-op together that has one release in its catalogue; close its database in the end."""
    settings = Settings(data_dir=folder / "coop", issuer=IssuerSettings(base_url=url, status_batch_minutes=1))
    certify(issuer_composition.issuer_keys(settings), issuer_composition.KEY_NAME, url, authority)
    parts = compose_service(settings)
    coop = Coop(parts=parts, app=build_issuer_app(parts), authority=authority.ca, now=system_clock())
    coop.add_release()
    return coop


@contextmanager
def live_coop(folder: Path, authority: Authority) -> Iterator[Coop]:
    """Serve a co-op."""
    port = free_port()
    coop = build_coop(folder, authority, f"http://coop.localhost:{port}")
    with serving(lambda _: coop.app, port):
        yield coop
    coop.parts.database.close()


@contextmanager
def live_site(
    folder: Path, authority: Authority, coop: str, *, name: str, linked: Identity | None = None, **settings: Any
) -> Iterator[Site]:
    """Serve a site that trusts a co-op, with the keys of linked credentials if it pins these as well."""
    port = free_port()
    url = f"http://{name}.localhost:{port}"
    chosen = Settings(data_dir=folder / name, verifier=VerifierSettings(base_url=url, **settings))
    tools = verifier_composition.compose_verifier(chosen)
    certify(tools.keys, verifier_composition.REQUEST_KEY, url, authority)
    known = TrustedIssuer(
        issuer=coop, name="Co-op", anchors=(authority.pem,), types=frozenset(each.vct for each in ALL)
    )
    if linked is not None:
        published = linked.linked.signer.public_key
        known = replace(
            known,
            did=linked.did,
            bbs_keys={linked.linked.method_of(kind, linked.did): linked.linked.of(kind).public_key for kind in ALL},
            public_keys={multikey_url(linked.did, published): published},
        )
    with tools.work.write() as stores:
        stores.save_issuer("main", known, now=system_clock())
    with serving(lambda _: build_verifier_app(chosen), port):
        yield Site(url=url, work=tools.work)
    tools.database.close()


def owner_of_everything(coop: Coop) -> str:
    """Add a listener of whom the co-op can say all that it says of anybody: five types, one copy of each."""
    listener = coop.owner()
    enrol(coop, listener)
    return listener


def take_back_now(coop: Coop, copy_id: str) -> None:
    """Refund a copy and publish it at once, as if the batch were due."""
    take_back(coop, copy_id)
    publish(coop.parts, now=system_clock() + coop.parts.schedule.batch)


def make_offer(coop: Coop, listener: str, *, kinds: frozenset[str] | None = None) -> dict[str, str]:
    """Offer what a listener has, all of it or some kinds: the link, by reference, and the transaction code."""
    chosen = [copy.id for copy in coop.copies(listener) if kinds is None or copy.kind.value in kinds]
    coop.now = system_clock()  # it is good for some minutes, however long ago the co-op was opened
    offer = coop.offer(listener, chosen)
    return {"offer": coop.parts.desk.by_reference(offer).to_link(), "txCode": coop.tx_code(offer)}


def certify(keys: KeyStore, name: str, url: str, authority: Authority) -> None:
    signer, chain = authority.certify(httpx.URL(url).host)
    pem = b"".join(each.public_bytes(Encoding.PEM) for each in chain.certificates)
    keys.install(name, key_pem=signer.to_pem(None), chain_pem=pem)


def foreign_party(authority: Authority, host: str) -> dict[str, Any]:
    """Certify a host whose key somebody else's code is to hold: the private key as a JWK, and the certificates."""
    signer, chain = authority.certify(host)
    key = load_pem_private_key(signer.to_pem(None), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    secret = base64url.encode(key.private_numbers().private_value.to_bytes(32))
    return {"privateJwk": {**signer.public_key.jwk, "d": secret}, "x5c": list(chain.x5c())}


def new_wallet(authority: Authority, transport: httpx.AsyncBaseTransport | None = None) -> tuple[Tools, Memory]:
    """Make an empty wallet that trusts an authority; it speaks over `transport`, or over real connections."""
    memory = Memory()
    memory.pin(authority)

    def web(first_party: str) -> HttpFetcher:
        return HttpFetcher(Reach.of(first_party), user_agent="handstamp-wallet", transport=transport)

    return Tools(keeper=memory, web=web, clock=system_clock, random=secrets.token_bytes), memory


async def take(tools: Tools, offer: str, code: str | None = None) -> tuple[Copy, ...]:
    """Receive an offer, as `handstamp wallet receive` does."""
    return await receive(await read_offer(offer, tools=tools), tools=tools, tx_code=code)

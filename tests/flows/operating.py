"""What operators do in flows: they type commands, in this process, and wait while a clock is moved that else stands."""

from __future__ import annotations

import io
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import trustme
import typer
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from credentials.keys.signer import LocalSigner
from credentials.status import StatusPolicy
from credentials.trust.coop_list import sign_description
from handstamp.cli import app
from issuer.copies import CopyKind
from issuer.store import Store
from plumbing import repeating
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher, Reach
from plumbing.key_turning import LEAD
from tests.support.standing import Standing, stop_the_clock
from tests.support.town import elsewhere, serving
from verifier.statuses import StatusKeeper

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from credentials.encoding import strict_json
    from tests.support.town import Town


def stand_still(patch: pytest.MonkeyPatch) -> None:
    """Stop the clock, and what services do by themselves now and then: nothing happens that no flow asks for."""

    async def never(*_: object, **__: object) -> None:
        return

    stop_the_clock(patch)
    patch.setattr(repeating, "_for_ever", never)


def wait(**time: float) -> None:
    Standing.moment += timedelta(**time)


def name_the_settings(built: Town, patch: pytest.MonkeyPatch) -> None:
    """Let commands find the town's settings."""
    roles = {each: getattr(built.settings, each) for each in ("issuer", "trackserver", "verifier")}
    lines = [f'data_dir = "{built.settings.data_dir}"']
    for role, settings in roles.items():
        lines += [f"[{role}]", f'base_url = "{settings.base_url}"', f"port = {settings.port}"]
    file = built.folder / "handstamp.toml"
    file.write_text("\n".join(lines), "utf-8")
    patch.setenv("HANDSTAMP_CONFIG", str(file))


def type_in(*words: str) -> None:
    """Run a command as it is typed."""
    typer.main.get_command(app).main(list(words), prog_name="handstamp", standalone_mode=False)


def take_back(built: Town) -> None:
    """Refund a copy and publish; the site then fetches every list."""
    listener = built.buyer()
    with built.issuer.database.read() as session:
        (copy,) = [each.id for each in Store(session).copies(listener) if each.kind is CopyKind.RELEASE]
    type_in("issuer", "refund", copy)
    type_in("issuer", "publish", "--now")
    fetch_lists(built)


def fetch_lists(built: Town) -> None:
    """Let the site fetch every status list that is due, as it does by itself now and then."""

    async def fetch() -> None:
        async with HttpFetcher(Reach.LOOPBACK) as fetcher:
            site = built.verifier
            keeper = StatusKeeper(site.work, fetcher, party=site.party, policy=StatusPolicy.REFUSE)
            assert (await keeper.refresh(now=system_clock()))["failed"] == 0

    elsewhere(fetch())


@contextmanager
def federation() -> Iterator[str]:
    """Serve a signed list of co-ops; give its address."""
    signed: list[str] = []

    def build(port: int) -> Any:
        url = f"http://federation.localhost:{port}/coops"
        member = {"issuer": "https://coop.example", "name": "Another", "types": ["urn:a"]}
        keys: strict_json.Json = {"keys": [LocalSigner.generate().public_key.jwk]}
        listed = {"url": url, "name": "All of us", "version": 1, "days": 30, "members": [{**member, "jwks": keys}]}
        signed.extend((url, sign_description(listed, signer=LocalSigner.generate(), now=system_clock())))
        return Starlette(routes=[Route("/coops", lambda _: PlainTextResponse(signed[1]))])

    with serving(build):
        yield signed[0]


def set_up_trust(built: Town) -> None:
    """Let the site trust a co-op and follow a list, the trackserver allow the site, and a wallet pin an authority."""
    type_in("verifier", "trust", built.coop_url, "--yes")
    with federation() as url:
        type_in("verifier", "trust", "--list", url, "--yes")
        type_in("verifier", "refresh")
        type_in("verifier", "distrust", "--list", url)
    type_in("tracks", "allow", built.artist_url, "--release", built.release, "--yes")
    built.wallet()


def trust_by_did(built: Town) -> None:
    """Let the site know the co-op by its DID, whose keys are read anew."""
    host = built.coop_url.removeprefix("http://").replace(":", "%3A")
    type_in("verifier", "distrust", built.coop_url)
    type_in("verifier", "trust", f"did:web:{host}", "--yes")


def turn_keys(built: Town) -> None:
    """Exchange the keys of the co-op, and that of the site for grants, as `docs/operations.md` says."""
    leaf = built.authority.issue_cert("coop.localhost", key_type=trustme.KeyType.ECDSA)
    key, chain = built.folder / "key.pem", built.folder / "chain.pem"
    key.write_bytes(leaf.private_key_pem.bytes())
    chain.write_bytes(b"".join(part.bytes() for part in leaf.cert_chain_pems))
    type_in("issuer", "keys", "import", "--key", str(key), "--chain", str(chain))
    type_in("verifier", "refresh")
    wait(seconds=LEAD.total_seconds() + 60)
    fetch_lists(built)
    type_in("issuer", "keys", "rotate", "proofs")
    type_in("verifier", "keys", "rotate", "grants")
    type_in("tracks", "allow", built.artist_url, "--again", "--yes")
    type_in("verifier", "keys", "use")
    wait(minutes=61)
    type_in("verifier", "keys", "rotate", "secrets")


def hang_poster(built: Town, gate: str) -> str:
    """Draw the poster of a door; return what it says."""
    file = built.folder / "poster.svg"
    type_in("door", gate, "--poster", str(file))
    return file.read_text("utf-8")


def scan(gate: str, passes: str, patch: pytest.MonkeyPatch) -> None:
    """Stand at a door with a hand scanner."""
    with patch.context() as scanning:
        scanning.setattr("sys.stdin", io.StringIO(f"{passes}\n"))
        type_in("door", gate)


def meet(built: Town, gate: str) -> None:
    """Let a door compare with another device what they let in."""
    file = built.folder / "memory.json"
    type_in("door", gate, "--remember", str(file))
    type_in("door", gate, "--meet", str(file))

"""The page about the wallet as a library does what it says: its examples are run, one after another."""

import ast
import inspect
import re
import types
from functools import partial
from pathlib import Path

import pytest

import plumbing.clock
import plumbing.fetch
from credentials.protocols.dcql import LDP_VC, SUBJECT, ClaimQuery, CredentialQuery, CredentialSet, Query
from credentials.protocols.openid4vp.metadata import ClientMetadata
from schemas import RELEASE_OWNERSHIP
from tests.support.hostile_site import GATE, HostileSite, asking
from tests.support.linked_issuer import LinkedIssuer
from tests.support.outside import NOW, Authority, Outside
from wallet import sealed
from wallet.service import export_wallet

PAGE = Path(__file__).parents[2] / "docs" / "wallet-library.md"


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def in_both_forms() -> Query:
    """Ask for a release by a proof or, of a wallet that has none, by a stamp."""
    (stamp,) = asking("release").credentials
    proof = CredentialQuery(
        id="proof",
        format=LDP_VC,
        type_values=(RELEASE_OWNERSHIP.type_iris,),
        claims=(ClaimQuery(path=(SUBJECT, "release")),),
        require_cryptographic_holder_binding=False,
    )
    return Query(credentials=(proof, stamp), credential_sets=(CredentialSet(options=(("proof",), (stamp.id,))),))


async def test_every_example_on_the_page_runs_in_its_order(
    outside: Outside, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = LinkedIssuer.open(outside, authority, identifiers=("ep", "track", "ep.pseudonym", "ep.door", "ep.bbs"))
    site = HostileSite.open(outside, authority)
    site.query = in_both_forms()
    site.changes = {"client_metadata": ClientMetadata(linked_suites=("bbs-2023",))}
    (tmp_path / "authority.pem").write_bytes(authority.pem)
    monkeypatch.chdir(tmp_path)
    # The world of the page is the test's: its parties, its time, and cheap passphrases.
    monkeypatch.setattr(plumbing.fetch, "HttpFetcher", lambda reach, **_: outside.web(f"http://{HOSTS[reach]}"))
    monkeypatch.setattr(plumbing.clock, "system_clock", lambda: NOW)
    monkeypatch.setattr(sealed, "Cost", partial(sealed.Cost, memory_kib=64, iterations=1, lanes=1))
    names: dict[str, object] = {"offer_link": other.offer_link(), "request_link": site.link(), "gate_link": GATE}
    for example in examples():
        code = compile(example, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = types.FunctionType(code, names)()
        if inspect.isawaitable(running):
            await running
    assert len(examples()) == 12
    assert export_wallet.ONE_OF_THEM in names.values()
    assert other.violations == []


HOSTS = {plumbing.fetch.Reach.LOOPBACK: "coop.localhost", plumbing.fetch.Reach.PUBLIC: "coop.example"}

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
from tests.support.hostile_site import HostileSite
from tests.support.other_issuer import OtherIssuer
from tests.support.outside import NOW, Authority, Outside
from wallet import sealed
from wallet.service import export_wallet

PAGE = Path(__file__).parents[2] / "docs" / "wallet-library.md"


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


async def test_every_example_on_the_page_runs_in_its_order(
    outside: Outside, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = OtherIssuer.open(outside, authority, identifiers=("ep", "track"))
    site = HostileSite.open(outside, authority)
    (tmp_path / "authority.pem").write_bytes(authority.pem)
    monkeypatch.chdir(tmp_path)
    # The world of the page is the test's: its parties, its time, and cheap passphrases.
    monkeypatch.setattr(plumbing.fetch, "HttpFetcher", lambda reach, **_: outside.web(f"http://{HOSTS[reach]}"))
    monkeypatch.setattr(plumbing.clock, "system_clock", lambda: NOW)
    monkeypatch.setattr(sealed, "Cost", partial(sealed.Cost, memory_kib=64, iterations=1, lanes=1))
    names: dict[str, object] = {"offer_link": other.offer_link(), "request_link": site.link()}
    for example in examples():
        code = compile(example, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = types.FunctionType(code, names)()
        if inspect.isawaitable(running):
            await running
    assert len(examples()) == 10
    assert export_wallet.ONE_OF_THEM in names.values()
    assert other.violations == []


HOSTS = {plumbing.fetch.Reach.LOOPBACK: "coop.localhost", plumbing.fetch.Reach.PUBLIC: "coop.example"}

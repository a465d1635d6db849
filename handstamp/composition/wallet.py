"""The wallet put together: the encrypted file, the network with its rules, the clock."""

import secrets
from contextlib import AbstractAsyncContextManager
from typing import Final

from handstamp.settings import Settings
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher, Reach
from wallet.ports import Keeper, Tools, Web
from wallet.sealed import Cost
from wallet.vault import Vault

USER_AGENT: Final = "handstamp-wallet"
"""The same for every wallet of every version: it tells sites nothing."""


def create_wallet(settings: Settings, passphrase: str, *, cost: Cost | None = None) -> Tools:
    """Make a new wallet file where the settings say, and return what its use cases need."""
    return compose_tools(Vault.create(settings.wallet_file(), passphrase, cost=cost))


def compose_tools(keeper: Keeper) -> Tools:
    """Return what the use cases need around an opened wallet."""
    return Tools(keeper=keeper, web=open_web, clock=system_clock, random=secrets.token_bytes)


def open_web(first_party: str) -> AbstractAsyncContextManager[Web]:
    """Open the network for one errand: one that begins on this machine stays here, any other never comes here."""
    return HttpFetcher(Reach.of(first_party), user_agent=USER_AGENT)

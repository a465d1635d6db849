"""The secrets behind pseudonyms: made by this wallet, once for each scope, and committed to in the same way each time.

The co-op keeps one commitment for each scope for life. So a nym is on the disk before its commitment is sent: one that
was sent and then lost would be accepted, and never be of use again.
"""

from dataclasses import replace
from typing import Final

from credentials.bbs import ProverBlind, ProverNym, check_nym_commitment, commit_nym
from credentials.encoding import base64url
from wallet.linked import Nym
from wallet.ports import Tools
from wallet.state import Wallet

_WHAT: Final = "nym in the wallet"


def nym_for(issuer: str, scope: str, *, tools: Tools) -> Nym:
    """Return the nym of a scope, after making and keeping one if there is none."""
    found = tools.keeper.load().nym(issuer, scope)
    if found:
        return found
    # Made once: a change that is gathered is applied again when it is written.
    made = _make(issuer, scope, tools)
    return tools.keeper.change(lambda wallet: _keep(wallet, made))


def commit(nym: Nym, *, tools: Tools) -> bytes:
    """Return a commitment to a nym, with a fresh proof that it is known; its point is always the same."""
    committed = commit_nym(read_secret(nym), random=tools.random, blind=read_blind(nym))
    return committed.commitment_with_proof


def accepted(wallet: Wallet, nym: Nym, *, tools: Tools) -> Wallet:
    """Return the wallet in which the co-op is known to have taken a nym."""
    return wallet if nym.accepted_at else wallet.with_nym(replace(nym, accepted_at=tools.clock()))


def read_secret(nym: Nym) -> ProverNym:
    """Return the secret of a nym, as the kernel takes it."""
    return ProverNym.from_bytes(base64url.decode(nym.secret, what=_WHAT))


def read_blind(nym: Nym) -> ProverBlind:
    """Return the blind of a nym, as the kernel takes it."""
    return ProverBlind.from_bytes(base64url.decode(nym.blind, what=_WHAT))


def _keep(wallet: Wallet, made: Nym) -> tuple[Wallet, Nym]:
    # Another process may have made one since.
    found = wallet.nym(made.issuer, made.scope)
    return (wallet, found) if found else (wallet.with_nym(made), made)


def _make(issuer: str, scope: str, tools: Tools) -> Nym:
    secret = ProverNym.generate(tools.random)
    committed = commit_nym(secret, random=tools.random)
    return Nym(
        issuer=issuer,
        scope=scope,
        secret=base64url.encode(secret.to_bytes()),
        blind=base64url.encode(committed.blind.to_bytes()),
        commitment=base64url.encode(check_nym_commitment(committed.commitment_with_proof)),
        made_at=tools.clock(),
    )

"""The number that a listener's wallet shows at a gate that counts, in each form in which it could be kept.

The demo has everything on one machine: it opens the wallet with its passphrase and the gate with its key, which no
single party could, so that it can search for what would come back at a second visit.
"""

import base64
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

from credentials.bbs import BbsPublicKey
from credentials.data_integrity import bbs_2023
from credentials.encoding import base64url, strict_json
from handstamp.composition.verifier import compose_verifier
from handstamp.demo.stage import SHOP, DemoFailed, Stage
from handstamp.settings import Settings, VerifierSettings
from schemas import RELEASE_OWNERSHIP
from verifier.gates import Gate
from verifier.limits import PSEUDONYM, build_mark
from wallet.linked import LinkedCredential, LinkedKind, Nym
from wallet.nyms import read_blind, read_secret
from wallet.state import Copy, Wallet
from wallet.vault import Vault

_HEADER: Final = bytes(32)
_WHAT: Final = "credential in the wallet"


def open_listeners_wallet(stage: Stage) -> Wallet:
    """Return what the listener's wallet holds."""
    passphrase = (stage.folder / "passphrase").read_text("utf-8")
    return Vault.open(stage.data_of("wallet") / "wallet.handstamp", passphrase).load()


def numbers_at(stage: Stage, site: str, wallet: Wallet) -> dict[str, frozenset[bytes]]:
    """Return, for each gate of a site by its link, all forms of the number that the listener has there.

    A gate without a limit asks for none; it is looked for all the same.
    """
    issuer, number = _numbers(wallet)
    gates = _gates(stage, site)
    return {link: frozenset(_forms(number(link), gate, issuer)) for link, gate in gates.items()}


def digests_at(stage: Stage, site: str) -> frozenset[bytes]:
    """Return what a site writes for the terms of its gates, which everybody agrees to."""
    gates = _gates(stage, site).values()
    return frozenset(
        form
        for gate in gates
        for form in (gate.terms.digest.encode(), base64url.decode(gate.terms.digest, what="hash"))
    )


def _gates(stage: Stage, site: str) -> dict[str, Gate]:
    settings = Settings(
        data_dir=stage.data_of(site) if site == SHOP else stage.folder / "data",
        verifier=VerifierSettings(base_url=stage.addresses[site]),
    )
    tools = compose_verifier(settings)
    with closing(tools.database), tools.work.read() as stores:
        return {tools.party.gate_url(gate.gate_id): gate for gate in stores.load_gates(tools.party.site)}


def _forms(number: bytes, gate: Gate, issuer: str) -> Iterator[bytes]:
    yield from _spellings(number)
    if gate.counting is not None:
        value = base64url.encode(number)
        yield from _spellings(build_mark(gate.counting.key, issuer=issuer, claim=PSEUDONYM, value=value))


def _spellings(data: bytes) -> tuple[bytes, ...]:
    return (data, base64url.encode(data).encode(), base64.b64encode(data), data.hex().encode())


def _numbers(wallet: Wallet) -> tuple[str, Callable[[str], bytes]]:
    """Return the co-op, and what makes a proof for a domain as the wallet would and returns the pseudonym in it."""
    copy, linked, nym = _release(wallet)
    key = BbsPublicKey.from_multikey(linked.issuer_key, what=_WHAT)
    base = bbs_2023.open_base(
        strict_json.parse_object(linked.credential.encode(), what=_WHAT),
        public_key=key,
        prover_nym=read_secret(nym),
        blind=read_blind(nym),
    )

    def number(domain: str) -> bytes:
        shown = bbs_2023.derive(
            base, selective=(), presentation_header=_HEADER, nym_domain=domain, random=secrets.token_bytes
        )
        return bbs_2023.verify_derived(shown, public_key=key).pseudonym or b""

    return copy.issuer, number


def _release(wallet: Wallet) -> tuple[Copy, LinkedCredential, Nym]:
    """Return the release, by which its tracks count too, with what its numbers come from."""
    for copy in wallet.copies:
        for linked in copy.linked:
            nym = wallet.nym_of(copy, linked)
            if copy.vct == RELEASE_OWNERSHIP.vct and linked.kind is LinkedKind.PSEUDONYM and nym is not None:
                return copy, linked, nym
    raise DemoFailed("Looking into the wallet", "it holds no stamp that shows a number")

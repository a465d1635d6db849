"""What the tests of hostile requests for credentials have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from credentials.keys.signer import LocalSigner

if TYPE_CHECKING:
    from issuer.offers import Open
    from tests.issuer.conftest import Wallet


@dataclass
class Holding:
    """A wallet with a token."""

    wallet: Wallet
    offer: Open
    token: str

    @property
    def identifier(self) -> str:
        return self.offer.copies[0].id

    async def body(self, keys: list[LocalSigner] | None = None, **changed: Any) -> dict[str, Any]:
        proofs = self.wallet.key_proofs(await self.wallet.nonce(), keys or [LocalSigner.generate()])
        return {"credential_identifier": self.identifier, "proofs": {"jwt": proofs}, **changed}

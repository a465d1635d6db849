"""What a co-op demands of wallets: by default little, so that every wallet works; in HAIP mode what HAIP 1.0 says."""

from dataclasses import dataclass

from credentials.protocols.openid4vci import AttestationRules


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletPolicy:
    """What wallets must bring.

    Attributes:
        haip: demand DPoP, a wallet attestation at the token endpoint and attested keys (HAIP 1.0 §4).
        attesters: authorities that certify who may vouch for wallets and their keys, PEM.
    """

    haip: bool = False
    attesters: tuple[bytes, ...] = ()

    @property
    def keys(self) -> AttestationRules:
        """What is made of key attestations."""
        return AttestationRules(anchors=self.attesters, required=self.haip)

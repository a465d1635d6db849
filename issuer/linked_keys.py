"""The keys of linked credentials: one BBS key for each type, and one that signs what is published.

One BBS key per type, because a proof says which key signed: were there more, or one for several types, the key would
tell holders apart, or a type would tell what else its key signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from credentials.bbs import BbsSecretKey
from credentials.encoding.strict_json import Json
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner, Signer
from schemas import ALL, CredentialType


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinkedKeys:
    """What signs linked credentials.

    Attributes:
        bbs: by the configuration id of the type.
        signer: an Ed25519 key, for credentials that are published.
    """

    bbs: Mapping[str, BbsSecretKey]
    signer: Signer

    @classmethod
    def generate(cls) -> Self:
        """Make keys that are kept nowhere."""
        return cls(
            bbs={kind.configuration_id: BbsSecretKey.generate() for kind in ALL},
            signer=LocalSigner.generate(KeyKind.ED25519),
        )

    def of(self, kind: CredentialType) -> BbsSecretKey:
        """The BBS key of a type."""
        return self.bbs[kind.configuration_id]

    def multikeys(self) -> tuple[str, ...]:
        """Every public key as a Multikey, in an order that stays."""
        bbs = (self.of(kind).public_key.multikey for kind in ALL)
        return (*bbs, self.signer.public_key.multikey)

    def verification_methods(self, did: str) -> list[Json]:
        """Write every key as a DID document has it (Controlled Identifiers 1.0 §2.2.2)."""
        return [
            {
                "id": verification_method(did, multikey),
                "type": "Multikey",
                "controller": did,
                "publicKeyMultibase": multikey,
            }
            for multikey in self.multikeys()
        ]


def verification_method(did: str, multikey: str) -> str:
    """What proofs and documents call a key: its own Multikey, so that nothing is in the name that is not in the key."""
    return f"{did}#{multikey}"

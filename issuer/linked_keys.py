"""The keys of linked credentials: one BBS key for each type, and one that signs what is published.

One BBS key per type, because a proof says which key signed: were there more, or one for several types, the key would
tell holders apart, or a type would tell what else its key signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from credentials.bbs import BbsPublicKey, BbsSecretKey
from credentials.dids import multikey_url, type_key_url, write_multikey
from credentials.encoding.strict_json import Json
from credentials.keys.jwk import PublicKey
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner, Signer
from schemas import ALL, CredentialType


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinkedKeys:
    """What signs linked credentials.

    Attributes:
        bbs: by the configuration id of the type.
        signer: an Ed25519 key, for credentials that are published.
        other_bbs: further keys that the DID document lists, each by the configuration id of its type: those that come
            with the next month, and those under which something can still be shown.
        other_signers: the same for what is published.
    """

    bbs: Mapping[str, BbsSecretKey]
    signer: Signer
    other_bbs: tuple[tuple[str, BbsPublicKey], ...] = ()
    other_signers: tuple[PublicKey, ...] = ()

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

    def method_of(self, kind: CredentialType, did: str) -> str:
        """What proofs of a type, and the DID document, call its key; the name says which type it is for."""
        return type_key_url(did, kind.configuration_id, self.of(kind).public_key)

    def publishing_method(self, did: str) -> str:
        """What proofs of what is published, and the DID document, call the key behind them."""
        return multikey_url(did, self.signer.public_key)

    def verification_methods(self, did: str) -> list[dict[str, Json]]:
        """Write every key as a DID document has it; of each type the one in use first, which wallets go by."""
        named = [(kind.configuration_id, self.of(kind).public_key) for kind in ALL]
        bbs = [write_multikey(did, key, url=type_key_url(did, name, key)) for name, key in (*named, *self.other_bbs)]
        signers = dict.fromkeys((self.signer.public_key, *self.other_signers))
        return [*bbs, *(write_multikey(did, key) for key in signers)]

    @property
    def every_key(self) -> tuple[BbsPublicKey | PublicKey, ...]:
        """All keys that the DID document lists for linked credentials."""
        bbs = [self.of(kind).public_key for kind in ALL]
        return (*bbs, *(key for _, key in self.other_bbs), self.signer.public_key, *self.other_signers)

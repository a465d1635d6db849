"""ecdsa-rdfc-2019: the whole document, signed with ECDSA on P-256 or P-384 (vc-di-ecdsa §3.2)."""

from types import MappingProxyType
from typing import Final

from credentials.data_integrity.hashing import HashName
from credentials.data_integrity.rdfc import RdfcSuite
from credentials.keys.kinds import KeyKind

SUITE: Final = RdfcSuite(
    name="ecdsa-rdfc-2019",
    hashes=MappingProxyType({KeyKind.P256: HashName.SHA_256, KeyKind.P384: HashName.SHA_384}),
)
add_proof: Final = SUITE.add_proof
verify_proof: Final = SUITE.verify_proof

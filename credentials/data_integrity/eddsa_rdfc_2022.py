"""eddsa-rdfc-2022: the whole document, signed with Ed25519 (vc-di-eddsa §3.2)."""

from types import MappingProxyType
from typing import Final

from credentials.data_integrity.hashing import HashName
from credentials.data_integrity.rdfc import RdfcSuite
from credentials.keys.kinds import KeyKind

SUITE: Final = RdfcSuite(
    name="eddsa-rdfc-2022",
    hashes=MappingProxyType({KeyKind.ED25519: HashName.SHA_256}),
)
add_proof: Final = SUITE.add_proof
verify_proof: Final = SUITE.verify_proof

"""ecdsa-jcs-2019: the JSON of the whole document, signed with ECDSA on P-256 or P-384 (vc-di-ecdsa §3.3)."""

from typing import Final

from credentials.data_integrity import ecdsa_rdfc_2019
from credentials.data_integrity.jcs import JcsSuite

SUITE: Final = JcsSuite(name="ecdsa-jcs-2019", hashes=ecdsa_rdfc_2019.SUITE.hashes)
add_proof: Final = SUITE.add_proof
verify_proof: Final = SUITE.verify_proof

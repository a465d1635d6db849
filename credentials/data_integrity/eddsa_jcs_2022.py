"""eddsa-jcs-2022: the JSON of the whole document, signed with Ed25519 (vc-di-eddsa §3.3)."""

from typing import Final

from credentials.data_integrity import eddsa_rdfc_2022
from credentials.data_integrity.jcs import JcsSuite

SUITE: Final = JcsSuite(name="eddsa-jcs-2022", hashes=eddsa_rdfc_2022.SUITE.hashes)
add_proof: Final = SUITE.add_proof
verify_proof: Final = SUITE.verify_proof

"""The one table of suites: the name in a proof decides how it is checked, and nothing else is checked at all.

A suite that signs the whole document proves the document as it stands; one of selective disclosure proves what its
holder chose to show. To whoever reads it, both are the document without its proof.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from credentials.bbs import BbsPublicKey
from credentials.data_integrity import (
    bbs_2023,
    ecdsa_jcs_2019,
    ecdsa_rdfc_2019,
    ecdsa_sd_2023,
    eddsa_jcs_2022,
    eddsa_rdfc_2022,
)
from credentials.data_integrity.errors import ChainUnsupported, UnsupportedSuite, WrongKeyKind
from credentials.data_integrity.proofs import JCS_SUITES, Proof
from credentials.encoding.strict_json import Json
from credentials.keys.jwk import PublicKey

VerificationKey: TypeAlias = PublicKey | BbsPublicKey
VerifyProof: TypeAlias = Callable[[Mapping[str, Json], Proof, VerificationKey], None]
"""Checks one proof of a document, given with all its proofs, by a key; raises if anything is wrong."""


def verify_proof(document: Mapping[str, Json], proof: Proof, key: VerificationKey) -> None:
    """Check one proof of a document by the suite that it names.

    Raises:
        UnsupportedSuite: it is not in the table.
        WrongKeyKind: the key is of another kind than the suite's.
        ChainUnsupported: a proof of selective disclosure that builds on another.
        BadProof: it does not fit.
        HandstampError: as the suite says.
    """
    verify = SUITES.get(proof.cryptosuite)
    if verify is None:
        raise UnsupportedSuite(proof.cryptosuite, SUITES)
    verify(document, proof, key)


def _verify_eddsa_rdfc_2022(document: Mapping[str, Json], proof: Proof, key: VerificationKey) -> None:
    eddsa_rdfc_2022.verify_proof(document, proof, key=_plain(proof, key))


def _verify_ecdsa_rdfc_2019(document: Mapping[str, Json], proof: Proof, key: VerificationKey) -> None:
    ecdsa_rdfc_2019.verify_proof(document, proof, key=_plain(proof, key))


def _verify_eddsa_jcs_2022(document: Mapping[str, Json], proof: Proof, key: VerificationKey) -> None:
    eddsa_jcs_2022.verify_proof(document, proof, key=_plain(proof, key))


def _verify_ecdsa_jcs_2019(document: Mapping[str, Json], proof: Proof, key: VerificationKey) -> None:
    ecdsa_jcs_2019.verify_proof(document, proof, key=_plain(proof, key))


def _verify_ecdsa_sd_2023(document: Mapping[str, Json], proof: Proof, key: VerificationKey) -> None:
    _check_alone(proof)
    ecdsa_sd_2023.verify_proof(document, proof, key=_plain(proof, key))


def _verify_bbs_2023(document: Mapping[str, Json], proof: Proof, key: VerificationKey) -> None:
    if not isinstance(key, BbsPublicKey):
        raise WrongKeyKind(proof.cryptosuite, "BLS12-381 G2")
    _check_alone(proof)
    bbs_2023.verify_proof(document, proof, key=key)


SUITES: Final[Mapping[str, VerifyProof]] = MappingProxyType(
    {
        "eddsa-rdfc-2022": _verify_eddsa_rdfc_2022,
        "ecdsa-rdfc-2019": _verify_ecdsa_rdfc_2019,
        "eddsa-jcs-2022": _verify_eddsa_jcs_2022,
        "ecdsa-jcs-2019": _verify_ecdsa_jcs_2019,
        "ecdsa-sd-2023": _verify_ecdsa_sd_2023,
        "bbs-2023": _verify_bbs_2023,
    }
)
ALL_SUITES: Final = frozenset(SUITES)
LINKED_SUITES: Final = ALL_SUITES - JCS_SUITES
"""Those that sign what a document means, so that its contexts were read, and are known."""


def _plain(proof: Proof, key: VerificationKey) -> PublicKey:
    if not isinstance(key, PublicKey):
        raise WrongKeyKind(proof.cryptosuite, "P-256, P-384 or Ed25519")
    return key


def _check_alone(proof: Proof) -> None:
    # vc-di-ecdsa §3.6 and vc-di-bbs §3.3 sign the document alone, so that a predecessor would be named and not signed.
    if proof.previous_proof:
        raise ChainUnsupported(proof.cryptosuite)

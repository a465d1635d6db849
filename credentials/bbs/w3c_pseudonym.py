"""The older pseudonyms, which the published W3C vectors follow: verified for tests and peers, never made here.

They are those of vc-di-bbs's `Pseudonym` vectors: the header is signed as it is, and the challenge holds the point that
the pseudonym is a multiple of, and not the context. Signatures and pseudonyms of the two variants are not
interchangeable, so each has its own functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from credentials.bbs.commitments import ProverBlind
from credentials.bbs.core import Claim, Proof, ProofCheck, Setting, Signature, challenge, with_length
from credentials.bbs.curve import add_products, read_g1, read_scalar
from credentials.bbs.errors import BadBbsProof, BadBbsSignature
from credentials.bbs.interface import Ciphersuite
from credentials.bbs.keys import BbsPublicKey
from credentials.bbs.layout import Layout
from credentials.bbs.nym_vectors import context_point, nym_interface
from credentials.bbs.pseudonyms import NymSecret, ProverNym


def finalize_w3c_nym(  # noqa: PLR0913 - each is an input of the specification, all by name
    public_key: BbsPublicKey,
    signature: bytes,
    messages: Sequence[bytes],
    *,
    header: bytes,
    prover_nym: ProverNym,
    blind: ProverBlind,
    entropy: bytes,
    committed: Sequence[bytes] = (),
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> NymSecret:
    """Verify a signature of the older variant, and give the secret that its pseudonyms came from.

    Raises:
        Malformed: signature or entropy cannot be read.
        BadBbsSignature: it is not the key's signature of all this.
    """
    nym = prover_nym.scalar + read_scalar(entropy, what="signer's entropy")
    interface = nym_interface(suite)
    bases = Layout(len(messages), len(committed), 1).bases(interface)
    setting = Setting.of(interface, public_key, bases, header)
    scalars = [*interface.map_messages(messages), blind.scalar, *interface.map_messages(committed), nym]
    if not setting.is_signature(Signature.parse(signature), scalars):
        raise BadBbsSignature
    return NymSecret(nym)


def verify_w3c_nym_proof(  # noqa: PLR0913 - each is an input of the specification, all by name
    public_key: BbsPublicKey,
    proof: bytes,
    pseudonym: bytes,
    disclosed: Mapping[int, bytes],
    *,
    header: bytes,
    presentation_header: bytes,
    context_id: bytes,
    committed_count: int = 0,
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> None:
    """Verify a proof of the older variant with what it shows, and that the pseudonym is its holder's.

    Raises:
        Malformed: proof or pseudonym cannot be read.
        BadBbsProof: it does not prove what it should.
    """
    W3cNymCheck(
        public_key=public_key,
        proof=proof,
        pseudonym=pseudonym,
        disclosed=disclosed,
        header=header,
        presentation_header=presentation_header,
        context_id=context_id,
        committed_count=committed_count,
        suite=suite,
    ).verify()


@dataclass(frozen=True, slots=True, kw_only=True)
class W3cNymCheck(ProofCheck):
    """Everything that is needed to verify a proof of the older variant; the fields are as in `NymCheck`."""

    public_key: BbsPublicKey
    proof: bytes
    pseudonym: bytes
    disclosed: Mapping[int, bytes]
    header: bytes
    presentation_header: bytes
    context_id: bytes
    committed_count: int = 0
    suite: Ciphersuite = Ciphersuite.SHA_256

    @override
    def open(self) -> Claim:
        interface = nym_interface(self.suite)
        parsed = Proof.parse(self.proof)
        pseudonym = read_g1(self.pseudonym, what="pseudonym")
        layout = Layout.of_proof(parsed, shown=len(self.disclosed), committed=self.committed_count, nyms=1)
        setting = Setting.of(interface, self.public_key, layout.bases(interface), self.header)
        shown = layout.place_shown(interface, self.disclosed, {})
        base = context_point(interface, self.context_id)
        masked = add_products((base, pseudonym), (parsed.message_answers[-1], -parsed.challenge))
        points = (*parsed.retrace(setting, shown).points(), pseudonym, base, masked)
        if challenge(setting, points, shown, with_length(self.presentation_header)) != parsed.challenge:
            raise BadBbsProof
        return Claim(parsed.a_bar, parsed.b_bar, self.public_key)

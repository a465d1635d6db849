"""Signing, and showing a part of what was signed, nothing of it blind (draft-irtf-cfrg-bbs-signatures §3.5)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from credentials.bbs.core import (
    Claim,
    OpenProof,
    Proof,
    ProofCheck,
    Setting,
    Signature,
    sign_with_exponent,
    with_length,
)
from credentials.bbs.errors import BadBbsSignature
from credentials.bbs.interface import Ciphersuite, Interface
from credentials.bbs.keys import BbsPublicKey, BbsSecretKey
from credentials.bbs.secret import Random

_SIGNED = "list of messages to sign"
_SHOWN = "BBS proof"


def sign(
    secret_key: BbsSecretKey, messages: Sequence[bytes], *, header: bytes, suite: Ciphersuite = Ciphersuite.SHA_256
) -> bytes:
    """Sign a list of messages under a header that is always shown: 80 bytes, the same for the same input.

    Raises:
        Malformed: there are more than `MAX_MESSAGES` messages.
    """
    interface = Interface.plain(suite)
    scalars = interface.map_messages(messages)
    bases = interface.bases(len(messages), what=_SIGNED)
    setting = Setting.of(interface, secret_key.public_key, bases, header)
    hashed = [secret_key.scalar, *scalars, setting.domain]
    exponent = interface.hash_to_scalar(b"".join(scalar.to_be_bytes() for scalar in hashed))
    return sign_with_exponent(secret_key, setting.signed_point(scalars), exponent)


def verify(
    public_key: BbsPublicKey,
    signature: bytes,
    messages: Sequence[bytes],
    *,
    header: bytes,
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> None:
    """Verify a signature with all its messages.

    Raises:
        Malformed: the signature cannot be read, or there are more than `MAX_MESSAGES` messages.
        BadBbsSignature: it is not this key's signature of these messages and this header.
    """
    parsed = Signature.parse(signature)
    interface = Interface.plain(suite)
    bases = interface.bases(len(messages), what=_SIGNED)
    setting = Setting.of(interface, public_key, bases, header)
    if not setting.is_signature(parsed, interface.map_messages(messages)):
        raise BadBbsSignature


def prove(
    public_key: BbsPublicKey,
    signature: bytes,
    messages: Sequence[bytes],
    *,
    header: bytes,
    presentation_header: bytes,
    disclosed: Collection[int],
    random: Random,
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> bytes:
    """Prove to hold a signature of messages of which some are shown: 272 bytes, and 32 for each that is hidden.

    The signature is not verified again: whoever receives one does that once.

    Args:
        public_key: the signer's.
        signature: what was signed, 80 bytes.
        messages: all of them.
        header: the one that was signed.
        presentation_header: what this proof is for; a verifier must ask for something that is new.
        disclosed: the numbers of the messages that are shown, from 0.
        random: where the numbers come from that hide everything else.
        suite: the ciphersuite that was signed with.

    Raises:
        Malformed: the signature cannot be read, or there are more than `MAX_MESSAGES` messages.
        UnknownMessage: a number is asked for that no message has, or one twice.
    """
    parsed = Signature.parse(signature)
    interface = Interface.plain(suite)
    bases = interface.bases(len(messages), what=_SIGNED)
    setting = Setting.of(interface, public_key, bases, header)
    opened = OpenProof(setting, parsed, interface.map_messages(messages), disclosed, random)
    return opened.finish_for(setting, presentation_header)


def verify_proof(
    public_key: BbsPublicKey,
    proof: bytes,
    disclosed: Mapping[int, bytes],
    *,
    header: bytes,
    presentation_header: bytes,
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> None:
    """Verify a proof with what it shows. How many messages there are follows from its length.

    Raises:
        Malformed: the proof cannot be read, or is about too many messages.
        BadBbsProof: it does not prove that the key signed the header and, at these numbers, these messages; or it was
            made for another presentation header.
    """
    PlainCheck(
        public_key=public_key,
        proof=proof,
        disclosed=disclosed,
        header=header,
        presentation_header=presentation_header,
        suite=suite,
    ).verify()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainCheck(ProofCheck):
    """Everything that is needed to verify a proof with nothing blind in it; the fields are as in `verify_proof`."""

    public_key: BbsPublicKey
    proof: bytes
    disclosed: Mapping[int, bytes]
    header: bytes
    presentation_header: bytes
    suite: Ciphersuite = Ciphersuite.SHA_256

    @override
    def open(self) -> Claim:
        parsed = Proof.parse(self.proof)
        interface = Interface.plain(self.suite)
        bases = interface.bases(len(self.disclosed) + len(parsed.message_answers), what=_SHOWN)
        setting = Setting.of(interface, self.public_key, bases, self.header)
        shown = {index: interface.map_message(message) for index, message in self.disclosed.items()}
        return parsed.check_challenge(setting, shown, with_length(self.presentation_header))

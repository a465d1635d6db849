"""From the issuer to the wallet: a signature over four messages and a committed nym."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from credentials.bbs import (
    BbsPublicKey,
    BbsSecretKey,
    NymSecret,
    ProverBlind,
    ProverNym,
    finalize_nym,
    sign_with_nym,
)
from credentials.door_pass.errors import WrongPass
from credentials.door_pass.values import HEADER, VERSION, PassContent
from credentials.encoding import base64url
from credentials.encoding.cbor import decode, encode
from credentials.errors import Malformed
from credentials.protocols.members import check_text
from credentials.trust import TrustedIssuer, TrustPolicy

MAX_ISSUED_CHARACTERS: Final = 2_048
_WHAT: Final = "door pass"
_MEMBERS: Final = 8
_MAX_METHOD: Final = 1_024


def issue_door_pass(
    secret_key: BbsSecretKey,
    commitment_with_proof: bytes,
    content: PassContent,
    *,
    verification_method: str,
    entropy: bytes,
) -> str:
    """Sign a door pass for the holder of a commitment: base64url of deterministic CBOR, the same for the same input.

    Args:
        secret_key: the issuer's, for this type.
        commitment_with_proof: the wallet's, to exactly one nym.
        content: what it says.
        verification_method: the DID URL of the key.
        entropy: that of the commitment, 32 bytes.

    Raises:
        Malformed: commitment or entropy cannot be read.
        BadCommitment: its sender does not know what it hides.
    """
    signature = sign_with_nym(secret_key, commitment_with_proof, content.messages(), header=HEADER, entropy=entropy)
    return base64url.encode(encode([VERSION, *content.write(), verification_method, signature, entropy]))


@dataclass(frozen=True, slots=True, eq=False)
class IssuedPass:
    """What an issuer sent, read; nothing in it is proven yet."""

    content: PassContent
    verification_method: str
    signature: bytes = field(repr=False)
    entropy: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it.

        Raises:
            Malformed: it is not base64url of deterministic CBOR with exactly the members of a door pass.
        """
        if len(text) > MAX_ISSUED_CHARACTERS:
            raise Malformed(_WHAT, f"it is longer than {MAX_ISSUED_CHARACTERS} characters")
        members = decode(base64url.decode(text, what=_WHAT), what=_WHAT)
        if not isinstance(members, list) or len(members) != _MEMBERS or members[0] != VERSION:
            raise Malformed(_WHAT, "it is not a door pass of the version that is read here")
        _, vct, subject, month, share_class, method, signature, entropy = members
        if not (isinstance(method, str) and isinstance(signature, bytes) and isinstance(entropy, bytes)):
            raise Malformed(_WHAT, "its key, signature or entropy is of another kind")
        return cls(
            content=PassContent.parse(vct, subject, month, share_class, what=_WHAT),
            verification_method=check_text(method, what=f"key of the {_WHAT}", max_chars=_MAX_METHOD),
            signature=signature,
            entropy=entropy,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldDoorPass:
    """A door pass whose signature was verified, ready to be shown. It holds secrets, so it is not compared."""

    content: PassContent
    issuer: str
    public_key: BbsPublicKey
    signature: bytes = field(repr=False)
    nym: NymSecret
    blind: ProverBlind


def open_door_pass(
    text: str,
    *,
    policy: TrustPolicy,
    issuer: str,
    expected: PassContent,
    prover_nym: ProverNym,
    blind: ProverBlind,
    at: datetime,
) -> HeldDoorPass:
    """Verify a door pass on receipt, and that it is what was asked for and like every other.

    Args:
        text: what the issuer sent.
        policy: who is trusted, with keys that came over another connection.
        issuer: who was asked.
        expected: what was asked for: the same type, subject, cohort and share class as the credential beside it.
        prover_nym: the wallet's nym.
        blind: that of the commitment.
        at: the time of the check.

    Raises:
        Malformed: it cannot be read.
        UntrustedIssuer, TypeNotAllowed, TrustExpired, WrongIssuerKey: its key is not the issuer's.
        WrongPass: it says something else than was asked for.
        BadBbsSignature: the signature does not hold.
    """
    issued = IssuedPass.parse(text)
    trusted = policy.issuer_for(issuer)
    public_key = _find_key(trusted, issued, at)
    if issued.content != expected:
        raise WrongPass("it says something else than was asked for, and could tell you from others")
    return _hold(issued, trusted.issuer, public_key, prover_nym, blind)


def _hold(
    issued: IssuedPass, issuer: str, public_key: BbsPublicKey, prover_nym: ProverNym, blind: ProverBlind
) -> HeldDoorPass:
    """Verify the signature, and give the pass with the secret that its pseudonyms come from."""
    nym = finalize_nym(
        public_key,
        issued.signature,
        issued.content.messages(),
        header=HEADER,
        prover_nym=prover_nym,
        blind=blind,
        entropy=issued.entropy,
    )
    return HeldDoorPass(
        content=issued.content,
        issuer=issuer,
        public_key=public_key,
        signature=issued.signature,
        nym=nym,
        blind=blind,
    )


def _find_key(trusted: TrustedIssuer, issued: IssuedPass, at: datetime) -> BbsPublicKey:
    trusted.check_may_issue(issued.content.vct)
    return trusted.find_bbs_key(issued.verification_method, type_name=issued.content.type_name, at=at)

"""A signed statement by a persona: words that an artist or label stands by, without the person behind it.

It is one document, a presentation of two credentials: the published `VerifiedArtistCredential`, in which a co-op says
whose key it is, and the persona's own word, which stands on the presentation's proof (VCDM 2.0 §4.13.4). Whoever has
the file and trusts the co-op can check it, offline. `verify_statement` takes these steps:

    1. It is a presentation by every rule of VCDM 2.0, of exactly these two, in our words for what they say.
    2. Its proof was made to assert, for nobody in particular: what answered a verifier's challenge is no statement.
    3. It holds for the whole, by the key that it names, which is its own name (did:key, did:jwk).
    4. The persona's credential passes every step of `credentials.verify_linked.verify_published`, and is about the
       holder of that very key: the co-op says that this key speaks for this persona.
    5. The statement is by the same key, for the same persona, and about nothing that the persona may not speak for.
    6. It was not made in the future. When it was made is the persona's own word; that it counts now, the co-op's.
"""

from collections.abc import Collection, Mapping
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from credentials.data_integrity import ecdsa_rdfc_2019, eddsa_rdfc_2022
from credentials.data_integrity.adding import with_proof_context
from credentials.data_integrity.chains import ProofPolicy, verify_proofs
from credentials.data_integrity.errors import WrongController
from credentials.data_integrity.keys import find_key_in
from credentials.data_integrity.proofs import ASSERTION, controller_of, read_proofs
from credentials.data_integrity.rdfc import RdfcSuite
from credentials.dids.own_key import read_own_key
from credentials.encoding.date_time import parse_date_time, write_date_time
from credentials.encoding.strict_json import Json
from credentials.errors import HolderError, Malformed
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import Signer
from credentials.linked_refusals import NotTheHolders, NotYours
from credentials.protocols.members import check_text
from credentials.refusals import NotYetValid
from credentials.status.bitstring_checking import RevocationList
from credentials.trust import TrustPolicy
from credentials.vcdm import check_presentation, read_credentials
from credentials.verify_linked import Published, verify_published
from schemas import NOT_KNOWN, VERIFIED_ARTIST
from schemas.context import CREDENTIALS_V2_URL
from schemas.linked import CONTEXTS, CREDENTIAL_TYPE

STATEMENT_TYPE: Final = "PersonaStatement"
MAX_TEXT: Final = 10_000
STEPS: Final = (
    "1 a presentation of the persona's credential and its word",
    "2 made to assert",
    "3 the persona's signature holds",
    "4 the co-op says whose key it is",
    "5 for this persona, about what it may speak for",
    "6 not made in the future",
)
_WHAT: Final = "statement"
_PARTS: Final = 2
_TYPES: Final = frozenset({VERIFIED_ARTIST.vct})
_SEAL: Final = object()
_SUITES: Final[Mapping[KeyKind, RdfcSuite]] = {
    KeyKind.ED25519: eddsa_rdfc_2022.SUITE,
    KeyKind.P256: ecdsa_rdfc_2019.SUITE,
    KeyKind.P384: ecdsa_rdfc_2019.SUITE,
}
_SUITE_NAMES: Final = frozenset(suite.name for suite in _SUITES.values())


class NotItsToSay(HolderError):
    """A statement about something that the persona was not verified for."""

    code = "not_its_to_say"

    def __init__(self) -> None:
        super().__init__("The persona was not verified for what the statement is about; name one of its own releases.")


@dataclass(frozen=True, slots=True)
class Statement:
    """Evidence that a persona stands by words. Only `verify_statement` makes one."""

    seal: InitVar[object]
    _: KW_ONLY
    text: str = field(repr=False)
    about: str | None
    """The catalogue id of a release or track; None if it is about none."""
    made_at: datetime
    """As the persona says."""
    persona: Published
    """The credential of the persona, with its name and what it speaks for."""
    steps: tuple[str, ...]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("A statement comes from verify_statement() only.")


def build_statement(
    text: str,
    *,
    credential: Mapping[str, Json],
    signer: Signer,
    at: datetime,
    about: str | None = None,
) -> dict[str, Json]:
    """Sign words as a persona.

    Args:
        text: what is said; up to 10,000 characters.
        credential: the persona's published credential, which names the DID of `signer`.
        signer: the persona's key.
        at: now.
        about: the catalogue id of the release or track that it is about.

    Raises:
        NotYours: the credential is about another key.
        NotItsToSay: the persona may not speak for what it is about.
        Malformed: the text is empty, too long or holds control characters; the credential names no persona.
    """
    subject = credential.get("credentialSubject")
    claims: dict[str, Json] = subject if isinstance(subject, dict) else {}
    holder = str(claims.get("id"))
    document = read_own_key(holder)
    methods = [url for url, key in document.keys.items() if key == signer.public_key]
    if not methods:
        raise NotYours
    word = _build_word(text, claims, about=about or NOT_KNOWN, at=at)
    presentation: dict[str, Json] = {
        "@context": [CREDENTIALS_V2_URL],
        "type": ["VerifiablePresentation"],
        "holder": holder,
        "verifiableCredential": [dict(credential), word],
    }
    suite = _SUITES[signer.public_key.kind]
    return suite.add_proof(
        with_proof_context(presentation), signer=signer, verification_method=methods[0], purpose=ASSERTION, created=at
    )


def _build_word(text: str, claims: Mapping[str, Json], *, about: str, at: datetime) -> dict[str, Json]:
    _check_about(about, claims)
    return {
        "@context": list(CONTEXTS),
        "type": [CREDENTIAL_TYPE, STATEMENT_TYPE],
        "issuer": str(claims.get("id")),
        "validFrom": write_date_time(at),
        "credentialSubject": {
            "persona": check_text(claims.get("persona"), what="number of the persona"),
            "text": check_text(text, what=_WHAT, max_chars=MAX_TEXT, lines=True),
            "about": about,
        },
    }


def verify_statement(
    document: Mapping[str, Json],
    *,
    policy: TrustPolicy,
    at: datetime,
    lists: Mapping[str, RevocationList] | None = None,
    lenient: Collection[str] = (),
    clock_skew_s: int = 60,
) -> Statement:
    """Verify a signed statement. The steps are numbered above.

    Args:
        document: the statement.
        policy: which co-ops are believed to say who an artist is.
        at: the time of the check, with a zone.
        lists: the status lists at hand, under their addresses.
        lenient: addresses of lists that could not be had, and without which the credential is taken.
        clock_skew_s: how far clocks may differ.

    Raises:
        StatusListNeeded: all is right but for the status of the persona's credential; fetch the list that it names.
        HandstampError: the error of the step that failed.
    """
    credential, word = _read_parts(document)  # (1)
    holder = _verify_signature(document, at, clock_skew_s)  # (2), (3)
    persona = verify_published(  # (4)
        credential, policy=policy, at=at, types=_TYPES, lists=lists, lenient=lenient, clock_skew_s=clock_skew_s
    )
    if persona.subject_id != holder:
        raise NotTheHolders
    said = _read_said(word, persona)  # (5)
    made_at = _read_made_at(word, at, clock_skew_s)  # (6)
    return Statement(
        _SEAL,
        text=said["text"],
        about=None if said["about"] == NOT_KNOWN else said["about"],
        made_at=made_at,
        persona=persona,
        steps=STEPS,
    )


def is_statement(document: Mapping[str, Json]) -> bool:
    """Whether a document looks like a statement: a presentation in which somebody's own word stands."""
    try:
        return any(_is_word(each) for each in read_credentials(document))
    except Malformed:
        return False


def _is_word(credential: Mapping[str, Json]) -> bool:
    types = credential.get("type")
    return isinstance(types, list) and STATEMENT_TYPE in types


def _read_parts(document: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    check_presentation(document)
    parts = read_credentials(document)
    words = [each for each in parts if _is_word(each)]
    others = [each for each in parts if not _is_word(each)]
    if len(parts) != _PARTS or len(words) != 1 or "proof" in words[0]:
        raise Malformed(_WHAT, "it does not consist of a persona's credential and its word")
    # The key signed statements, and not the words for them: under other contexts, these could say something else.
    if document["@context"] != [CREDENTIALS_V2_URL] or words[0]["@context"] != list(CONTEXTS):
        raise Malformed(_WHAT, "its words are explained otherwise than those of others")
    return others[0], words[0]


def _verify_signature(document: Mapping[str, Json], at: datetime, clock_skew_s: int) -> str:
    proofs = read_proofs(document)
    dids = {controller_of(proof.verification_method) for proof in proofs}
    if len(dids) != 1 or document.get("holder") not in dids:
        raise WrongController("holder")
    # Each is checked over the whole, and a stranger could make the whole as slow to read as is allowed.
    if len(proofs) != 1:
        raise Malformed(_WHAT, "it is signed more than once")
    known = read_own_key(dids.pop())
    policy = ProofPolicy(
        find_key=find_key_in({known.did: known}), at=at, clock_skew_s=clock_skew_s, suites=_SUITE_NAMES
    )
    for proof in verify_proofs(document, policy).proofs:
        if proof.challenge is not None or proof.domain is not None:
            raise Malformed(_WHAT, "it answers somebody's question")
    return known.did


def _read_made_at(word: Mapping[str, Json], at: datetime, clock_skew_s: int) -> datetime:
    made_at = parse_date_time(word.get("validFrom"), what="`validFrom` of the statement")
    if made_at > at + timedelta(seconds=clock_skew_s):
        raise NotYetValid(_WHAT)
    return made_at


def _read_said(word: Mapping[str, Json], persona: Published) -> dict[str, str]:
    """Take step 5; return who says what about what."""
    said = _read_word(word)
    if word["issuer"] != persona.subject_id or said["persona"] != persona.claims.get("persona"):
        raise NotYours
    _check_about(said["about"], persona.claims)
    return said


def _read_word(word: Mapping[str, Json]) -> dict[str, str]:
    subject = word["credentialSubject"]
    claims = subject if isinstance(subject, dict) else {}
    if claims.keys() != {"persona", "text", "about"}:
        raise Malformed(_WHAT, "it says something else than who says what about what")
    return {
        name: check_text(value, what=f"`{name}` of the {_WHAT}", max_chars=MAX_TEXT, lines=True)
        for name, value in claims.items()
    }


def _check_about(about: str, claims: Mapping[str, Json]) -> None:
    if about != NOT_KNOWN and about not in str(claims.get("catalogue")).split():
        raise NotItsToSay

"""Which key a proof names, looked up in documents that were resolved before: nothing is fetched while checking."""

from collections.abc import Mapping
from typing import Final, Protocol

from credentials.data_integrity.errors import WrongController
from credentials.data_integrity.proofs import controller_of
from credentials.data_integrity.suites import VerificationKey
from credentials.dids.document import DidDocument, Relation
from credentials.dids.errors import DidKeyUnknown
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed

_RELATIONS: Final = {relation.value: relation for relation in Relation}


class FindKey(Protocol):
    """Finds the key that a proof names, among those that may make proofs for its purpose."""

    def __call__(self, verification_method: str, *, purpose: str) -> VerificationKey:
        """Return the key.

        Raises:
            DidKeyUnknown: there is none, or not for this purpose.
        """
        ...


def find_key_in(documents: Mapping[str, DidDocument]) -> FindKey:
    """Return a finder over DID documents (Controlled Identifiers 1.0 §3.3).

    Args:
        documents: each under its DID, as it is at the time of the check (`DidDocument.as_of`).
    """

    def find(verification_method: str, *, purpose: str) -> VerificationKey:
        did = controller_of(verification_method)
        document, relation = documents.get(did), _RELATIONS.get(purpose)
        if document is None or relation is None:
            raise DidKeyUnknown(did)
        if verification_method in document.bbs_keys:
            return document.find_bbs_key(verification_method, relation=relation)
        return document.find_key(verification_method, relation=relation)

    return find


def read_controller(document: Mapping[str, Json], role: str) -> str | None:
    """Return who a document says that its `issuer` or `holder` is: text, or an object with an `id`.

    Raises:
        Malformed: it is there and neither.
    """
    if role not in document:
        return None
    value = document[role]
    named = value.get("id") if isinstance(value, dict) else value
    if not isinstance(named, str) or not named:
        raise Malformed("document", f"`{role}` is neither a URL nor an object with an `id`")
    return named


def check_controller(document: Mapping[str, Json], verification_method: str, *, role: str) -> None:
    """Check that a proof's key belongs to the issuer, or holder, that the document names (VCDM 2.0 §4.7, §7.1).

    Raises:
        WrongController: it belongs to somebody else, or nobody is named.
        Malformed: `role` cannot be read.
    """
    if read_controller(document, role) != controller_of(verification_method):
        raise WrongController(role)

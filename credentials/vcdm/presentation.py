"""What every presentation must be (VCDM 2.0 §4.13): credentials, whole or in an envelope, and who shows them."""

from collections.abc import Mapping
from typing import Final

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.vcdm.credential import Version, check_credential, read_issuer, read_party, read_version
from credentials.vcdm.values import check_id, check_object, read_types

TYPE: Final = "VerifiablePresentation"
ENVELOPED_CREDENTIAL: Final = "EnvelopedVerifiableCredential"
ENVELOPED_PRESENTATION: Final = "EnvelopedVerifiablePresentation"
MAX_CREDENTIALS: Final = 16
_WHAT: Final = "presentation"


def check_presentation(document: Mapping[str, Json]) -> Version:
    """Check the form of a presentation and of all credentials in it; return its version.

    Raises:
        Malformed: it breaks a rule of its data model, or holds more credentials than are read.
    """
    if is_envelope_of(document, ENVELOPED_PRESENTATION):
        check_envelope(document, ENVELOPED_PRESENTATION, _WHAT)
        return Version.V2_0
    version = read_version(document, what=_WHAT)
    if TYPE not in read_types(document, _WHAT):
        raise Malformed(_WHAT, f"its `type` does not name {TYPE}")
    check_id(document, _WHAT)
    holder = read_holder(document)
    for number, credential in enumerate(read_credentials(document), start=1):
        _check_member(credential, holder, what=f"credential {number} of the presentation")
    return version


def read_credentials(document: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return the credentials of a presentation, in order; there may be none.

    Raises:
        Malformed: one of them is no object, or there are too many.
    """
    value = document.get("verifiableCredential", [])
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_CREDENTIALS:
        raise Malformed(_WHAT, f"it holds more than {MAX_CREDENTIALS} credentials")
    return [check_object(item, "credential of the presentation") for item in items]


def read_holder(document: Mapping[str, Json]) -> str | None:
    """Return who a presentation says shows it; None if it does not say.

    Raises:
        Malformed: what it says is no URL.
    """
    return read_party(document, "holder", _WHAT) if "holder" in document else None


def is_envelope_of(document: Mapping[str, Json], kind: str) -> bool:
    """Whether a document is an envelope of a kind, by its type."""
    types = document.get("type")
    return kind in types if isinstance(types, list) else kind == types


def check_envelope(document: Mapping[str, Json], kind: str, what: str) -> None:
    """Check an envelope around a secured credential or presentation (VCDM 2.0 §4.13.1, §4.13.2).

    Raises:
        Malformed: its context or type is another, or its `id` is no `data:` URL.
    """
    contexts = document.get("@context")
    named = contexts if isinstance(contexts, list) else [contexts]
    if Version.V2_0.value not in named:
        raise Malformed(what, f"its `@context` does not name {Version.V2_0.value}")
    if read_types(document, what) != [kind]:
        raise Malformed(what, f"its `type` is not {kind} alone")
    check_id(document, what, required=True)
    if not str(document["id"]).startswith("data:"):
        raise Malformed(what, "its `id` is not a `data:` URL")


def _check_member(credential: Mapping[str, Json], holder: str | None, *, what: str) -> None:
    if is_envelope_of(credential, ENVELOPED_CREDENTIAL):
        check_envelope(credential, ENVELOPED_CREDENTIAL, what)
        return
    check_credential(credential, what=what)
    # §4.13.4: only the holder's own word may stand on the presentation's proof alone.
    if "proof" not in credential and (holder is None or read_issuer(credential) != holder):
        raise Malformed(what, "it is not secured by a proof, and is not the holder's own word")

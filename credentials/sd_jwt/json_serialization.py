"""SD-JWT in the JWS JSON Serialization (RFC 9901 §8): read only, by writing it in compact form first (§8.1).

Handstamp never sends it. A peer that does signs with one key for us, so of several signatures the first is taken, whose
unprotected header carries the disclosures (§8.3).
"""

from credentials.encoding.strict_json import MAX_BYTES, Json, parse_object
from credentials.errors import Malformed
from credentials.sd_jwt.reading import SdJwt, parse_sd_jwt

_WHAT = "credential in JSON form"


def parse_sd_jwt_json(text: str, *, max_bytes: int = MAX_BYTES) -> SdJwt:
    """Read an SD-JWT, with or without key binding, in flattened or general JSON form.

    Args:
        text: the JSON.
        max_bytes: the largest size.

    Raises:
        Malformed: it is not such JSON.
        HandstampError: as `parse_sd_jwt`.
    """
    message = parse_object(text, what=_WHAT, max_bytes=max_bytes)
    signed = _first_signature(message)
    header = _choose_header(message, signed)
    disclosures = header.get("disclosures", [])
    if not isinstance(disclosures, list):
        raise Malformed(_WHAT, "`disclosures` is not an array")
    head = ".".join(
        (
            _read_text(signed, "protected"),
            _read_text(message, "payload"),
            _read_text(signed, "signature"),
        )
    )
    encoded = [disclosure for disclosure in disclosures if isinstance(disclosure, str)]
    if len(encoded) != len(disclosures):
        raise Malformed(_WHAT, "a disclosure is not text")
    key_binding = _read_text(header, "kb_jwt") if "kb_jwt" in header else ""
    # Whatever `~` or `.` these texts may hold, what they make together is judged as a whole, by the one reader.
    return parse_sd_jwt("~".join((head, *encoded, key_binding)), max_bytes=max_bytes)


def _first_signature(message: dict[str, Json]) -> dict[str, Json]:
    if "signatures" not in message:
        return message
    signatures = message["signatures"]
    # RFC 7515 §7.2.1: a message is of one form or the other.
    if not isinstance(signatures, list) or not signatures or "signature" in message:
        raise Malformed(_WHAT, "`signatures` is not an array of signatures")
    if not all(isinstance(signature, dict) for signature in signatures):
        raise Malformed(_WHAT, "a signature is not an object")
    for later in signatures[1:]:
        unprotected = later.get("header") if isinstance(later, dict) else None
        if isinstance(unprotected, dict) and not {"disclosures", "kb_jwt"}.isdisjoint(unprotected):
            raise Malformed(_WHAT, "a later signature carries disclosures")
    first = signatures[0]
    return first if isinstance(first, dict) else {}


def _choose_header(message: dict[str, Json], signed: dict[str, Json]) -> dict[str, Json]:
    header = signed.get("header")
    if isinstance(header, dict):
        return header
    # The PyPI package sd-jwt 0.10.4 puts both beside the payload, as drafts did. Each is bound by a digest wherever it
    # stands, so reading them there is safe.
    return message


def _read_text(message: dict[str, Json], name: str) -> str:
    text = message.get(name)
    if not isinstance(text, str) or not text:
        raise Malformed(_WHAT, f"`{name}` is missing or not text")
    return text

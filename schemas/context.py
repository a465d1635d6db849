"""The one JSON-LD context of our linked credentials, and the vocabulary behind its terms.

The context is frozen: whoever signs a document signs, through it, what each term means. A term is added by a context of
a new number, never by changing this file. It stands beside the credentials context of the W3C, which has `name` and
`type` already and protects them.
"""

import hashlib
import json
from importlib.resources import files
from typing import Any, Final

CONTEXT_URL: Final = "urn:handstamp:context:1"
CREDENTIALS_V2_URL: Final = "https://www.w3.org/ns/credentials/v2"
VOCABULARY: Final = "urn:handstamp:vocabulary:"
"""What the identifiers of our own terms and types begin with."""

CONTEXT_BYTES: Final = (files("schemas") / "data" / "context" / "v1.jsonld").read_bytes()
"""The context as published."""
CONTEXT_SHA256: Final = hashlib.sha256(CONTEXT_BYTES).hexdigest()


def load_context() -> dict[str, Any]:
    """Return the context as a document of its own, which the caller may keep or change."""
    loaded: dict[str, Any] = json.loads(CONTEXT_BYTES)  # noqa: TID251  # our own packaged file, not input
    return loaded

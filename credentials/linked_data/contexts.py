"""The contexts that are known, by address and hash. What is not in this table is refused; nothing is ever fetched.

A context decides what a signature means. So each copy, ours or the one that pyld brings along, is compared with its
hash before its first use. The hash is over its JSON in canonical form (RFC 8785): white space means nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from credentials.encoding import strict_json
from credentials.encoding.jcs import canonicalize
from credentials.encoding.strict_json import Json
from credentials.errors import OperatorError
from credentials.linked_data.errors import UnknownContext

CREDENTIALS_V1: Final = "https://www.w3.org/2018/credentials/v1"
CREDENTIALS_V2: Final = "https://www.w3.org/ns/credentials/v2"
DATA_INTEGRITY_V2: Final = "https://w3id.org/security/data-integrity/v2"
HANDSTAMP_V1: Final = "urn:handstamp:context:1"


class ContextChanged(OperatorError):
    """A context in the package is not the one that its hash names."""

    code = "context_changed"

    def __init__(self, url: str) -> None:
        super().__init__(f"The installed copy of the context {url} was changed; install the package anew.")


@dataclass(frozen=True, slots=True)
class FrozenContext:
    """Where the copy of a context lies in the installed packages, and what it must be."""

    package: str
    path: str
    sha256: str


def _pyld(name: str, sha256: str) -> FrozenContext:
    return FrozenContext("pyld", f"documentloader/frozen/bundled/{name}.jsonld", sha256)


CONTEXTS: Final[Mapping[str, FrozenContext]] = MappingProxyType(
    {
        HANDSTAMP_V1: FrozenContext(
            "schemas",
            "data/context/v1.jsonld",
            "0639602c216eaac0e0be419a0a9a2305eb4b89a665678ee811a32ca4d5f1f0fd",
        ),
        CREDENTIALS_V1: _pyld("credentials-v1", "b01e671e873981f19a9102a9a57f666dbcaeb31b99e3e124378d143e71549247"),
        CREDENTIALS_V2: _pyld("credentials-v2", "b463c8d6a066214123ddd9827b135e1b50e1fc73322cc52a9b12a4f1fc7d86cf"),
        "https://www.w3.org/ns/did/v1": _pyld(
            "did-v1", "a7e146c40fcec005d3f0f14ae745665f446da58d7914a9d8f733746686fad82b"
        ),
        "https://w3id.org/security/suites/ed25519-2020/v1": _pyld(
            "security-ed25519-2020-v1", "fb517f09d990829aed734c9bad8cbbb2ac3d5063b865c7e3d81f246074bf5691"
        ),
        "https://w3id.org/security/suites/jws-2020/v1": _pyld(
            "security-jws-2020-v1", "eed16334842a5635257913b33acd1aeee29009eb188d855f9a1d0ceee4a8ae4d"
        ),
    }
)


@cache
def load_context(url: str) -> Mapping[str, Json]:
    """Return a context document. It is shared: do not change it.

    Raises:
        UnknownContext: it is not in the table.
        ContextChanged: the installed copy is another.
    """
    known = CONTEXTS.get(url)
    if known is None:
        raise UnknownContext
    data = files(known.package).joinpath(known.path).read_bytes()
    document = strict_json.parse_object(data, what="context")
    if hashlib.sha256(canonicalize(document)).hexdigest() != known.sha256:
        raise ContextChanged(url)
    return document

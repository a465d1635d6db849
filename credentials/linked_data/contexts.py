"""The contexts that are known, by address and hash. What is not in this table is refused; nothing is ever fetched.

A context decides what a signature means. So each copy, ours or the one that pyld brings along, is compared with its
hash before its first use. The hash is over its JSON in canonical form (RFC 8785): white space means nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
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
from schemas.context import CONTEXT_URL, CREDENTIALS_V2_URL

CREDENTIALS_V1: Final = "https://www.w3.org/2018/credentials/v1"
DATA_INTEGRITY_V2: Final = "https://w3id.org/security/data-integrity/v2"


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


def _w3c(name: str, sha256: str) -> FrozenContext:
    return FrozenContext("schemas", f"data/context/w3c/{name}.jsonld", sha256)


CONTEXTS: Final[Mapping[str, FrozenContext]] = MappingProxyType(
    {
        CONTEXT_URL: FrozenContext(
            "schemas",
            "data/context/v1.jsonld",
            "0639602c216eaac0e0be419a0a9a2305eb4b89a665678ee811a32ca4d5f1f0fd",
        ),
        CREDENTIALS_V1: _pyld("credentials-v1", "b01e671e873981f19a9102a9a57f666dbcaeb31b99e3e124378d143e71549247"),
        CREDENTIALS_V2_URL: _pyld("credentials-v2", "b463c8d6a066214123ddd9827b135e1b50e1fc73322cc52a9b12a4f1fc7d86cf"),
        "https://www.w3.org/ns/did/v1": _pyld(
            "did-v1", "a7e146c40fcec005d3f0f14ae745665f446da58d7914a9d8f733746686fad82b"
        ),
        "https://w3id.org/security/suites/ed25519-2020/v1": _pyld(
            "security-ed25519-2020-v1", "fb517f09d990829aed734c9bad8cbbb2ac3d5063b865c7e3d81f246074bf5691"
        ),
        "https://w3id.org/security/suites/jws-2020/v1": _pyld(
            "security-jws-2020-v1", "eed16334842a5635257913b33acd1aeee29009eb188d855f9a1d0ceee4a8ae4d"
        ),
        "https://w3id.org/security/data-integrity/v1": _w3c(
            "data-integrity-v1", "9505bf85338a4c2121ad03992ac90061bc85d43bcfa34d9d47b779381cf08b5f"
        ),
        DATA_INTEGRITY_V2: _w3c(
            "data-integrity-v2", "7ba3c50acf2689d5e07927267343eb353249c7c22a9f2d00307cc970e855e305"
        ),
        "https://w3id.org/security/multikey/v1": _w3c(
            "multikey-v1", "be20c3ee6af6e9c4102e66a85c26617831218e32216bdf050f870e389e737cdc"
        ),
        "https://w3id.org/security/jwk/v1": _w3c(
            "jwk-v1", "38dd329a9a011facda06afc4ba43a121980eaedbd1f974268026d157926bc086"
        ),
        "https://w3id.org/citizenship/v4rc1": _w3c(
            "citizenship-v4rc1", "15ca37d6ed55aee696cb2c8ca747d889418756c66188a47734c15e092ffef869"
        ),
        "https://w3id.org/vdl/v1": _w3c("vdl-v1", "33c9dad4847f7d466d28b9f704dd07d8e1da7614d99b94febb03e19d815ef7da"),
        "https://w3id.org/vdl/aamva/v1": _w3c(
            "vdl-aamva-v1", "b6e2ebb1355dc8c800753520a5e49decd59fda3cfe7a240269bb5f4d9baeb45a"
        ),
    }
)
TRIAL_CONTEXTS: Final[Mapping[str, FrozenContext]] = MappingProxyType(
    {
        "https://www.w3.org/ns/credentials/examples/v2": _w3c(
            "credentials-examples-v2", "8a675bead391be98e6054c4e07c41f73337508d398e07047344c5d349aa2dc58"
        ),
        "https://www.w3.org/ns/credentials/undefined-terms/v2": _w3c(
            "credentials-undefined-terms-v2", "3b11e1df8c618447e9f79f3737e3c30fc0841537eb95f36003742c633672bb9f"
        ),
    }
)
"""Contexts of test suites. They define every word there is, so that nothing is ever dropped, and nothing means much."""
_is_trial: Final[ContextVar[bool]] = ContextVar("is_trial", default=False)


@contextmanager
def trial_contexts() -> Iterator[None]:
    """Know the contexts of test suites, too, in what runs inside; for tests and for the conformance service alone."""
    token = _is_trial.set(True)
    try:
        yield
    finally:
        _is_trial.reset(token)


def is_trial() -> bool:
    """Whether `trial_contexts` is around what runs."""
    return _is_trial.get()


def load_context(url: str) -> Mapping[str, Json]:
    """Return a context document. It is shared: do not change it.

    Raises:
        UnknownContext: it is not in the table; or it is one of test suites, and this is no trial.
        ContextChanged: the installed copy is another.
    """
    known = CONTEXTS.get(url) or (TRIAL_CONTEXTS.get(url) if is_trial() else None)
    if known is None:
        raise UnknownContext
    return _load(url, known)


@cache
def _load(url: str, known: FrozenContext) -> Mapping[str, Json]:
    data = files(known.package).joinpath(known.path).read_bytes()
    document = strict_json.parse_object(data, what="context")
    if hashlib.sha256(canonicalize(document)).hexdigest() != known.sha256:
        raise ContextChanged(url)
    return document

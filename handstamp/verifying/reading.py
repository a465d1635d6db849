"""What kind of file it is, and whose keys are needed to check it. Nothing is believed yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from credentials.data_integrity.bbs_2023_values import DerivedValue
from credentials.data_integrity.presentations import name_controllers
from credentials.data_integrity.proofs import JCS_SUITES, read_proofs
from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError, Malformed
from credentials.sd_jwt import SdJwt, parse_sd_jwt
from credentials.statement import is_statement
from handstamp.verifying.steps import (
    ANY_CREDENTIAL,
    ANY_PRESENTATION,
    LINKED_HELD,
    LINKED_SHOWN,
    PUBLISHED,
    SD_JWT_HELD,
    SD_JWT_SHOWN,
    STATEMENT,
    Pipeline,
)
from schemas import BY_LDP_TYPE

MAX_FILE_BYTES: Final = 1024 * 1024
_WHOLE: Final = JCS_SUITES | {"eddsa-rdfc-2022", "ecdsa-rdfc-2019"}
_WHAT: Final = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class SdJwtFile:
    """An SD-JWT VC, with a key binding or without."""

    text: str = field(repr=False)
    read: SdJwt = field(repr=False)
    pipeline: Pipeline

    @property
    def issuers(self) -> tuple[str, ...]:
        """Who it says issued it."""
        issuer = self.read.claims.get("iss")
        return (issuer,) if isinstance(issuer, str) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedFile:
    """A JSON document with proofs."""

    document: Mapping[str, Json] = field(repr=False)
    pipeline: Pipeline

    @property
    def issuers(self) -> tuple[str, ...]:
        """Whose keys its proofs name."""
        return tuple(dict.fromkeys(name_controllers(dict(self.document))))


Readable: TypeAlias = SdJwtFile | LinkedFile


def read_file(data: bytes) -> Readable:
    """Read a credential, presentation or statement.

    Raises:
        Malformed: it is none of them.
    """
    if len(data) > MAX_FILE_BYTES:
        raise Malformed(_WHAT, f"it is larger than {MAX_FILE_BYTES} bytes")
    if data.lstrip().startswith(b"{"):
        document = strict_json.parse_object(data, what=_WHAT, max_bytes=MAX_FILE_BYTES)
        return LinkedFile(document=document, pipeline=_pipeline_of(document))
    try:
        text = data.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise Malformed(_WHAT, "it is neither JSON nor an SD-JWT VC") from error
    if "~" not in text:
        raise Malformed(_WHAT, "it is neither JSON nor an SD-JWT VC")
    read = parse_sd_jwt(text)
    return SdJwtFile(text=text, read=read, pipeline=SD_JWT_HELD if read.key_binding is None else SD_JWT_SHOWN)


def _pipeline_of(document: Mapping[str, Json]) -> Pipeline:
    if is_statement(document):
        return STATEMENT
    types = document.get("type")
    named = types if isinstance(types, list) else [types]
    if any(isinstance(each, str) and each.endswith("VerifiablePresentation") for each in named):
        return ANY_PRESENTATION
    return _pipeline_of_ours(document) if names_our_type(document) else ANY_CREDENTIAL


def names_our_type(document: Mapping[str, Json]) -> bool:
    """Whether a credential says that it is of one of our types."""
    types = document.get("type")
    return any(
        isinstance(each, str) and each in BY_LDP_TYPE for each in (types if isinstance(types, list) else [types])
    )


def _pipeline_of_ours(document: Mapping[str, Json]) -> Pipeline:
    try:
        proofs = read_proofs(document)
        if proofs[0].cryptosuite in _WHOLE:
            return PUBLISHED
        DerivedValue.parse(proofs[0].proof_value)
    except HandstampError:
        return LINKED_HELD
    return LINKED_SHOWN

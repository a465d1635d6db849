"""What a request may say. Whatever is not understood is refused, as VCALM §2.7 demands, and not passed over."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from credentials.data_integrity.proofs import AUTHENTICATION, DATA_INTEGRITY_PROOF
from credentials.encoding import strict_json
from credentials.encoding.date_time import parse_date_time
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.protocols.members import Members, check_text
from handstamp.conformance.problems import UnknownOption

MAX_BODY_BYTES: Final = 1024 * 1024
_MAX_DEPTH: Final = 64
_MAX_POINTERS: Final = 256
RETURN_CREDENTIAL: Final = "returnCredential"
RETURN_PRESENTATION: Final = "returnPresentation"
FORM: Final = "form"
CHECKS: Final = (FORM, "proof", "issuer", "validity", "credentialStatus")
"""What is checked of a credential, or a presentation; all of it, unless fewer are named."""


def parse_body(body: bytes, names: Collection[str]) -> Members:
    """Read a request.

    Args:
        body: as it came.
        names: the members that it may have.

    Raises:
        Malformed: it is no JSON object, too large or too deep.
        UnknownOption: it has another member.
    """
    members = strict_json.parse_object(body, what="request", max_bytes=MAX_BODY_BYTES, max_depth=_MAX_DEPTH)
    _check_known(members, names)
    return Members(members, what="request")


def read_document(request: Members, name: str) -> dict[str, Json]:
    """Return a credential or presentation, which may be wrapped once more under the same name.

    Raises:
        Malformed: it is not there, or no object.
    """
    document = request.object(name).entries(max_items=_MAX_POINTERS)
    inner = document.get(name)
    return inner if list(document) == [name] and isinstance(inner, dict) else document


def _options(request: Members, names: Collection[str]) -> Members:
    options = request.optional_object("options") or Members({}, what="`options` of the request")
    _check_known(options.entries(max_items=_MAX_POINTERS), names)
    return options


def _check_known(members: Mapping[str, Json], names: Collection[str]) -> None:
    unknown = sorted(check_text(name, what="name of a member", max_chars=100) for name in members if name not in names)
    if unknown:
        raise UnknownOption(", ".join(unknown))


def _read_pointers(options: Members, name: str) -> tuple[str, ...] | None:
    if name not in options or options.get(name) == []:
        return None if name not in options else ()
    return options.texts(name, max_items=_MAX_POINTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueOptions:
    """How a credential is issued."""

    mandatory: tuple[str, ...] | None
    """JSON Pointers to what is always shown; None if the caller said nothing of it."""
    credential_id: str | None

    @classmethod
    def parse(cls, request: Members) -> Self:
        """Read `options`."""
        options = _options(request, ("mandatoryPointers", "credentialId"))
        return cls(
            mandatory=_read_pointers(options, "mandatoryPointers"),
            credential_id=options.optional_text("credentialId"),
        )


def read_selective(request: Members) -> tuple[str, ...]:
    """Read which statements are shown, JSON Pointers, from the `options` of a derivation."""
    return _read_pointers(_options(request, ("selectivePointers",)), "selectivePointers") or ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentOptions:
    """How a presentation is signed."""

    purpose: str
    created: datetime | None
    challenge: str | None
    domain: str | None
    cryptosuite: str | None
    verification_method: str | None

    @classmethod
    def parse(cls, request: Members) -> Self:
        """Read `options`.

        Raises:
            Malformed: it asks for a proof of a type from before `DataIntegrityProof`.
        """
        names = ("type", "cryptosuite", "verificationMethod", "proofPurpose", "created", "challenge", "domain")
        options = _options(request, names)
        if (options.optional_text("type") or DATA_INTEGRITY_PROOF) != DATA_INTEGRITY_PROOF:
            raise Malformed(options.named("type"), f"it is not {DATA_INTEGRITY_PROOF}")
        created = options.optional_text("created")
        return cls(
            purpose=options.optional_text("proofPurpose") or AUTHENTICATION,
            created=None if created is None else parse_date_time(created, what=options.named("created")),
            challenge=options.optional_text("challenge"),
            domain=options.optional_text("domain"),
            cryptosuite=options.optional_text("cryptosuite"),
            verification_method=options.optional_text("verificationMethod"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """What is verified, and what the answer holds."""

    checks: frozenset[str]
    named: frozenset[str]
    """Those that were asked for by name; without a name, all are made."""
    challenge: str | None
    domain: str | None
    return_document: bool
    return_results: bool
    return_problems: bool

    @classmethod
    def parse(cls, request: Members, *, returned: str) -> Self:
        """Read `options`; `returned` is the option that asks for the credential or presentation back.

        Raises:
            UnknownOption: it names a check that is not known.
        """
        names = ["checks", "returnResults", "returnProblemDetails", returned]
        if returned == RETURN_PRESENTATION:
            names += ["challenge", "domain"]
        options = _options(request, names)
        named = options.optional_texts("checks", max_items=len(CHECKS)) if options.get("checks") != [] else ()
        if not set(named) <= set(CHECKS):
            raise UnknownOption(", ".join(sorted(set(named) - set(CHECKS))))
        return cls(
            checks=frozenset(named or CHECKS),
            named=frozenset(named),
            challenge=options.optional_text("challenge"),
            domain=options.optional_text("domain"),
            return_document=options.flag(returned, default=False),
            return_results=options.flag("returnResults", default=True),
            return_problems=options.flag("returnProblemDetails", default=True),
        )

"""Answers to authorization requests, posted as forms (OpenID4VP 1.0 §8)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from credentials.encoding.strict_json import Json, dump, parse
from credentials.errors import HolderError, Malformed
from credentials.protocols.members import Members, check_text, shown, without_absent
from credentials.protocols.oauth import build_form, parse_form
from credentials.protocols.urls import parse_landing_url

MAX_RESPONSE_BYTES: Final = 262_144
_WHAT: Final = "authorization response"
_MAX_QUERIES: Final = 32
_MAX_PRESENTATIONS: Final = 16
_MAX_PRESENTATION: Final = 65_536
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_STATE: Final = re.compile(r"[A-Za-z0-9._~-]{1,512}")
_MAX_DESCRIPTION: Final = 500
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ERROR: Final = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,100}")


class VpTokenNotArrays(HolderError):
    """A `vp_token` as older drafts had it: a presentation where an array of presentations is due."""

    code = "vp_token_not_arrays"

    def __init__(self, query_id: str) -> None:
        """`query_id` whose value is wrong."""
        super().__init__(
            f"The vp_token has, for {shown(query_id)}, a presentation where an array of presentations is due "
            "(OpenID4VP 1.0, section 8.1). The wallet must be updated."
        )


class EncryptedResponse(HolderError):
    """An encrypted answer to a request that did not ask for one."""

    code = "encrypted_response"

    def __init__(self) -> None:
        super().__init__("The answer is encrypted (`response`), which the request did not ask for.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationResponse:
    """Presentations by the id of the credential query that they answer.

    Attributes:
        vp_token: at least one id, each with at least one presentation.
        state: the verifier's mark, as it came with the request.
    """

    vp_token: Mapping[str, tuple[str, ...]]
    state: str | None = None

    def __post_init__(self) -> None:
        """Keep a copy that nobody can change."""
        object.__setattr__(self, "vp_token", MappingProxyType(dict(self.vp_token)))

    @classmethod
    def parse_form(cls, data: bytes, *, max_bytes: int = MAX_RESPONSE_BYTES) -> Self:
        """Read the body of a successful response; parameters that we do not know are ignored (§8.1).

        Raises:
            Malformed: it is no such response.
            VpTokenNotArrays: the wallet speaks an older draft.
            EncryptedResponse: it is of another response mode.
        """
        return cls._read(parse_form(data, max_bytes=max_bytes, what=_WHAT))

    @classmethod
    def _read(cls, fields: dict[str, str]) -> Self:
        if "response" in fields:
            raise EncryptedResponse
        members = Members(dict(fields), what=_WHAT)
        text = members.text("vp_token", max_chars=MAX_RESPONSE_BYTES, lines=True)
        token = Members(parse(text, what="vp_token", max_bytes=MAX_RESPONSE_BYTES), what="vp_token")
        entries = token.entries(max_items=_MAX_QUERIES)
        if not entries:
            raise Malformed("vp_token", "it holds no presentation")
        return cls(
            vp_token={_read_id(name): _read_presentations(token, name) for name in entries},
            state=members.optional_text("state", pattern=_STATE),
        )

    def to_form(self) -> bytes:
        """Write the body of the response."""
        token = {name: list[Json](presentations) for name, presentations in self.vp_token.items()}
        fields = {"vp_token": dump(dict[str, Json](token)).decode("utf-8")}
        return build_form(fields | ({} if self.state is None else {"state": self.state}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorResponse:
    """The wallet, or its owner, said no (§8.5).

    Attributes:
        error: such as `access_denied`.
        description: why, for people; foreign text.
        state: the verifier's mark.
    """

    error: str
    description: str | None = None
    state: str | None = None

    @classmethod
    def parse_form(cls, data: bytes, *, max_bytes: int = MAX_RESPONSE_BYTES) -> Self:
        """Read the body of an error response.

        Raises:
            Malformed: it is no such response.
        """
        return cls._read(parse_form(data, max_bytes=max_bytes, what=_WHAT))

    @classmethod
    def _read(cls, fields: dict[str, str]) -> Self:
        members = Members(dict(fields), what=_WHAT)
        return cls(
            error=members.text("error", pattern=_ERROR),
            # Kept as far as it can be shown: a clumsy reason must not turn a clear no into an unreadable answer.
            description=_CONTROL.sub(" ", fields.get("error_description", ""))[:_MAX_DESCRIPTION] or None,
            state=members.optional_text("state", pattern=_STATE),
        )

    def to_form(self) -> bytes:
        """Write the body of the error response."""
        fields = {"error": self.error, "error_description": self.description, "state": self.state}
        return build_form({name: value for name, value in fields.items() if value is not None})


def parse_response_form(data: bytes, *, max_bytes: int = MAX_RESPONSE_BYTES) -> AuthorizationResponse | ErrorResponse:
    """Read whatever a wallet posted to a response URI.

    Raises:
        Malformed, VpTokenNotArrays, EncryptedResponse: it is neither an answer nor a refusal that can be read.
    """
    fields = parse_form(data, max_bytes=max_bytes, what=_WHAT)
    if "error" not in fields:
        return AuthorizationResponse._read(fields)  # noqa: SLF001 - the same module
    if "vp_token" in fields:
        raise Malformed(_WHAT, "it is an answer and a refusal at once")
    return ErrorResponse._read(fields)  # noqa: SLF001 - the same module


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectPostResult:
    """What a verifier answers to a posted response (§8.2).

    Attributes:
        redirect_uri: where the wallet sends the browser; None when nothing more is to be done on this device.
    """

    redirect_uri: str | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the body of the verifier's answer; members that we do not know are ignored."""
        what = "answer of the verifier"
        members = Members(parse(data, what=what), what=what)
        if "redirect_uri" not in members:
            return cls()
        return cls(redirect_uri=parse_landing_url(members.get("redirect_uri"), what=members.named("redirect_uri")))

    def to_json(self) -> dict[str, Json]:
        """Write the body of the verifier's answer."""
        return without_absent(redirect_uri=self.redirect_uri)


def _read_id(name: str) -> str:
    return check_text(name, what="id in the vp_token", pattern=_ID)


def _read_presentations(token: Members, name: str) -> tuple[str, ...]:
    value = token.required(name)
    if not isinstance(value, list):
        raise VpTokenNotArrays(name)
    return token.array(name, _read_presentation, max_items=_MAX_PRESENTATIONS)


def _read_presentation(value: Json, what: str) -> str:
    if isinstance(value, dict):
        raise Malformed(what, "it is an object, as in formats that were not asked for; an SD-JWT VC is a string")
    return check_text(value, what=what, max_chars=_MAX_PRESENTATION)

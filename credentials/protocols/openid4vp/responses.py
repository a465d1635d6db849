"""Answers to authorization requests, posted as forms, plain or encrypted (OpenID4VP 1.0 §8).

Encryption hides an answer on its way; it says nothing of who wrote it (§14.5). What opens a gate is inside.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from credentials.encoding.strict_json import Json, dump, parse, parse_object
from credentials.errors import HolderError, Malformed
from credentials.keys.encryption import ENCRYPTIONS, DecryptionKey, decrypt, encrypt
from credentials.protocols.dcql import Presentation
from credentials.protocols.members import Members, check_text, shown, without_absent
from credentials.protocols.oauth import build_form, parse_form
from credentials.protocols.openid4vp.metadata import AnswerEncryption
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


class PlainResponse(HolderError):
    """An answer that anybody on the way could read, to a request that asked for an encrypted one (§8.3.1)."""

    code = "plain_response"

    def __init__(self) -> None:
        super().__init__(
            "The answer is not encrypted, though the request asked for it (response_mode direct_post.jwt)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDecryption:
    """What a verifier opens an encrypted answer with.

    Attributes:
        key: the private key made for this one request.
        encs: the content encryptions that the request offered.
    """

    key: DecryptionKey
    encs: frozenset[str] = ENCRYPTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationResponse:
    """Presentations by the id of the credential query that they answer.

    Attributes:
        vp_token: at least one id, each with at least one presentation: text, or an object in the format `ldp_vc`.
        state: the verifier's mark, as it came with the request.
    """

    vp_token: Mapping[str, tuple[Presentation, ...]]
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
        return cls._read(_read_plain(parse_form(data, max_bytes=max_bytes, what=_WHAT)))

    @classmethod
    def _read(cls, fields: Mapping[str, Json]) -> Self:
        members = Members(dict(fields), what=_WHAT)
        token = Members(members.required("vp_token"), what="vp_token")
        entries = token.entries(max_items=_MAX_QUERIES)
        if not entries:
            raise Malformed("vp_token", "it holds no presentation")
        return cls(
            vp_token={_read_id(name): _read_presentations(token, name) for name in entries},
            state=members.optional_text("state", pattern=_STATE),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the parameters of the response, as they are encrypted (§8.3)."""
        token: dict[str, Json] = {name: [_write(each) for each in given] for name, given in self.vp_token.items()}
        return {"vp_token": token} | without_absent(state=self.state)

    def to_form(self, encryption: AnswerEncryption | None = None) -> bytes:
        """Write the body of the response: plain (§8.2), or encrypted to the verifier's key (§8.3.1)."""
        if encryption is not None:
            return _encrypt_form(self.to_json(), encryption)
        fields = {"vp_token": dump(self.to_json()["vp_token"]).decode("utf-8")}
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
    def _read(cls, fields: Mapping[str, Json]) -> Self:
        members = Members(dict(fields), what=_WHAT)
        described = fields.get("error_description")
        return cls(
            error=members.text("error", pattern=_ERROR),
            # Kept as far as it can be shown: a clumsy reason must not turn a clear no into an unreadable answer.
            description=_CONTROL.sub(" ", described if isinstance(described, str) else "")[:_MAX_DESCRIPTION] or None,
            state=members.optional_text("state", pattern=_STATE),
        )

    def to_form(self, encryption: AnswerEncryption | None = None) -> bytes:
        """Write the body of the error response, plain or encrypted."""
        fields = {"error": self.error, "error_description": self.description, "state": self.state}
        written = {name: value for name, value in fields.items() if value is not None}
        return build_form(written) if encryption is None else _encrypt_form(dict[str, Json](written), encryption)


def parse_response_form(
    data: bytes, *, decryption: ResponseDecryption | None = None, max_bytes: int = MAX_RESPONSE_BYTES
) -> AuthorizationResponse | ErrorResponse:
    """Read whatever a wallet posted to a response URI.

    Args:
        data: the form.
        decryption: how to open it, if the request asked for an encrypted answer; then a plain one is refused.
        max_bytes: the cap on the form.

    Raises:
        EncryptedResponse, PlainResponse: it came the other way than asked.
        UnreadableEncryption: it does not open with the request's key.
        Malformed, VpTokenNotArrays: it is neither an answer nor a refusal that can be read.
    """
    form = parse_form(data, max_bytes=max_bytes, what=_WHAT)
    fields = _read_plain(form) if decryption is None else _open(form, decryption, max_bytes=max_bytes)
    if fields.get("error") is None:
        return AuthorizationResponse._read(fields)  # noqa: SLF001 - the same module
    if fields.get("vp_token") is not None:
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


def _read_presentations(token: Members, name: str) -> tuple[Presentation, ...]:
    value = token.required(name)
    if not isinstance(value, list):
        raise VpTokenNotArrays(name)
    return token.array(name, _read_presentation, max_items=_MAX_PRESENTATIONS)


def _read_presentation(value: Json, what: str) -> Presentation:
    if isinstance(value, dict):
        # Parsed already, so its members are read alike by everybody; how large it may be is for one presentation.
        if len(dump(value)) > _MAX_PRESENTATION:
            raise Malformed(what, f"it is longer than {_MAX_PRESENTATION} bytes")
        return value
    return check_text(value, what=what, max_chars=_MAX_PRESENTATION)


def _write(presentation: Presentation) -> Json:
    return presentation if isinstance(presentation, str) else dict(presentation)


def _read_plain(form: Mapping[str, str]) -> dict[str, Json]:
    """Read the fields of a plain answer: all text, save the `vp_token`, which is JSON (§8.1)."""
    if "response" in form:
        raise EncryptedResponse
    fields: dict[str, Json] = dict(form)
    if "vp_token" in form:
        text = check_text(form["vp_token"], what="vp_token", max_chars=MAX_RESPONSE_BYTES, lines=True)
        fields["vp_token"] = parse(text, what="vp_token", max_bytes=MAX_RESPONSE_BYTES)
    return fields


def _open(form: Mapping[str, str], decryption: ResponseDecryption, *, max_bytes: int) -> dict[str, Json]:
    """Open an encrypted answer (§8.3.1). What stands beside it in the form was not encrypted and counts for nothing.

    Only a refusal may come plain: a wallet that cannot encrypt can still say so.
    """
    text = form.get("response")
    if text is None:
        if "error" in form and "vp_token" not in form:
            return dict(form)
        raise PlainResponse
    keys = {decryption.key.kid: decryption.key}
    opened = decrypt(text, keys=keys, encs=decryption.encs, max_bytes=max_bytes, what=_WHAT)
    return parse_object(opened.payload, what=_WHAT, max_bytes=max_bytes)


def _encrypt_form(parameters: Mapping[str, Json], encryption: AnswerEncryption) -> bytes:
    return build_form({"response": encrypt(dump(parameters), to=encryption.key, enc=encryption.enc)})

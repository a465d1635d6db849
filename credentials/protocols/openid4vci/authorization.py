"""The authorization code flow: pushed requests (RFC 9126), PKCE (RFC 7636), the response with `iss` (RFC 9207)."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlencode, urlsplit

from credentials.encoding import base64url
from credentials.encoding.strict_json import Json, parse
from credentials.errors import Malformed
from credentials.protocols.members import Members, check_text, without_absent
from credentials.protocols.oauth import InvalidRequest, UnsupportedResponseType, build_form, parse_form, refuse_as
from credentials.protocols.openid4vci.details import read_requested, read_scopes, write_requested
from credentials.protocols.urls import parse_service_url

REQUEST_URI_PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
_WHAT: Final = "pushed authorization request"
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_THUMBPRINT: Final = _CHALLENGE
# RFC 8252 §7.1, §8.4: an app's own scheme is a host name turned round, so it has a dot. Those without one belong to
# browsers, systems and other programs (`javascript`, `data`, `intent`, `search-ms`): a link must not start those.
_PRIVATE_SCHEME: Final = re.compile(r"(?=.{3,64}\Z)[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
# RFC 6749 §A.1. What nobody sees, or turns the line round, would let a stranger write what the page says of them.
_CLIENT_ID: Final = re.compile(r"[ -~]{1,512}")
_MAX_STATE: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRequest:
    """An authorization request that a wallet leaves before it opens a browser.

    Attributes:
        client_id: the wallet's product; nobody vouches for it without an attestation.
        redirect_uri: where the browser goes afterwards: https, or a scheme of the wallet's own.
        code_challenge: base64url of SHA-256 of the verifier.
        scopes: from `scope`.
        requested_configuration_ids: from `authorization_details`.
        state: given back as it came.
        issuer_state: from an offer; not guaranteed to be ours (§5.1.3).
        dpop_thumbprint: the key that the code is bound to (RFC 9449 §10); None if the wallet names none.
    """

    client_id: str
    redirect_uri: str
    code_challenge: str
    scopes: tuple[str, ...] = ()
    requested_configuration_ids: tuple[str, ...] = ()
    state: str | None = None
    issuer_state: str | None = None
    dpop_thumbprint: str | None = None

    @classmethod
    def parse_form(cls, data: bytes) -> Self:
        """Read the body of a pushed authorization request; parameters that we do not know are ignored.

        Raises:
            UnsupportedResponseType: another than `code`.
            InvalidRequest, InvalidAuthorizationDetails: with the exact OAuth error.
        """
        with refuse_as(InvalidRequest):
            fields = parse_form(data, what=_WHAT)
            members = Members(dict(fields), what=_WHAT)
            if members.text("response_type", max_chars=64) != "code":
                raise UnsupportedResponseType("Only the response type code is supported.")
            if "request_uri" in members:
                raise Malformed(_WHAT, "it names a request_uri itself")
            # RFC 7636 §4.3: without this the method would be `plain`.
            if members.text("code_challenge_method", max_chars=16) != "S256":
                raise Malformed(members.named("code_challenge_method"), "it is not S256")
            return cls(
                client_id=members.text("client_id", pattern=_CLIENT_ID),
                redirect_uri=parse_redirect_uri(members.text("redirect_uri")),
                code_challenge=members.text("code_challenge", pattern=_CHALLENGE),
                scopes=read_scopes(members),
                requested_configuration_ids=read_requested(fields.get("authorization_details")),
                state=members.optional_text("state", max_chars=_MAX_STATE),
                issuer_state=members.optional_text("issuer_state"),
                dpop_thumbprint=members.optional_text("dpop_jkt", pattern=_THUMBPRINT),
            )

    def to_form(self) -> bytes:
        """Write the body of a pushed authorization request."""
        fields = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_challenge": self.code_challenge,
            "code_challenge_method": "S256",
            "scope": " ".join(self.scopes),
            "authorization_details": write_requested(self.requested_configuration_ids),
            "state": self.state,
            "issuer_state": self.issuer_state,
            "dpop_jkt": self.dpop_thumbprint,
        }
        return build_form({name: value for name, value in fields.items() if value})


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedResponse:
    """Where the pushed request lies, and for how many seconds (RFC 9126 §2.2); answered with status 201."""

    request_uri: str
    expires_in: int

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the body of the response to a pushed authorization request."""
        what = "pushed authorization response"
        members = Members(parse(data, what=what), what=what)
        return cls(request_uri=members.text("request_uri"), expires_in=members.integer("expires_in", minimum=1))

    def to_json(self) -> dict[str, Json]:
        """Write that body."""
        return {"request_uri": self.request_uri, "expires_in": self.expires_in}


def parse_redirect_uri(text: str) -> str:
    """Check where a browser is to be sent: https (http on this machine), or a scheme that only a wallet can own.

    Raises:
        Malformed: it is neither, or has a fragment (RFC 6749 §3.1.2).
    """
    what = "redirect_uri"
    scheme, separator, rest = text.partition(":")
    if scheme in ("http", "https"):
        return parse_service_url(text, what=what)
    if not separator or not rest or not _PRIVATE_SCHEME.fullmatch(scheme):
        raise Malformed(what, "it is neither an https address nor one with a wallet's own scheme")
    return check_text(rest, what=what, pattern=re.compile(r"[!$-;=?-\[\]_a-z~]+")) and text


def build_authorization_response(redirect_uri: str, *, issuer: str, state: str | None, **answer: str) -> str:
    """The address that ends the visit: `code`, or `error`, with `state` and `iss` (RFC 6749 §4.1.2, RFC 9207 §2)."""
    query = urlencode(without_absent(**answer, state=state, iss=issuer))
    return f"{redirect_uri}{'&' if urlsplit(redirect_uri).query else '?'}{query}"


def make_code_challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 §4.2)."""
    return base64url.encode(hashlib.sha256(verifier.encode("ascii", "backslashreplace")).digest())


def is_verifier(verifier: str, *, challenge: str) -> bool:
    """Whether this is the verifier that the challenge was made of."""
    fits = hmac.compare_digest(make_code_challenge(verifier), challenge)
    return fits and _VERIFIER.fullmatch(verifier) is not None

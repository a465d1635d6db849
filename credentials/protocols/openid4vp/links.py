"""Links that open a wallet with a request (OpenID4VP 1.0 §5, §5.7, RFC 9101 §5): who asks, and where the request is.

A request comes in one of three ways: at an address, signed (`request_uri`); in the link, signed (`request`); in the
link, as plain parameters, which nobody signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlencode

from credentials.encoding.strict_json import Json, dump, parse
from credentials.errors import Malformed
from credentials.protocols.links import parse_link_fields
from credentials.protocols.members import check_text
from credentials.protocols.openid4vp.clients import ClientId
from credentials.protocols.openid4vp.errors import (
    InvalidRequestUriMethod,
    SignedRedirectUri,
    UnsignedRequest,
)
from credentials.protocols.urls import parse_service_url

_WHAT: Final = "presentation request"
_MAX_LINK: Final = 65_536
# The standard's scheme, and those of HAIP drafts and of HAIP 1.0.
_SCHEMES: Final = frozenset({"openid4vp", "haip", "haip-vp"})
# §5.1: parameters that hold objects are JSON in a string when the request is plain parameters.
_OBJECTS: Final = frozenset({"dcql_query", "client_metadata", "transaction_data", "handstamp_handshake"})

Method = Literal["get", "post"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReference:
    """Who asks, and where the signed request can be fetched.

    Attributes:
        client_id: the full client identifier, prefix included.
        request_uri: where the request is.
        method: `post` if the verifier would like the wallet's metadata and nonce (§5.10).
    """

    client_id: str
    request_uri: str
    method: Method = "get"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInLink:
    """Who asks, and the signed request itself.

    Attributes:
        client_id: the full client identifier, prefix included.
        request_object: the compact JWS; nothing in it is proven yet.
    """

    client_id: str
    request_object: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainInLink:
    """A request that nobody signed.

    Attributes:
        client_id: the full client identifier, which is `redirect_uri:` and the address for the answer.
        parameters: every parameter of the request, objects read as such.
    """

    client_id: str
    parameters: Mapping[str, Json]

    def __post_init__(self) -> None:
        """Keep a copy that nobody can change."""
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))


RequestLink = RequestReference | SignedInLink | PlainInLink


def parse_request_link(text: str) -> RequestLink:
    """Read what a listener pasted or scanned.

    Raises:
        Malformed: it is no such link.
        UnsignedRequest: plain parameters in the name of a client whose requests are signed.
        SignedRedirectUri: the other way round.
        RequestRefused: a request of a kind that this wallet does not answer; its class says which.
    """
    link = check_text(text, what=_WHAT, max_chars=_MAX_LINK, lines=True).strip()
    fields = parse_link_fields(link, schemes=_SCHEMES, what=_WHAT)
    if "client_id" not in fields:
        raise Malformed(_WHAT, "`client_id` is missing")
    client = ClientId.parse(fields["client_id"])
    by_reference, by_value = "request_uri" in fields, "request" in fields
    if by_reference and by_value:
        # RFC 9101 §5: one of them, not both. Which one counts must not depend on who reads it.
        raise Malformed(_WHAT, "it has both `request` and `request_uri`")
    if not by_reference and "request_uri_method" in fields:
        raise InvalidRequestUriMethod
    if client.is_signed != (by_reference or by_value):
        raise UnsignedRequest(client.prefix.value) if client.is_signed else SignedRedirectUri
    if by_reference:
        return _read_reference(fields, client)
    if by_value:
        return SignedInLink(client_id=client.text, request_object=fields["request"])
    return PlainInLink(client_id=client.text, parameters={name: _read(name, text) for name, text in fields.items()})


def build_request_link(reference: RequestReference) -> str:
    """Write the link that opens a wallet; short enough for a QR code."""
    fields = {"client_id": reference.client_id, "request_uri": reference.request_uri}
    if reference.method != "get":
        fields["request_uri_method"] = reference.method
    return _link(fields)


def build_signed_link(request: SignedInLink) -> str:
    """Write a link that holds the signed request itself; too long for a QR code that a camera reads easily."""
    return _link({"client_id": request.client_id, "request": request.request_object})


def build_plain_link(parameters: Mapping[str, Json]) -> str:
    """Write a link that holds a request as plain parameters; what is no text is written as JSON (§5.1)."""
    return _link(
        {name: value if isinstance(value, str) else dump(value).decode("utf-8") for name, value in parameters.items()}
    )


def _link(fields: Mapping[str, str]) -> str:
    return f"openid4vp://?{urlencode(fields)}"


def _read_reference(fields: Mapping[str, str], client: ClientId) -> RequestReference:
    method = fields.get("request_uri_method", "get")
    if method not in ("get", "post"):
        raise InvalidRequestUriMethod
    return RequestReference(
        client_id=client.text,
        request_uri=parse_service_url(fields["request_uri"], what="address of the request"),
        method="post" if method == "post" else "get",
    )


def _read(name: str, text: str) -> Json:
    return parse(text, what=f"`{name}` of the {_WHAT}") if name in _OBJECTS else text

"""Links that open a wallet with a request (OpenID4VP 1.0 §5, RFC 9101 §5.2): who asks, and where the request is."""

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode

from credentials.errors import Malformed
from credentials.protocols.links import parse_link_fields
from credentials.protocols.members import check_text
from credentials.protocols.oauth import refuse_as
from credentials.protocols.openid4vp.errors import (
    InvalidRequestUriMethod,
    MissingClientIdPrefix,
    RequestRefused,
    UnsignedRequest,
    UnsupportedClientIdPrefix,
)
from credentials.protocols.urls import is_dns_name, parse_service_url

X509_SAN_DNS: Final = "x509_san_dns"
_WHAT: Final = "presentation request"
_MAX_LINK: Final = 16_384
_MAX_CLIENT_ID: Final = 512
# The standard's scheme, and those of HAIP drafts and of HAIP 1.0.
_SCHEMES: Final = frozenset({"openid4vp", "haip", "haip-vp"})

Method = Literal["get", "post"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReference:
    """Who asks, and where the signed request can be fetched.

    Attributes:
        client_id: the full client identifier, prefix included.
        request_uri: where the request is.
        method: `post` if the verifier would like the wallet's metadata first; a wallet may still send GET (§5.1).
    """

    client_id: str
    request_uri: str
    method: Method = "get"


def parse_request_link(text: str) -> RequestReference:
    """Read what a listener pasted or scanned.

    Raises:
        Malformed: it is no such link.
        RequestRefused: a request of a kind that this wallet does not answer; its class says which.
    """
    link = check_text(text, what=_WHAT, max_chars=_MAX_LINK, lines=True).strip()
    fields = parse_link_fields(link, schemes=_SCHEMES, what=_WHAT)
    client_id = fields.get("client_id")
    if client_id is None:
        raise Malformed(_WHAT, "`client_id` is missing")
    read_host(client_id)
    url = fields.get("request_uri")
    if "request" in fields or url is None:
        raise UnsignedRequest
    method = fields.get("request_uri_method", "get")
    if method not in ("get", "post"):
        raise InvalidRequestUriMethod
    return RequestReference(
        client_id=client_id,
        request_uri=parse_service_url(url, what="address of the request"),
        method="post" if method == "post" else "get",
    )


def build_request_link(reference: RequestReference) -> str:
    """Write the link that opens a wallet; short enough for a QR code."""
    fields = {"client_id": reference.client_id, "request_uri": reference.request_uri}
    if reference.method != "get":
        fields["request_uri_method"] = reference.method
    return f"openid4vp://?{urlencode(fields)}"


def build_client_id(host: str) -> str:
    """The client identifier of a verifier whose certificate names this host (§5.9.3)."""
    return f"{X509_SAN_DNS}:{host}"


def read_host(client_id: str) -> str:
    """The host that a client identifier stands for (§5.9).

    Raises:
        MissingClientIdPrefix, UnsupportedClientIdPrefix, RequestRefused: it stands for none.
    """
    with refuse_as(RequestRefused):
        check_text(client_id, what="`client_id`", max_chars=_MAX_CLIENT_ID)
    # §5.9.1: the prefix ends at the first colon, whatever follows.
    prefix, colon, host = client_id.partition(":")
    if not colon:
        raise MissingClientIdPrefix(client_id)
    if prefix in ("http", "https"):
        # What older drafts sent: a bare URL, whose scheme only looks like a prefix.
        raise MissingClientIdPrefix(client_id)
    if prefix != X509_SAN_DNS:
        raise UnsupportedClientIdPrefix(prefix)
    if not is_dns_name(host):
        raise RequestRefused("The client_id has no host name after 'x509_san_dns:'.")
    return host

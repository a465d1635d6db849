"""Authorization requests as signed request objects (OpenID4VP 1.0 §5, RFC 9101): `x509_san_dns` and `direct_post`."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.certificates import check_chain, parse_x5c
from credentials.keys.jws import Jws, parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.dcql import Query
from credentials.protocols.freshness import CLOCK_SKEW_S
from credentials.protocols.handshake import Handshake
from credentials.protocols.members import Members, check_text, without_absent
from credentials.protocols.openid4vp.errors import (
    ForeignResponseUri,
    FormatsNotSupported,
    RequestExpired,
    RequestNotYetValid,
    RequestRefused,
    TransactionDataRefused,
    UnsupportedResponse,
    WrongClientId,
    WrongRequestAudience,
)
from credentials.protocols.openid4vp.links import RequestReference, read_host
from credentials.protocols.urls import check_leads_outward, host_of, parse_service_url

TYP: Final = "oauth-authz-req+jwt"
# §5.8: the audience when nobody knows beforehand which wallet will answer.
AUDIENCE: Final = "https://self-issued.me/v2"
DIRECT_POST: Final = "direct_post"
_WHAT: Final = "presentation request"
_MAX_REQUEST: Final = 65_536
# §5.2: ASCII URL-safe characters. We send 43; less than 16 could not be fresh.
_NONCE: Final = re.compile(r"[A-Za-z0-9._~-]{16,512}")
_STATE: Final = re.compile(r"[A-Za-z0-9._~-]{1,512}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    """What the verifier says about itself (§5.1, §11.1). All of it is foreign text: escape before showing.

    Attributes:
        client_name: what it calls itself; nothing vouches for it.
        sd_jwt_algorithms: what the issuer may have signed with; empty for any.
        kb_jwt_algorithms: what the holder may sign with; empty for any.
    """

    client_name: str | None = None
    sd_jwt_algorithms: tuple[str, ...] = ("ES256",)
    kb_jwt_algorithms: tuple[str, ...] = ("ES256",)

    @classmethod
    def read(cls, members: Members) -> Self:
        """Read `client_metadata`. `vp_formats`, its name in older drafts, is read where the new one is missing.

        Raises:
            FormatsNotSupported: the verifier takes no SD-JWT VC signed with ES256.
        """
        formats = members.optional_object("vp_formats_supported") or members.optional_object("vp_formats")
        ours = formats.optional_object("dc+sd-jwt") if formats else None
        if formats and ours is None:
            raise FormatsNotSupported
        read = cls(
            client_name=members.optional_text("client_name", max_chars=256),
            sd_jwt_algorithms=ours.optional_texts("sd-jwt_alg_values", max_items=64) if ours else (),
            kb_jwt_algorithms=ours.optional_texts("kb-jwt_alg_values", max_items=64) if ours else (),
        )
        for algorithms in (read.sd_jwt_algorithms, read.kb_jwt_algorithms):
            if algorithms and "ES256" not in algorithms:
                raise FormatsNotSupported
        return read

    def to_json(self) -> dict[str, Json]:
        """Write `client_metadata`, under the final names only."""
        named = {"sd-jwt_alg_values": self.sd_jwt_algorithms, "kb-jwt_alg_values": self.kb_jwt_algorithms}
        algorithms = without_absent(**{name: list[Json](values) for name, values in named.items()})
        return without_absent(client_name=self.client_name) | {"vp_formats_supported": {"dc+sd-jwt": algorithms}}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What a verifier asks, and where the answer goes.

    Attributes:
        client_id: the full client identifier, `x509_san_dns:` and the verifier's host; also the answer's audience.
        nonce: what the answer must sign; a handshake's nonce commits to its terms.
        state: the verifier's own mark on the answer; ours always has one.
        response_uri: where the answer is posted; its host is the client's.
        response_mode: always `direct_post`.
        dcql: what is asked for.
        handshake: the terms, for wallets that can show them.
        client_metadata: what the verifier says about itself.
        issued_at: seconds since 1970; other verifiers may leave it out.
        expires_at: seconds since 1970; other verifiers may leave it out.
    """

    client_id: str
    nonce: str
    state: str | None
    response_uri: str
    response_mode: str = DIRECT_POST
    dcql: Query
    handshake: Handshake | None = None
    client_metadata: ClientMetadata = field(default_factory=ClientMetadata)
    issued_at: int | None = None
    expires_at: int | None = None

    @property
    def host(self) -> str:
        """The verifier's host, proven by its certificate: the name to show at consent."""
        return read_host(self.client_id)

    @classmethod
    def parse(cls, claims: Json) -> Self:
        """Read the claims of a request object; what is not known is ignored, save `transaction_data` (§5, §8.4).

        Raises:
            Malformed: they are no such claims.
            RequestRefused: a request of a kind that this wallet does not answer; its class says which.
        """
        members = Members(claims, what=_WHAT)
        _check_kind(members)
        metadata = members.optional_object("client_metadata")
        handshake = members.get("handstamp_handshake")
        return cls(
            client_id=members.text("client_id", max_chars=512),
            nonce=members.text("nonce", pattern=_NONCE),
            state=members.optional_text("state", pattern=_STATE),
            response_uri=parse_service_url(members.required("response_uri"), what=members.named("response_uri")),
            dcql=Query.parse(members.required("dcql_query")),
            handshake=None if handshake is None else Handshake.parse(handshake),
            client_metadata=ClientMetadata.read(metadata) if metadata else ClientMetadata(),
            issued_at=members.optional_time("iat"),
            expires_at=members.optional_time("exp"),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the claims of the request object."""
        return without_absent(
            client_id=self.client_id,
            aud=AUDIENCE,
            response_type="vp_token",
            response_mode=self.response_mode,
            response_uri=self.response_uri,
            nonce=self.nonce,
            state=self.state,
            dcql_query=self.dcql.to_json(),
            client_metadata=self.client_metadata.to_json(),
            handstamp_handshake=self.handshake.to_json() if self.handshake else None,
            iat=self.issued_at,
            exp=self.expires_at,
        )

    def check_consistent(self) -> None:
        """Check that client, address and handshake belong together (§5.9.3 and the handshake's own rule).

        Raises:
            RequestRefused, ForeignResponseUri, HandshakeMismatch: they do not.
        """
        if host_of(self.response_uri) != self.host.lower():
            raise ForeignResponseUri
        if self.handshake is not None:
            self.handshake.check_nonce(self.nonce)


def build_request_object(request: AuthorizationRequest, *, signer: Signer, x5c: list[str]) -> str:
    """Sign a request; `x5c` certifies the signer's key for the host of `client_id`, anchor left out.

    Raises:
        HandstampError: the request is one that no wallet would accept.
    """
    claims = request.to_json()
    AuthorizationRequest.parse(claims).check_consistent()
    return sign_jws({"typ": TYP, "x5c": list[Json](x5c)}, claims, signer)


def verify_request_object(
    text: str, *, reference: RequestReference, anchors: tuple[bytes, ...], at: datetime
) -> AuthorizationRequest:
    """Verify a fetched request object.

     1. It is a JWS of type `oauth-authz-req+jwt`, by ES256 (RFC 9101 §10.8).
     2. Its `client_id` is that of the link, with the prefix `x509_san_dns` (RFC 9101 §5, §5.9.3).
     3. Its `x5c` leads to one of the authorities that the wallet trusts, and names the client's host.
     4. Its signature verifies with the leaf's key.
     5. It is for any wallet (§5.8), and it is time.
     6. It asks for a `vp_token` by `direct_post`, and for no transaction to be authorised.
     7. The answer goes to the client's own host, which is no loopback if the request came from elsewhere.
     8. The nonce commits to the terms, if there are any.

    Args:
        text: the compact JWS.
        reference: the link that led to it.
        anchors: certificates, PEM, of the authorities that the wallet trusts to name verifiers.
        at: now.

    Raises:
        Malformed, RequestRefused, HandshakeMismatch, BadSignature, CertificateError and other refusals of the kernel.
    """
    jws = parse_jws(check_text(text, what=_WHAT, max_chars=_MAX_REQUEST), what=_WHAT, typ=TYP)
    claims = Members(jws.claims(), what=_WHAT)
    if claims.text("client_id", max_chars=512) != reference.client_id:
        raise WrongClientId
    _check_signature(jws, host=read_host(reference.client_id), anchors=anchors, at=at)
    _check_audience(claims.get("aud"))
    request = AuthorizationRequest.parse(jws.claims())
    _check_time(request, not_before=claims.optional_time("nbf"), at=at)
    request.check_consistent()
    check_leads_outward(request.response_uri, led_by=reference.request_uri, what="address for the answer")
    return request


def _check_signature(jws: Jws, *, host: str, anchors: tuple[bytes, ...], at: datetime) -> None:
    """Steps 3 and 4."""
    if "x5c" not in jws.header:
        raise RequestRefused("The request must carry the verifier's certificate chain (x5c) in its header.")
    chain = parse_x5c(jws.header["x5c"], what=f"certificate chain of the {_WHAT}")
    check_chain(chain, anchors=anchors, dns_name=host, at=at)
    jws.check_signature(chain.leaf_key)


def _check_audience(audience: Json) -> None:
    # RFC 9101 §4 says to send one; verifiers that send none are still bound by the nonce and the signature.
    if audience not in (None, AUDIENCE, [AUDIENCE]):
        raise WrongRequestAudience


def _check_time(request: AuthorizationRequest, *, not_before: int | None, at: datetime) -> None:
    now_s = at.timestamp()
    if request.expires_at is not None and now_s >= request.expires_at:
        raise RequestExpired
    if max(not_before or 0, request.issued_at or 0) > now_s + CLOCK_SKEW_S:
        raise RequestNotYetValid


def _check_kind(members: Members) -> None:
    """Refuse requests that want something else than a `vp_token` by `direct_post` for a DCQL query."""
    if "transaction_data" in members:
        raise TransactionDataRefused
    response_type = members.text("response_type", max_chars=256)
    if response_type != "vp_token":
        raise UnsupportedResponse("response_type", response_type, "vp_token")
    response_mode = members.text("response_mode", max_chars=256)
    if response_mode != DIRECT_POST:
        raise UnsupportedResponse("response_mode", response_mode, DIRECT_POST)
    if "redirect_uri" in members:
        raise RequestRefused("A request with response_mode direct_post must not have a redirect_uri.")
    if "scope" in members or "dcql_query" not in members:
        raise Malformed(_WHAT, "it must have `dcql_query`, and no `scope`")

"""How requests are signed and checked, under each client identifier prefix (OpenID4VP 1.0 §5.9.3, RFC 9101)."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from credentials.encoding.strict_json import Json
from credentials.keys.certificates import check_chain, parse_x5c
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import Jws, parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.dcql import Query
from credentials.protocols.freshness import CLOCK_SKEW_S
from credentials.protocols.members import Members, check_text
from credentials.protocols.openid4vp.clients import MAX_CLIENT_ID, ClientId, Prefix, hash_leaf
from credentials.protocols.openid4vp.errors import (
    ForeignResponseUri,
    PublicUnsignedRequest,
    RequestExpired,
    RequestNotYetValid,
    RequestRefused,
    SignedRedirectUri,
    UnprovenDid,
    WrongCertificateHash,
    WrongClientId,
    WrongRequestAudience,
    WrongWalletNonce,
)
from credentials.protocols.openid4vp.links import PlainInLink, RequestReference, SignedInLink, build_plain_link
from credentials.protocols.openid4vp.metadata import ClientMetadata
from credentials.protocols.openid4vp.requests import AUDIENCE, WHAT, AuthorizationRequest, Lasting
from credentials.protocols.urls import check_leads_outward, is_loopback

TYP: Final = "oauth-authz-req+jwt"
_MAX_REQUEST: Final = 65_536


def build_request_object(
    request: AuthorizationRequest, *, signer: Signer, x5c: list[str] | None = None, kid: str | None = None
) -> str:
    """Sign a request.

    Args:
        request: what is asked.
        signer: whose key the client identifier leads to.
        x5c: certifies the key for the host of the answer, anchor left out; for `x509_san_dns` and `x509_hash`.
        kid: the DID URL of the key; for `decentralized_identifier`.

    Raises:
        HandstampError: the request is one that no wallet would accept.
    """
    claims = request.to_json()
    # A key for the answer makes a request like no other; all others of a gate ask the same.
    alike = not request.client_metadata.encryption_keys
    known = _read_back(request.dcql, request.client_metadata) if alike else None
    AuthorizationRequest.parse(claims, known=known).check_consistent()
    if not request.client.is_signed:
        raise SignedRedirectUri
    header: dict[str, Json] = {"typ": TYP}
    if kid is not None:
        header["kid"] = kid
    if x5c:
        header["x5c"] = list[Json](x5c)
    return sign_jws(header, claims, signer)


@lru_cache(maxsize=256)
def _read_back(dcql: Query, client_metadata: ClientMetadata) -> Lasting:
    """Read what is written of both, as a wallet does: what no wallet could read is refused before it is signed."""
    written: dict[str, Json] = {"dcql_query": dcql.to_json(), "client_metadata": client_metadata.to_json()}
    return Lasting.read(Members(written, what=WHAT))


def build_unsigned_link(request: AuthorizationRequest) -> str:
    """Write a request that nobody signs into the link itself (§5.9.3, `redirect_uri`): for trials on one machine.

    Raises:
        HandstampError: the request is one that no wallet would accept; `PublicUnsignedRequest` off this machine.
    """
    # Plain parameters have no audience and no times: those are claims of a JWT (RFC 9101 §4).
    claims = {name: value for name, value in request.to_json().items() if name not in ("aud", "iat", "exp")}
    check_plain_request(PlainInLink(client_id=request.client_id, parameters=claims))
    return build_plain_link(claims)


def verify_request_object(
    text: str,
    *,
    reference: RequestReference | SignedInLink,
    anchors: tuple[bytes, ...],
    at: datetime,
    did_keys: Mapping[str, PublicKey] | None = None,
    wallet_nonce: str | None = None,
) -> AuthorizationRequest:
    """Verify a signed request object.

     1. It is a JWS of type `oauth-authz-req+jwt`, by an algorithm that is accepted (RFC 9101 §10.8).
     2. Its `client_id` is that of the link, prefix included, and the prefix is one whose requests are signed (§5.9.3).
     3. It repeats the wallet's nonce if one was sent by POST, and has none if none was (§5.10.1).
     4. It is for any wallet (§5.8), and it is time.
     5. It asks for a `vp_token` by `direct_post` or `direct_post.jwt`, with a key for the latter; for no transaction.
     6. The answer goes to the client's own host, which is no loopback if the request came from elsewhere.
     7. The nonce commits to the terms, if there are any.
     8. The key is the client's: certified for the host of the answer by an authority that the wallet trusts (for
        `x509_hash` by the very certificate that is named), or listed in the DID's document (`did_keys`, by DID URLs).
     9. The signature verifies with that key.

    Raises:
        Malformed, RequestRefused, HandshakeMismatch, BadSignature, CertificateError and other refusals of the kernel.
    """
    jws = parse_jws(check_text(text, what=WHAT, max_chars=_MAX_REQUEST), what=WHAT, typ=TYP)  # (1)
    signed = jws.claims()
    claims = Members(signed, what=WHAT)
    if claims.text("client_id", max_chars=MAX_CLIENT_ID) != reference.client_id:  # (2)
        raise WrongClientId
    client = ClientId.parse(reference.client_id)
    _check_wallet_nonce(claims, wallet_nonce)  # (3)
    _check_audience(claims.get("aud"))  # (4)
    request = AuthorizationRequest.parse(signed)  # (5)
    _check_time(request, not_before=claims.optional_time("nbf"), at=at)
    request.check_consistent()  # (6), (7)
    if isinstance(reference, RequestReference):
        check_leads_outward(request.response_uri, led_by=reference.request_uri, what="address for the answer")
    jws.check_signature(_find_key(jws, client, request, anchors=anchors, at=at, did_keys=did_keys or {}))  # (8), (9)
    return request


def check_plain_request(link: PlainInLink) -> AuthorizationRequest:
    """Read a request that nobody signed. It proves nothing: whoever made the link made the request.

    The answer can go only to the address that is the client's identifier (§5.9.3), and only on this very machine.

    Raises:
        PublicUnsignedRequest: it comes from elsewhere.
        Malformed, RequestRefused, HandshakeMismatch: as `verify_request_object`.
    """
    client = ClientId.parse(link.client_id)
    # §5.9.3: the verifier may leave the address out, as it stands in its identifier.
    request = AuthorizationRequest.parse(
        {"response_uri": client.identifier, **link.parameters, "client_id": client.text}
    )
    if request.wallet_nonce is not None:
        raise WrongWalletNonce
    request.check_consistent()
    if not is_loopback(request.response_uri):
        raise PublicUnsignedRequest
    return request


def _find_key(
    jws: Jws,
    client: ClientId,
    request: AuthorizationRequest,
    *,
    anchors: tuple[bytes, ...],
    at: datetime,
    did_keys: Mapping[str, PublicKey],
) -> PublicKey:
    """Find the key that only this client has (§5.9.3)."""
    if client.prefix is Prefix.REDIRECT_URI:
        raise SignedRedirectUri
    if client.prefix is Prefix.DECENTRALIZED_IDENTIFIER:
        return _find_did_key(jws, client.identifier, did_keys)
    if "x5c" not in jws.header:
        raise RequestRefused("The request must carry the verifier's certificate chain (x5c) in its header.")
    chain = parse_x5c(jws.header["x5c"], what=f"certificate chain of the {WHAT}")
    if client.prefix is Prefix.X509_HASH:
        if not hmac.compare_digest(hash_leaf(chain), client.identifier):
            raise WrongCertificateHash
        # §14.3.1: the hash says who signed, not where the answer may go; the certificate's own names do.
        if request.host not in (name.lower() for name in chain.dns_names):
            raise ForeignResponseUri
    check_chain(chain, anchors=anchors, dns_name=request.host, at=at)
    return chain.leaf_key


def _find_did_key(jws: Jws, did: str, did_keys: Mapping[str, PublicKey]) -> PublicKey:
    kid = jws.header.get("kid")
    if not isinstance(kid, str):
        raise UnprovenDid
    # DID Core §3.2.2: a relative DID URL is read against the document's DID.
    url = f"{did}{kid}" if kid.startswith("#") else kid
    if not url.startswith(f"{did}#") or url not in did_keys:
        raise UnprovenDid
    return did_keys[url]


def _check_wallet_nonce(claims: Members, wallet_nonce: str | None) -> None:
    found = claims.get("wallet_nonce")
    if found is None and wallet_nonce is None:
        return
    # One that was not sent belongs to another wallet: this request was recorded there.
    if wallet_nonce is None or not isinstance(found, str) or not found.isascii():
        raise WrongWalletNonce
    if not hmac.compare_digest(found, wallet_nonce):
        raise WrongWalletNonce


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

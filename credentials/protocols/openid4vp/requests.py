"""Authorization requests (OpenID4VP 1.0 §5): what is asked, of whom, and where the answer goes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.protocols.dcql import Query
from credentials.protocols.handshake import Handshake
from credentials.protocols.members import Members, without_absent
from credentials.protocols.openid4vp.clients import MAX_CLIENT_ID, ClientId, Prefix
from credentials.protocols.openid4vp.errors import (
    ForeignResponseUri,
    RequestRefused,
    UnsupportedResponse,
)
from credentials.protocols.openid4vp.fetching import WALLET_NONCE
from credentials.protocols.openid4vp.linked import (
    NYM_DOMAINS,
    build_presentation_header,
    check_nym_domains,
    read_nym_domains,
)
from credentials.protocols.openid4vp.metadata import AnswerEncryption, ClientMetadata
from credentials.protocols.openid4vp.transactions import check_transactions
from credentials.protocols.urls import host_of, parse_service_url

# §5.8: the audience when nobody knows beforehand which wallet will answer.
AUDIENCE: Final = "https://self-issued.me/v2"
DIRECT_POST: Final = "direct_post"
DIRECT_POST_JWT: Final = "direct_post.jwt"
WHAT: Final = "presentation request"
_MODES: Final = frozenset({DIRECT_POST, DIRECT_POST_JWT})
# §5.2: ASCII URL-safe characters. We send 43; less than 16 could not be fresh.
_NONCE: Final = re.compile(r"[A-Za-z0-9._~-]{16,512}")
_STATE: Final = re.compile(r"[A-Za-z0-9._~-]{1,512}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """What a gate's requests have in common: the question, and what the verifier says about itself."""

    dcql: Query
    client_metadata: ClientMetadata

    @classmethod
    def read(cls, members: Members) -> Self:
        """Read both from the claims of a request.

        Raises:
            Malformed, RequestRefused: as `AuthorizationRequest.parse`.
        """
        metadata = members.optional_object("client_metadata")
        return cls(
            dcql=Query.parse(members.required("dcql_query")),
            client_metadata=ClientMetadata.read(metadata) if metadata else ClientMetadata(linked_suites=()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What a verifier asks, and where the answer goes.

    Attributes:
        client_id: the full client identifier, prefix included; also the answer's audience.
        nonce: what the answer must sign; a handshake's nonce commits to its terms.
        state: the verifier's own mark on the answer; ours always has one.
        response_uri: where the answer is posted; its host is the client's, if the client names one.
        response_mode: `direct_post`, or `direct_post.jwt` for an encrypted answer.
        dcql: what is asked for.
        handshake: the terms, for wallets that can show them.
        client_metadata: what the verifier says about itself.
        issued_at: seconds since 1970; other verifiers may leave it out.
        expires_at: seconds since 1970; other verifiers may leave it out.
        wallet_nonce: what the wallet sent when it fetched the request by POST.
        nym_domains: for which domain a pseudonym is wanted, by the id of the credential query; the others want none.
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
    wallet_nonce: str | None = None
    nym_domains: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep a copy of the domains that nobody can change."""
        object.__setattr__(self, "nym_domains", MappingProxyType(dict(self.nym_domains)))

    @property
    def presentation_header(self) -> bytes:
        """What the proof of a linked credential must sign to answer this request: 32 bytes."""
        return build_presentation_header(self.client_id, self.nonce, self.response_uri)

    @property
    def client(self) -> ClientId:
        """Who asks, taken apart."""
        return ClientId.parse(self.client_id)

    @property
    def host(self) -> str:
        """The one host that the answer goes to: the name to show at consent. Verified, it is the client's."""
        return host_of(self.response_uri)

    @property
    def encryption(self) -> AnswerEncryption | None:
        """To whom the answer must be encrypted; None if it is sent plain.

        Raises:
            NoUsableEncryption: it must be, and cannot.
        """
        return self.client_metadata.choose_encryption() if self.response_mode == DIRECT_POST_JWT else None

    @classmethod
    def parse(cls, claims: Json, *, known: Lasting | None = None) -> Self:
        """Read the claims of a request object; what is not known is ignored, save `transaction_data` (§5, §8.4).

        Args:
            claims: the members of the request object.
            known: what its lasting parts were read as before; None to read them too.

        Raises:
            Malformed: they are no such claims.
            RequestRefused: a request of a kind that this wallet does not answer; its class says which.
        """
        members = Members(claims, what=WHAT)
        _check_kind(members)
        lasting = known or Lasting.read(members)
        handshake = members.get("handstamp_handshake")
        return cls(
            client_id=members.text("client_id", max_chars=MAX_CLIENT_ID),
            nonce=members.text("nonce", pattern=_NONCE),
            state=members.optional_text("state", pattern=_STATE),
            response_uri=parse_service_url(members.required("response_uri"), what=members.named("response_uri")),
            response_mode=members.text("response_mode", max_chars=256),
            dcql=lasting.dcql,
            handshake=None if handshake is None else Handshake.parse(handshake),
            client_metadata=lasting.client_metadata,
            issued_at=members.optional_time("iat"),
            expires_at=members.optional_time("exp"),
            wallet_nonce=members.optional_text("wallet_nonce", pattern=WALLET_NONCE),
            nym_domains=read_nym_domains(members),
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
            wallet_nonce=self.wallet_nonce,
            **{NYM_DOMAINS: dict[str, Json](self.nym_domains)},
        )

    def check_consistent(self) -> None:
        """Check that client, address, encryption, domains and handshake belong together (§5.9.3, §8.3, our profile).

        Raises:
            RequestRefused, ForeignResponseUri, NoUsableEncryption, UnprovenNymDomain, ForeignNymDomain,
            HandshakeMismatch: they do not.
        """
        client = self.client
        if client.prefix is Prefix.REDIRECT_URI and self.response_uri != client.identifier:
            raise ForeignResponseUri
        if client.host is not None and self.host != client.host:
            raise ForeignResponseUri
        _ = self.encryption
        check_nym_domains(self.nym_domains, query=self.dcql, client=client, response_uri=self.response_uri)
        if self.handshake is not None:
            self.handshake.check_nonce(self.nonce)


def _check_kind(members: Members) -> None:
    """Refuse requests that want something else than a `vp_token` by `direct_post(.jwt)` for a DCQL query."""
    if "transaction_data" in members:
        check_transactions(members.get("transaction_data"))
    response_type = members.text("response_type", max_chars=256)
    if response_type != "vp_token":
        raise UnsupportedResponse("response_type", response_type, "vp_token")
    response_mode = members.text("response_mode", max_chars=256)
    if response_mode not in _MODES:
        raise UnsupportedResponse("response_mode", response_mode, f"{DIRECT_POST} or {DIRECT_POST_JWT}")
    if "redirect_uri" in members:
        raise RequestRefused(f"A request with response_mode {response_mode} must not have a redirect_uri.")
    if "scope" in members or "dcql_query" not in members:
        raise Malformed(WHAT, "it must have `dcql_query`, and no `scope` or query of an older draft")

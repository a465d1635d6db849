"""Why a wallet refuses an authorization request. Each carries the `error` that OpenID4VP 1.0 §8.5 names for it."""

from typing import ClassVar

from credentials.protocols.members import shown
from credentials.protocols.oauth import OAuthError


class RequestRefused(OAuthError):
    """The request is one that this wallet does not answer; whoever runs the verifier must mend it."""

    code: ClassVar[str] = "request_refused"
    error = "invalid_request"


class MissingClientIdPrefix(RequestRefused):
    """A client identifier without a prefix means a client known beforehand (§5.9.2), and we know none."""

    code = "missing_client_id_prefix"

    def __init__(self, client_id: str) -> None:
        """`client_id` as it came."""
        super().__init__(
            f"The client_id {shown(client_id)} has no prefix, so nothing says how to check who asks. It must be, for "
            "example, 'x509_san_dns:' and the verifier's host."
        )


class UnsupportedClientIdPrefix(RequestRefused):
    """A prefix of the standard, or of somebody else, that this wallet cannot check."""

    code = "unsupported_client_id_prefix"

    def __init__(self, prefix: str) -> None:
        """`prefix` as it came."""
        super().__init__(
            f"The client_id prefix {shown(prefix)} is not supported; only x509_san_dns, x509_hash, "
            "decentralized_identifier and redirect_uri are."
        )


class WrongClientId(RequestRefused):
    """The request object speaks for another client than the link that led to it (RFC 9101 §5)."""

    code = "wrong_client_id"

    def __init__(self) -> None:
        super().__init__("The signed request names another client_id than the link that led to it.")


class ForeignResponseUri(RequestRefused):
    """The answer would go elsewhere than to the client that asks (§5.9.3, §14.3.1)."""

    code = "foreign_response_uri"

    def __init__(self) -> None:
        super().__init__("The request wants the answer at another host than the one that asks.")


class ForeignNymDomain(RequestRefused):
    """A pseudonym is wanted for a domain that another site has, too: both together would know the holder again."""

    code = "foreign_nym_domain"

    def __init__(self) -> None:
        super().__init__("The request wants a pseudonym for another address than the one that the answer goes to.")


class UnprovenNymDomain(RequestRefused):
    """A pseudonym is wanted by a client of which nothing proves the host."""

    code = "unproven_nym_domain"

    def __init__(self) -> None:
        super().__init__("The request wants a pseudonym, but neither a certificate nor did:web proves whose host asks.")


class UnsupportedResponse(RequestRefused):
    """An answer of a type, or by a way, that this wallet does not have."""

    code = "unsupported_response"

    def __init__(self, name: str, value: str, wanted: str) -> None:
        """`name` of the parameter, its `value`, and the one that is supported."""
        super().__init__(f"The {name} {shown(value)} is not supported; it must be {wanted}.")


class UnsignedRequest(RequestRefused):
    """Plain parameters in the name of a client whose requests are signed: anybody could have written them."""

    code = "unsigned_request"

    def __init__(self, prefix: str) -> None:
        """`prefix` whose requests must be signed."""
        super().__init__(f"The link holds a request that nobody signed, under the prefix {prefix}, which demands it.")


class SignedRedirectUri(RequestRefused):
    """A signed request under a prefix for which no key is known (§5.9.3): the signature would prove nothing."""

    code = "signed_redirect_uri"

    def __init__(self) -> None:
        super().__init__("A client_id with the prefix redirect_uri cannot sign; its request must stand in the link.")


class PublicUnsignedRequest(RequestRefused):
    """An unsigned request of a site that is not on this very machine."""

    code = "public_unsigned_request"

    def __init__(self) -> None:
        super().__init__("The request is signed by nobody. That is for trials on one machine (localhost) only.")


class WrongCertificateHash(RequestRefused):
    """The certificate that came with the request is not the one that the `x509_hash` names (§5.9.3)."""

    code = "wrong_certificate_hash"

    def __init__(self) -> None:
        super().__init__("The request comes with another certificate than the one that its client_id is the hash of.")


class UnprovenDid(RequestRefused):
    """The key that signed is not one that the DID's document lists (§5.9.3)."""

    code = "unproven_did"

    def __init__(self) -> None:
        super().__init__("The request is not signed with a key (kid) that the document of the client's DID lists.")


class WrongWalletNonce(RequestRefused):
    """The request does not repeat this wallet's nonce (§5.10.1): it is old, or was made for another wallet."""

    code = "wrong_wallet_nonce"

    def __init__(self) -> None:
        super().__init__("The request was not made for this wallet just now: its wallet_nonce is missing or another's.")


class NoUsableEncryption(RequestRefused):
    """An encrypted answer is wanted, but by no key or method that both sides know (§8.3)."""

    code = "no_usable_encryption"

    def __init__(self) -> None:
        super().__init__(
            "The request wants an encrypted answer but gives no key for it that can be used "
            "(P-256 with ECDH-ES, A256GCM or A128GCM)."
        )


class InvalidRequestUriMethod(RequestRefused):
    """Neither `get` nor `post` (§5.10)."""

    code = error = "invalid_request_uri_method"

    def __init__(self) -> None:
        super().__init__("The request_uri_method must be 'get' or 'post', and beside a request_uri.")


class TransactionDataRefused(RequestRefused):
    """A transaction to be authorised, of a type that nobody here knows; the standard demands to refuse (§5.1, §8.4)."""

    code = error = "invalid_transaction_data"

    def __init__(self, reason: str) -> None:
        """`reason` in words: what cannot be read, or which type is unknown."""
        super().__init__(f"The request wants a transaction authorised (transaction_data), which is refused: {reason}.")


class FormatsNotSupported(RequestRefused):
    """The verifier cannot read what this wallet writes."""

    code = error = "vp_formats_not_supported"

    def __init__(self) -> None:
        super().__init__(
            "The verifier accepts neither SD-JWT VCs (dc+sd-jwt) as this wallet signs them, with ES256, nor bbs-2023."
        )


class RequestExpired(RequestRefused):
    """Used too late."""

    code = "request_expired"

    def __init__(self) -> None:
        super().__init__("The request has expired. Go back to the page and start again.")


class RequestNotYetValid(RequestRefused):
    """Dated in the future."""

    code = "request_not_yet_valid"

    def __init__(self) -> None:
        super().__init__("The request is dated in the future. Check the clock of this device, or of the verifier.")


class WrongRequestAudience(RequestRefused):
    """Made for one certain wallet that is not this (§5.8)."""

    code = "wrong_request_audience"

    def __init__(self) -> None:
        super().__init__("The request was made for another wallet.")

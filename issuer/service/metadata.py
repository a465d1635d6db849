"""What the issuer publishes about itself (OpenID4VCI 1.0 §12.2, RFC 8414)."""

from collections.abc import Mapping
from typing import Any

from credentials.encoding.strict_json import Json
from credentials.keys.jws import ACCEPTED_ALGORITHMS
from credentials.protocols.client_attestation import AUTH_METHOD
from credentials.protocols.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    MAX_PROOFS,
    PRE_AUTHORIZED_CODE_GRANT,
    REFRESH_TOKEN_GRANT,
    AuthorizationServerMetadata,
    ClaimDescription,
    CredentialConfiguration,
    Display,
    EncryptionOffer,
    IssuerMetadata,
)
from credentials.protocols.openid4vci.encryption import ECDH_ES
from credentials.protocols.openid4vci.proofs import ALGORITHMS
from issuer.identity import Identity
from issuer.policy import WalletPolicy
from schemas import ALL, CredentialType

NO_POLICY = WalletPolicy()


def issuer_metadata(
    identity: Identity, *, encryption_key: Mapping[str, Json] | None = None, policy: WalletPolicy = NO_POLICY
) -> IssuerMetadata:
    """Describe the issuer and its credential configurations.

    Args:
        identity: who it is.
        encryption_key: the public JWK that requests may be encrypted for; with it, responses may be encrypted too.
        policy: what wallets must bring.
    """
    return IssuerMetadata(
        credential_issuer=identity.url,
        credential_endpoint=f"{identity.url}/credential",
        nonce_endpoint=f"{identity.url}/nonce",
        deferred_credential_endpoint=f"{identity.url}/deferred_credential",
        notification_endpoint=f"{identity.url}/notification",
        batch_size=MAX_PROOFS,
        request_encryption=EncryptionOffer(keys=(encryption_key,)) if encryption_key else None,
        response_encryption=EncryptionOffer(algorithms=(ECDH_ES,)) if encryption_key else None,
        displays=(Display(name=identity.name, locale="en"),),
        configurations=tuple(_configuration(each, identity, policy) for each in ALL),
    )


def authorization_server_metadata(identity: Identity, policy: WalletPolicy = NO_POLICY) -> AuthorizationServerMetadata:
    """Describe the authorization server: the issuer itself, for wallets that need no registration."""
    attested = (AUTH_METHOD,) if policy.attesters else ()
    return AuthorizationServerMetadata(
        issuer=identity.url,
        token_endpoint=f"{identity.url}/token",
        grant_types_supported=(PRE_AUTHORIZED_CODE_GRANT, AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT),
        authorization_endpoint=f"{identity.url}/authorize",
        pushed_authorization_request_endpoint=f"{identity.url}/par",
        pushed_authorization_requests_required=True,
        code_challenge_methods_supported=("S256",),
        response_iss=True,
        dpop_signing_alg_values_supported=tuple(sorted(ACCEPTED_ALGORITHMS)),
        token_endpoint_auth_methods_supported=attested if policy.haip else ("none", *attested),
        anonymous_pre_authorized=not policy.haip,
        scopes_supported=tuple(kind.scope for kind in ALL),
        status_list_aggregation_endpoint=identity.status_lists_url,
    )


def _configuration(kind: CredentialType, identity: Identity, policy: WalletPolicy) -> CredentialConfiguration:
    described = kind.type_metadata
    return CredentialConfiguration(
        id=kind.configuration_id,
        vct=kind.vct,
        scope=kind.scope,
        signing_algorithms=(identity.signer.algorithm,),
        proof_algorithms=ALGORITHMS,
        attestation_algorithms=ALGORITHMS if policy.attesters else (),
        key_attestation_required=policy.haip,
        displays=tuple(_display(entry) for entry in described["display"]),
        claims=tuple(_claim(entry) for entry in described["claims"] if entry["sd"] == "always"),
    )


def _display(entry: dict[str, Any]) -> Display:
    simple = entry.get("rendering", {}).get("simple", {})
    logo = simple.get("logo", {})
    return Display(
        name=entry["name"],
        locale=entry["locale"],
        description=entry.get("description"),
        # The picture itself: to show it, no wallet tells us that it has one.
        logo_uri=logo.get("uri"),
        logo_alt_text=logo.get("alt_text"),
        background_color=simple.get("background_color"),
        text_color=simple.get("text_color"),
    )


def _claim(entry: dict[str, Any]) -> ClaimDescription:
    labels = tuple(Display(name=label["label"], locale=label["locale"]) for label in entry.get("display", ()))
    return ClaimDescription(path=tuple(entry["path"]), mandatory=bool(entry.get("mandatory")), displays=labels)

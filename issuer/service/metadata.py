"""What the issuer publishes about itself (OpenID4VCI 1.0 §12.2, RFC 8414)."""

from typing import Any

from credentials.protocols.openid4vci import (
    MAX_PROOFS,
    PRE_AUTHORIZED_CODE_GRANT,
    AuthorizationServerMetadata,
    ClaimDescription,
    CredentialConfiguration,
    Display,
    IssuerMetadata,
)
from issuer.identity import Identity
from schemas import ALL, CredentialType


def issuer_metadata(identity: Identity) -> IssuerMetadata:
    """Describe the issuer and its credential configurations."""
    return IssuerMetadata(
        credential_issuer=identity.url,
        credential_endpoint=f"{identity.url}/credential",
        nonce_endpoint=f"{identity.url}/nonce",
        batch_size=MAX_PROOFS,
        displays=(Display(name=identity.name, locale="en"),),
        configurations=tuple(_configuration(each) for each in ALL),
    )


def authorization_server_metadata(identity: Identity) -> AuthorizationServerMetadata:
    """Describe the authorization server: the issuer itself, for wallets that need no registration."""
    return AuthorizationServerMetadata(
        issuer=identity.url,
        token_endpoint=f"{identity.url}/token",
        grant_types_supported=(PRE_AUTHORIZED_CODE_GRANT,),
        dpop_signing_alg_values_supported=("ES256",),
        token_endpoint_auth_methods_supported=("none",),
        anonymous_pre_authorized=True,
    )


def _configuration(kind: CredentialType) -> CredentialConfiguration:
    described = kind.type_metadata
    return CredentialConfiguration(
        id=kind.configuration_id,
        vct=kind.vct,
        scope=kind.scope,
        displays=tuple(_display(entry) for entry in described["display"]),
        claims=tuple(_claim(entry) for entry in described["claims"] if entry["sd"] == "always"),
    )


def _display(entry: dict[str, Any]) -> Display:
    simple = entry.get("rendering", {}).get("simple", {})
    return Display(
        name=entry["name"],
        locale=entry["locale"],
        background_color=simple.get("background_color"),
        text_color=simple.get("text_color"),
    )


def _claim(entry: dict[str, Any]) -> ClaimDescription:
    labels = tuple(Display(name=label["label"], locale=label["locale"]) for label in entry.get("display", ()))
    return ClaimDescription(path=tuple(entry["path"]), mandatory=bool(entry.get("mandatory")), displays=labels)

"""What the issuer publishes about itself (OpenID4VCI 1.0 §12.2, RFC 8414)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, assert_never

from credentials.encoding.strict_json import Json
from credentials.keys.jws import ACCEPTED_ALGORITHMS
from credentials.linked_credential import SUBJECT
from credentials.protocols.client_attestation import AUTH_METHOD
from credentials.protocols.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    LDP_VC,
    MAX_PROOFS,
    PRE_AUTHORIZED_CODE_GRANT,
    REFRESH_TOKEN_GRANT,
    AuthorizationServerMetadata,
    ClaimDescription,
    CredentialConfiguration,
    Display,
    EncryptionOffer,
    Form,
    IssuerMetadata,
)
from credentials.protocols.openid4vci.commitments import ALGORITHMS as COMMITMENT_ALGORITHMS
from credentials.protocols.openid4vci.commitments import BINDING_METHOD
from credentials.protocols.openid4vci.encryption import ECDH_ES
from credentials.protocols.openid4vci.proofs import ALGORITHMS
from issuer.forms import CONFIGURATIONS, SCOPES
from issuer.identity import Identity
from issuer.policy import WalletPolicy
from issuer.service.proving import PUBLISHING_ALGORITHMS
from schemas import CredentialType
from schemas.linked import CONTEXTS

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
        configurations=tuple(_configuration(kind, form, identity, policy) for kind, form in CONFIGURATIONS.values()),
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
        scopes_supported=tuple(SCOPES),
        status_list_aggregation_endpoint=identity.status_lists_url,
    )


def _configuration(
    kind: CredentialType, form: Form, identity: Identity, policy: WalletPolicy
) -> CredentialConfiguration:
    bound = _bind_to_key(policy)
    match form:
        case Form.SD_JWT:
            configuration = replace(bound, vct=kind.vct, signing_algorithms=(identity.signer.algorithm,))
        case Form.BBS:
            configuration = _UNBOUND
        case Form.PSEUDONYM | Form.DOOR:
            configuration = _BOUND_BY_COMMITMENT
        case Form.EDDSA:
            configuration = replace(bound, binding_methods=("did:key",), proof_algorithms=PUBLISHING_ALGORITHMS)
        case _:
            assert_never(form)
    is_linked = form.format == LDP_VC
    return replace(
        configuration,
        id=form.of(kind.configuration_id),
        format=form.format,
        scope=form.of(kind.scope),
        signing_algorithms=(form.algorithm,) if form.algorithm else configuration.signing_algorithms,
        contexts=CONTEXTS if is_linked else (),
        types=kind.ldp_types if is_linked else (),
        displays=tuple(_display(entry, has_logo=not form.suffix) for entry in kind.type_metadata["display"]),
        claims=tuple(_claims(kind, form)),
    )


_UNBOUND: Final = CredentialConfiguration(id="", binding_methods=(), proof_algorithms=())
_BOUND_BY_COMMITMENT: Final = replace(
    _UNBOUND, binding_methods=(BINDING_METHOD,), commitment_algorithms=COMMITMENT_ALGORITHMS
)


def _bind_to_key(policy: WalletPolicy) -> CredentialConfiguration:
    return CredentialConfiguration(
        id="",
        proof_algorithms=ALGORITHMS,
        attestation_algorithms=ALGORITHMS if policy.attesters else (),
        key_attestation_required=policy.haip,
    )


def _display(entry: dict[str, Any], *, has_logo: bool) -> Display:
    """Describe how a type looks; its picture, a few kilobytes, comes once: with the SD-JWT VC."""
    simple = entry.get("rendering", {}).get("simple", {})
    logo = simple.get("logo", {}) if has_logo else {}
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


def _claims(kind: CredentialType, form: Form) -> Iterator[ClaimDescription]:
    """Describe what can be shown. Only an SD-JWT VC holds the claim by which it is counted; linked ones have a path."""
    for entry in kind.type_metadata["claims"]:
        if entry["sd"] != "always":
            continue
        path = tuple(entry["path"])
        if form is not Form.SD_JWT and path[0] not in kind.linked_claim_names:
            continue
        labels = tuple(Display(name=label["label"], locale=label["locale"]) for label in entry.get("display", ()))
        yield ClaimDescription(
            path=(SUBJECT, *path) if form.format == LDP_VC else path,
            mandatory=bool(entry.get("mandatory")),
            displays=labels,
        )

"""Scopes, one for each configuration (OpenID4VCI 1.0 §5.1.2), and what a wallet asks for by them."""

from collections.abc import Sequence

from credentials.protocols.oauth import InvalidAuthorizationDetails, InvalidScope
from credentials.protocols.openid4vci import RefreshRequest, TokenRequest
from issuer.forms import SCOPES


def configurations_of(scopes: Sequence[str]) -> tuple[str, ...]:
    """The configurations that some scopes mean; scopes that nobody knows are ignored (§5.1.2)."""
    return tuple(SCOPES[scope] for scope in scopes if scope in SCOPES)


def wanted_configurations(request: TokenRequest | RefreshRequest, offered: Sequence[str]) -> tuple[str, ...]:
    """Say which configurations a token is to open; a wallet that names none means all.

    Raises:
        InvalidAuthorizationDetails, InvalidScope: it asks for more than there is.
    """
    scoped = configurations_of(request.scopes)
    if not set(request.requested_configuration_ids) <= set(offered):
        raise InvalidAuthorizationDetails("The offer does not hold every credential configuration that is asked for.")
    if not set(scoped) <= set(offered):
        raise InvalidScope("The offer does not hold every kind of credential that the scope asks for.")
    return tuple(dict.fromkeys((*request.requested_configuration_ids, *scoped))) or tuple(offered)

"""How a foreign type and its claims are called, by the issuer's own metadata."""

from credentials.protocols.openid4vci import CredentialConfiguration
from wallet import words
from wallet.kinds import ForeignKind
from wallet.state import ForeignType


def name_type(kind: ForeignKind, configuration: CredentialConfiguration) -> ForeignType:
    """Return what to call a foreign type."""
    return ForeignType(name=kind.name, labels=_labels_of(configuration))


def _labels_of(configuration: CredentialConfiguration) -> dict[str, str]:
    return {
        name: words.plain(label)
        for claim in configuration.claims
        if len(claim.path) == 1 and isinstance(name := claim.path[0], str)
        if (label := next((each.name for each in claim.displays if each.name), None))
    }

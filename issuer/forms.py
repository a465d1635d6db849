"""Which forms each type of credential is issued in, and what the configurations and copies are called in them."""

from collections.abc import Mapping, Sequence
from typing import Final

from credentials.protocols.openid4vci import Form
from issuer.copies import Copy
from schemas import ALL, VERIFIED_ARTIST, CredentialType

_EVERY: Final = (Form.SD_JWT, Form.BBS, Form.PSEUDONYM, Form.DOOR)
# What is published beside a release is a form of what the artist is, and of nothing else: who owns something says so
# to one site at a time.
_FORMS: Final[Mapping[str, tuple[Form, ...]]] = {
    kind.configuration_id: (*_EVERY, Form.EDDSA) if kind is VERIFIED_ARTIST else _EVERY for kind in ALL
}


def forms_of(kind: CredentialType) -> tuple[Form, ...]:
    """The forms that a type is issued in; the one that every wallet knows comes first."""
    return _FORMS[kind.configuration_id]


CONFIGURATIONS: Final[Mapping[str, tuple[CredentialType, Form]]] = {
    form.of(kind.configuration_id): (kind, form) for kind in ALL for form in forms_of(kind)
}
"""Every credential configuration by its id, in the order in which the metadata lists them."""
SCOPES: Final[Mapping[str, str]] = {
    form.of(kind.scope): configuration_id for configuration_id, (kind, form) in CONFIGURATIONS.items()
}
"""The configuration that each scope asks for (OpenID4VCI 1.0 §5.1.2)."""


_FORMS_IN_ORDER: Final = list(Form)
_IN_ORDER: Final = [
    (each, CONFIGURATIONS[each][0].configuration_id)
    for each in sorted(CONFIGURATIONS, key=lambda each: (_FORMS_IN_ORDER.index(CONFIGURATIONS[each][1]), each))
]


def configuration_ids(copies: Sequence[Copy]) -> tuple[str, ...]:
    """The credential configurations that some copies come in, each once: those that every wallet knows first."""
    kinds = {copy.kind.credential_type.configuration_id for copy in copies}
    return tuple([each for each, kind in _IN_ORDER if kind in kinds])

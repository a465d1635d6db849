"""How a foreign type and its claims are called: by its own type metadata, else by the issuer's.

The metadata is fetched once, on receipt, after the issuer is proven: its host then learns that somebody has such a
thing, as the issuer knows anyway. It is never fetched at a gate. What contradicts it, or is not what the credential
says that it is (`vct#integrity`), is refused.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from credentials.errors import HandstampError, Malformed
from credentials.protocols.openid4vci import CredentialConfiguration
from credentials.protocols.urls import parse_service_url
from credentials.sd_jwt import SdJwt
from credentials.type_metadata import TypeMetadata, TypeMetadataNeeded, check_claims, resolve_type
from plumbing.fetch import FetchFailed, FetchRefused
from wallet import words
from wallet.errors import UnwantedCredential
from wallet.kinds import ForeignKind
from wallet.ports import Web
from wallet.state import ForeignType
from wallet.wire import JSON, succeeded

_MAX_BYTES: Final = 262_144
_MAX_DOCUMENTS: Final = 8
_LANGUAGE: Final = "en"

T = TypeVar("T")


async def describe_type(
    web: Web, kind: ForeignKind, configuration: CredentialConfiguration, sd_jwt: SdJwt, *, host: str
) -> ForeignType:
    """Return what to call a foreign type and its claims, after holding a credential to what its type says.

    Raises:
        UnwantedCredential: the credential, or the description of its type, is not what it must be.
    """
    said = ForeignType(name=kind.name, labels=_labels_of(configuration))
    integrity = sd_jwt.claims.get("vct#integrity")
    if integrity is not None and not isinstance(integrity, str):
        raise UnwantedCredential(host, "its `vct#integrity` is no text")
    try:
        metadata = await _resolve(web, kind.vct, integrity)
        if metadata is None:
            return said
        check_claims(sd_jwt, metadata.claims, complete=True)
    except HandstampError as error:
        raise UnwantedCredential(host, error.detail.rstrip(".")) from error
    return ForeignType(
        name=_chosen(metadata.displays, lambda each: each.locale, lambda each: each.name) or said.name,
        labels=said.labels | _labels_by(metadata),
    )


async def _resolve(web: Web, vct: str, integrity: str | None) -> TypeMetadata | None:
    """Return what is said of a type, or None if that is not to be had."""
    documents: dict[str, bytes] = {}
    for _ in range(_MAX_DOCUMENTS):
        try:
            return resolve_type(vct, integrity=integrity, documents=documents)
        except TypeMetadataNeeded as needed:
            document = await _fetch(web, needed.vct)
            if document is None:
                return None
            documents[needed.vct] = document
    return resolve_type(vct, integrity=integrity, documents=documents)


async def _fetch(web: Web, vct: str) -> bytes | None:
    try:
        url = parse_service_url(vct, what="address of a type")
        reply = await web.request("GET", url, headers=JSON, max_bytes=_MAX_BYTES)
    except (Malformed, FetchFailed, FetchRefused):
        return None  # a type may be named by something that is no address, and its host may be away
    return reply.body if succeeded(reply) else None


def _labels_of(configuration: CredentialConfiguration) -> dict[str, str]:
    return {
        name: words.plain(label)
        for claim in configuration.claims
        if len(claim.path) == 1 and isinstance(name := claim.path[0], str)
        if (label := next((each.name for each in claim.displays if each.name), None))
    }


def _labels_by(metadata: TypeMetadata) -> dict[str, str]:
    return {
        name: label
        for claim in metadata.claims
        if len(claim.path) == 1 and isinstance(name := claim.path[0], str)
        if (label := _chosen(claim.labels, lambda each: each.locale, lambda each: each.label))
    }


def _chosen(items: Sequence[T], locale: Callable[[T], str], text: Callable[[T], str]) -> str:
    """Return the words in our language, or else the first."""
    return next((words.plain(text(each)) for each in _ours_first(items, locale)), "")


def _ours_first(items: Iterable[T], locale: Callable[[T], str]) -> list[T]:
    return sorted(items, key=lambda each: locale(each).partition("-")[0].lower() != _LANGUAGE)

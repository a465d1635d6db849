"""What is put before a listener before anything is shown: who asks, what they learn, what they do not, the terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import schemas
from credentials.encoding.strict_json import Json
from credentials.protocols.dcql import Choice, Selection
from credentials.protocols.openid4vp import AuthorizationRequest, ClientId
from credentials.protocols.urls import host_of
from credentials.sd_jwt import parse_sd_jwt
from credentials.sd_jwt.locating import Path, describe, select
from wallet import words
from wallet.recognising import Showing, is_known_again, names_somebody, warn
from wallet.state import Copy, Receipt

_NO_NAME: Final = "your name, your e-mail address or any account"
_NOTHING_ELSE: Final = "what else you own"
_NEVER_SEEN: Final = "whether you were here before, or anywhere else"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCopy:
    """One copy that would be shown.

    Attributes:
        key: which copy of the wallet.
        query_id: which question of the site it answers.
        title: title and artist.
        kind: track, EP and so on.
        statement: what showing it says, after "They learn".
        co_op: the host of the co-op that vouches for it; the site learns this, too.
        disclose: the names of the claims that are disclosed, or of which a part is.
        paths: where exactly that stands.
        learned: the same in words, label and value.
        hidden: labels of what stays hidden.
        left: how often it can be shown after this.
        names: whether what they learn may hold a name, or another thing that leads to a person.
        known_again: whether they could know the listener again by it.
    """

    key: tuple[str, str, str]
    query_id: str
    title: str
    kind: str
    statement: str
    co_op: str
    disclose: tuple[str, ...]
    paths: tuple[Path, ...]
    learned: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...]
    left: int
    names: bool = False
    known_again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Everything that a listener says yes or no to.

    Attributes:
        site: who asks: the host that the answer goes to, and no other.
        certified: whether a pinned authority vouches for that name; else its web address alone does, or nobody.
        copies: what would be shown.
        terms: what the listener signs by answering, word for word; None if the site gave no terms.
        language: of the terms.
        warnings: what a listener should know before saying yes.
        opens: what the gate says it opens, if it says so; nothing certifies that.
    """

    site: str
    certified: bool = True
    copies: tuple[ShownCopy, ...]
    terms: str | None
    language: str | None
    warnings: tuple[str, ...]
    opens: str | None = None

    @property
    def not_learned(self) -> tuple[str, ...]:
        """What the site does not learn, in words: nothing that what is shown could tell it all the same."""
        told = {
            _NO_NAME: any(copy.names for copy in self.copies),
            _NEVER_SEEN: any(copy.known_again for copy in self.copies),
        }
        return tuple(each for each in (_NO_NAME, _NOTHING_ELSE, _NEVER_SEEN) if not told.get(each, False))


def build_consent(
    request: AuthorizationRequest, choice: Choice, copies: Mapping[str, Copy], *, receipts: Sequence[Receipt] = ()
) -> Consent:
    """Put a request and the wallet's answer to it into words.

    Args:
        request: verified.
        choice: what would answer it.
        copies: by the holding ids of `choice`.
        receipts: of earlier presentations, to say what this one can be joined with.
    """
    selected = [(copies[selection.holding_id], selection) for selection in choice.selections]
    showing = [
        Showing(copy=copy, title=words.title_of(copy), disclose=selection.disclose) for copy, selection in selected
    ]
    handshake = request.handshake
    return Consent(
        site=request.host,
        certified=request.client.is_certified,
        copies=tuple(_show(copy, selection) for copy, selection in selected),
        terms=handshake.text if handshake else None,
        language=handshake.language if handshake else None,
        warnings=(*_doubts(request.client, request.host), *warn(showing, site=request.host, receipts=receipts)),
    )


def find_shown(copy: Copy, paths: Sequence[Path]) -> dict[str, Json]:
    """Return what is disclosed of a copy: each value under its path as people write it."""
    return {describe(path): next(value for _, value in select(copy.claims, path)) for path in paths}


def _show(copy: Copy, selection: Selection) -> ShownCopy:
    labels = words.labels_for(copy)
    visible = _always_visible(copy)
    found = visible | find_shown(copy, selection.paths)
    return ShownCopy(
        key=copy.key,
        query_id=selection.query_id,
        title=words.title_of(copy),
        kind=words.kind_of(copy.vct, copy.claims),
        statement=_state(copy),
        co_op=host_of(copy.issuer),
        disclose=selection.disclose,
        paths=selection.paths,
        learned=tuple(
            (labels.get(name, name), words.value_in_words(name, value, foreign=copy.foreign is not None))
            for name, value in found.items()
        ),
        hidden=_hidden(labels, selection, visible),
        left=len(copy.instances) - 1,
        names=names_somebody(copy, selection.disclose),
        known_again=is_known_again(copy, selection.disclose),
    )


def _hidden(labels: Mapping[str, str], selection: Selection, visible: Mapping[str, Json]) -> tuple[str, ...]:
    whole = {path[0] for path in selection.paths if len(path) == 1}
    return tuple(
        f"the rest of {label}" if name in selection.disclose else label
        for name, label in labels.items()
        if name not in whole and name not in visible
    )


def _always_visible(copy: Copy) -> dict[str, Json]:
    """Return what a foreign issuer let nobody hide; in types of ours everything can be."""
    if not copy.foreign or not copy.instances:
        return {}
    # Without any disclosure, what is left is what everybody sees.
    bare = parse_sd_jwt(copy.instances[0].credential.partition("~")[0] + "~").claims
    return {name: bare[name] for name in copy.claims if name in bare}


def _state(copy: Copy) -> str:
    title = words.title_of(copy)
    match copy.vct:
        case _ if copy.foreign:
            return f"that {title} is yours"
        case schemas.COOP_MEMBERSHIP.vct:
            return f"that you are a member in good standing of {host_of(copy.issuer)}"
        case schemas.VERIFIED_ARTIST.vct:
            return f"that you are {title}"
        case schemas.CONTRIBUTION.vct:
            return f"that you contributed to {host_of(copy.issuer)}"
        case _:
            return f"that you own the {words.kind_of(copy.vct, copy.claims)} {title}"


def _doubts(client: ClientId, host: str) -> list[str]:
    if client.is_certified:
        return []
    if client.is_signed:
        return [f"No authority vouches for {host}: only whoever holds that web address does."]
    return [f"Nobody vouches for {host}: whoever made this link asks. It is on this very computer."]

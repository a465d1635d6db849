"""What is put before a listener before anything is shown: who asks, what they learn, what they do not, the terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import schemas
from credentials.encoding.strict_json import Json
from credentials.protocols.dcql import Choice, Selection
from credentials.protocols.openid4vp import AuthorizationRequest, ClientId
from credentials.protocols.urls import host_of
from credentials.sd_jwt import parse_sd_jwt
from credentials.sd_jwt.locating import Path, describe, select
from wallet import words
from wallet.holdings import Held
from wallet.linked import LinkedCredential, LinkedKind
from wallet.receipts import Receipt, Shown
from wallet.recognising import Showing, is_known_again, names_somebody, warn
from wallet.state import Copy

_NO_NAME: Final = "your name, your e-mail address or any account"
_NOTHING_ELSE: Final = "what else you own"
_NEVER_SEEN: Final = "whether you were here before, or anywhere else"
_NOWHERE_ELSE: Final = "whether you were anywhere else before"


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
        pointers: the same as JSON Pointers, as proofs are made by.
        claims: what is disclosed, each value under its path as people write it.
        learned: the same in words, label and value.
        hidden: labels of what stays hidden.
        left: how often it can be shown after this; None for as often as its owner likes.
        linked: the credential that a proof is made from; None if a single-use instance is shown.
        nym_domain: what the number counts for that goes along; None where none does.
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
    pointers: tuple[str, ...]
    claims: Mapping[str, Json]
    learned: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...]
    left: int | None
    linked: LinkedCredential | None = field(default=None, repr=False)
    nym_domain: str | None = None
    names: bool = False
    known_again: bool = False

    @property
    def proof(self) -> LinkedKind | None:
        """By which proof it is shown; None for a single-use instance."""
        return self.linked.kind if self.linked else None

    def told(self, *, copy_id: str, foreign: bool) -> Shown:
        """Return what the receipt says of it."""
        return Shown(
            copy_id=copy_id,
            title=self.title,
            claims={**self.claims},
            statement=self.statement,
            foreign=foreign,
            proof=self.proof,
            nym_domain=self.nym_domain,
            scope=self.linked.scope if self.linked and self.nym_domain else "",
        )


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
        found = [] if any(copy.names for copy in self.copies) else [_NO_NAME]
        found.append(_NOTHING_ELSE)
        if not any(copy.known_again for copy in self.copies):
            found.append(_NOWHERE_ELSE if any(copy.nym_domain for copy in self.copies) else _NEVER_SEEN)
        return tuple(found)

    @property
    def remembered(self) -> tuple[str, ...]:
        """What stays at the site, and what its co-op could add to it, in words."""
        numbers = {words.remembered_number(copy.nym_domain) for copy in self.copies if copy.nym_domain}
        made = {copy.co_op for copy in self.copies if copy.linked is None}
        proven = {copy.co_op for copy in self.copies if copy.linked is not None}
        together = {f"{co_op}, which made this stamp, and the site together could tell whose it is" for co_op in made}
        never = {f"not even with the help of {co_op} could they tell from this proof whose it is" for co_op in proven}
        return (*sorted(numbers), *sorted(together), *sorted(never))

    @property
    def uses_up(self) -> bool:
        """Whether a single-use instance is used up by a yes."""
        return any(copy.linked is None for copy in self.copies)


def build_consent(
    request: AuthorizationRequest, choice: Choice, held: Mapping[str, Held], *, receipts: Sequence[Receipt] = ()
) -> Consent:
    """Put a request and the wallet's answer to it into words.

    Args:
        request: verified.
        choice: what would answer it.
        held: by the holding ids of `choice`.
        receipts: of earlier presentations, to say what this one can be joined with.
    """
    copies = [
        _show(held[selection.holding_id], selection, domain=request.nym_domains.get(selection.query_id))
        for selection in choice.selections
    ]
    showing = [
        Showing(
            copy=held[selection.holding_id].copy,
            title=copy.title,
            disclose=selection.disclose,
            kind=copy.proof,
            nym_domain=copy.nym_domain,
            scope=copy.linked.scope if copy.linked else "",
        )
        for copy, selection in zip(copies, choice.selections, strict=True)
    ]
    handshake = request.handshake
    return Consent(
        site=request.host,
        certified=request.client.is_certified,
        copies=tuple(copies),
        terms=handshake.text if handshake else None,
        language=handshake.language if handshake else None,
        warnings=(*_doubts(request.client, request.host), *warn(showing, site=request.host, receipts=receipts)),
    )


def _find_shown(held: Held, paths: Sequence[Path]) -> dict[str, Json]:
    """Return what is disclosed: each value under its path as people write it."""
    bare = [held.bare(path) for path in paths]
    return {describe(path): next(value for _, value in select(held.claims, path)) for path in bare}


def _show(held: Held, selection: Selection, *, domain: str | None) -> ShownCopy:
    copy = held.copy
    labels = words.labels_for(copy)
    visible = _always_visible(held)
    told = _find_shown(held, selection.paths)
    counted = domain if held.kind is LinkedKind.PSEUDONYM else None
    return ShownCopy(
        key=copy.key,
        query_id=selection.query_id,
        title=words.title_of(copy),
        kind=words.kind_of(copy.vct, copy.claims),
        statement=state(copy),
        co_op=host_of(copy.issuer),
        disclose=selection.disclose,
        paths=selection.paths,
        pointers=selection.pointers,
        claims=told,
        learned=(
            *(
                (labels.get(name, name), words.value_in_words(name, value, foreign=copy.foreign is not None))
                for name, value in (visible | told).items()
            ),
            *((words.number_in_words(counted),) if counted else ()),
        ),
        hidden=_hidden(_said(labels, held), [held.bare(path) for path in selection.paths], visible),
        left=len(copy.instances) - 1 if held.kind is None else None,
        linked=held.linked,
        nym_domain=counted,
        names=names_somebody(copy, selection.disclose),
        known_again=is_known_again(copy, selection.disclose),
    )


def _said(labels: Mapping[str, str], held: Held) -> dict[str, str]:
    """Leave out what this form does not say at all, such as the number of a copy."""
    return {name: label for name, label in labels.items() if held.kind is None or name in held.claims}


def _hidden(labels: Mapping[str, str], paths: Sequence[Path], visible: Mapping[str, Json]) -> tuple[str, ...]:
    begun, whole = {path[0] for path in paths}, {path[0] for path in paths if len(path) == 1}
    return tuple(
        f"the rest of {label}" if name in begun else label
        for name, label in labels.items()
        if name not in whole and name not in visible
    )


def _always_visible(held: Held) -> dict[str, Json]:
    """Return what a foreign issuer let nobody hide; in types of ours everything can be."""
    copy = held.copy
    if not copy.foreign or not copy.instances:
        return {}
    # Without any disclosure, what is left is what everybody sees.
    bare = parse_sd_jwt(copy.instances[0].credential.partition("~")[0] + "~").claims
    return {name: bare[name] for name in copy.claims if name in bare}


def state(copy: Copy) -> str:
    """Return what showing a copy says, after "They learn"."""
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

"""What of a wallet could answer a request, in which form, and which of it tells the least.

The order is decision 24's: a proof without a number, then one with a number for this gate alone, then a single-use
instance. A form that a site did not ask for is not offered; a number is made only for a query that names a domain.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

import schemas
from credentials.data_integrity.bbs_2023 import SUITE
from credentials.dids.did_web import build_did_web
from credentials.encoding import base64url, strict_json
from credentials.encoding.strict_json import Json
from credentials.keys.certificates import parse_x5c
from credentials.protocols.dcql import LDP_VC, SD_JWT_VC, SUBJECT, Choice, CredentialQuery, Holding, choose
from credentials.protocols.openid4vp import AuthorizationRequest
from credentials.sd_jwt.locating import Path
from wallet.linked import LinkedCredential, LinkedKind
from wallet.recognising import RECOGNISABLE
from wallet.state import Copy, Wallet

_RANKS: Final[Mapping[LinkedKind | None, int]] = {LinkedKind.BASELINE: 0, LinkedKind.PSEUDONYM: 1, None: 2}
_SHOWN_AS_PROOFS: Final = (LinkedKind.BASELINE, LinkedKind.PSEUDONYM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One copy in one form that could be shown.

    Attributes:
        copy: what is owned.
        kind: by which proof it is shown; None for a single-use instance.
        linked: the credential that the proof is made from; None for an instance, and for one that has ended.
        claims: what it says of its subject, by the names that they have in every format.
        around: the credential around them, in which the paths of a query begin; None where they begin at the claims.
    """

    copy: Copy
    kind: LinkedKind | None = None
    linked: LinkedCredential | None = field(default=None, repr=False)
    claims: Mapping[str, Json]
    around: Mapping[str, Json] | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """Name it for the choice."""
        return " ".join((*self.copy.key, self.kind.value if self.kind else ""))

    def bare(self, path: Path) -> Path:
        """Return where a path of a query leads within the claims."""
        return path if self.kind is None else path[1:]


class Holdings:
    """All of a wallet that a request could be answered with."""

    def __init__(self, request: AuthorizationRequest, copies: Iterable[Copy], *, at: datetime) -> None:
        """Look only at what is of a type that is asked for."""
        self._request = request
        self._queries = tuple(each for each in request.dcql.credentials if each.format == LDP_VC)
        self._domains = frozenset(request.nym_domains)
        self._vcts = request.dcql.vct_values()
        # Where two copies answer alike, the one with most uses left is taken.
        self._copies = sorted(copies, key=lambda copy: -len(copy.instances))
        self._at = at

    def usable(self) -> list[Held]:
        """Return what can be shown now."""
        return [*self._proofs(), *(each for each in self._instances() if each.copy.instances)]

    def used_up(self) -> list[Held]:
        """Return single-use forms, also of copies of which no instance is left."""
        return self._instances()

    def ended(self, wallet: Wallet) -> list[Held]:
        """Return the proofs that would be here if they had been renewed."""
        coming = {(each.copy, each.form) for supply in wallet.supplies for each in supply.brought}
        return [
            Held(
                copy=copy,
                kind=kind,
                claims=copy.claims,
                around={"issuer": build_did_web(copy.issuer), SUBJECT: copy.claims},
            )
            for copy, kind in self._could_be_proven()
            if copy.linked_as(kind, self._at) is None and (copy.key, kind) in coming
        ]

    def choose(self, held: Sequence[Held]) -> Choice:
        """Choose what to show.

        Raises:
            NothingMatches: none of it answers.
            UnsupportedQuery: the query is one that this version cannot answer.
        """
        return choose(self._request.dcql, [self._holding(each) for each in held], avoid=RECOGNISABLE)

    def _instances(self) -> list[Held]:
        return [Held(copy=copy, claims=_countable(copy)) for copy in self._copies if copy.vct in self._vcts]

    def _proofs(self) -> list[Held]:
        return [
            _read_linked(copy, linked)
            for copy, kind in self._could_be_proven()
            if (linked := copy.linked_as(kind, self._at))
        ]

    def _could_be_proven(self) -> list[tuple[Copy, LinkedKind]]:
        if not self._request.client_metadata.takes_suite(SUITE):
            return []
        return [
            (copy, kind)
            for kind in _SHOWN_AS_PROOFS
            for copy in self._copies
            if any(each.accepts_type(vct=copy.vct, types=_types_of(copy)) for each in self._queries_for(kind))
        ]

    def _queries_for(self, kind: LinkedKind) -> list[CredentialQuery]:
        with_number = kind is LinkedKind.PSEUDONYM
        return [each for each in self._queries if (each.id in self._domains) is with_number]

    def _holding(self, held: Held) -> Holding:
        if held.kind is not None:
            return Holding(
                id=held.id,
                format=LDP_VC,
                vct=held.copy.vct,
                claims=held.around or {},
                types=_types_of(held.copy),
                holder_bound=False,
                queries=frozenset(each.id for each in self._queries_for(held.kind)),
                rank=_RANKS[held.kind],
            )
        instances = held.copy.instances
        signed = _read_signed(instances[0].credential.partition(".")[0]) if instances else None
        # What the site could not read is there, and answers nothing.
        takes = signed is None or self._request.client_metadata.takes_issuer(signed.algorithm)
        return Holding(
            id=held.id,
            format=SD_JWT_VC,
            vct=held.copy.vct,
            claims={**held.claims, "iss": held.copy.issuer, "vct": held.copy.vct},
            authority_key_ids=signed.authorities if signed else frozenset(),
            queries=None if takes else frozenset(),
            rank=_RANKS[None],
        )


def _read_linked(copy: Copy, linked: LinkedCredential) -> Held:
    document = strict_json.parse_object(linked.credential.encode(), what="credential in the wallet")
    about = document.get(SUBJECT)
    claims = about if isinstance(about, dict) else {}
    return Held(copy=copy, kind=linked.kind, linked=linked, claims=claims, around=document)


def _types_of(copy: Copy) -> frozenset[str]:
    kind = schemas.BY_VCT.get(copy.vct)
    return frozenset(kind.type_iris) if kind and not copy.foreign else frozenset()


def _countable(copy: Copy) -> Mapping[str, Json]:
    """Leave out a number that says only that there is none: what is counted by pseudonyms has none of its own."""
    kind = schemas.BY_VCT.get(copy.vct)
    if kind is None or copy.foreign or copy.claims.get(kind.countable_claim) != schemas.NOT_KNOWN:
        return copy.claims
    return {name: value for name, value in copy.claims.items() if name != kind.countable_claim}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """By which algorithm a credential is signed, and the authority key identifiers of the certificates it carries."""

    algorithm: str
    authorities: frozenset[str]


# A co-op signs thousands of copies under one header.
@lru_cache(maxsize=256)
def _read_signed(header: str) -> _Signed:
    what = "header of a credential"
    members = strict_json.parse_object(base64url.decode(header, what=what), what=what)
    x5c = members.get("x5c")
    known = frozenset() if x5c is None else parse_x5c(x5c, what="certificate chain").authority_key_ids
    return _Signed(algorithm=str(members.get("alg")), authorities=known)

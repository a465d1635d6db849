"""Get what checking needs: keys from a list of co-ops, from files, or from issuers themselves; lists of statuses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from credentials.data_integrity.keys import FindKey, find_key_in
from credentials.data_integrity.suites import VerificationKey
from credentials.dids import DidDocument, DidResolver, Relation, parse_did_document
from credentials.dids.did import is_did
from credentials.dids.did_web import build_did_web
from credentials.dids.errors import DidNotResolved
from credentials.dids.own_key import read_own_key
from credentials.encoding import strict_json
from credentials.errors import HandstampError, Malformed
from credentials.status import StatusList, verify_status_list
from credentials.status.bitstring_checking import BitstringList, verify_bitstring_list
from credentials.status.errors import StatusListNeeded
from credentials.status.token import MAX_TOKEN_BYTES, MEDIA_TYPE
from credentials.trust import TrustedIssuer, TrustPolicy, parse_coop_list, verify_coop_list
from handstamp.verifying.checking import Asked, Case, Known, check_file
from handstamp.verifying.reading import Readable, SdJwtFile
from handstamp.verifying.report import Report, report_failure
from plumbing.fetch import Fetcher
from schemas import ALL
from verifier.service.trust_issuer import KeyStatement, ask_did, ask_issuer

_OK: Final = 200
_MAX_LISTS: Final = 4
_OUR_TYPES: Final = frozenset(kind.vct for kind in ALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where keys may come from.

    Attributes:
        trusted: co-ops on a list that somebody chose; then nobody else's keys count.
        documents: DID documents from files, by their DIDs.
        fetcher: the network; None if nobody is to be asked.
        resolver: of DIDs, over that network.
    """

    trusted: tuple[TrustedIssuer, ...] | None = None
    documents: Mapping[str, DidDocument] = field(default_factory=dict)
    fetcher: Fetcher | None = None
    resolver: DidResolver | None = None


def read_coops(path: Path, *, publisher: str, at: datetime) -> tuple[TrustedIssuer, ...]:
    """Read a signed list of co-ops from a file.

    Raises:
        CoopListRefused, Malformed: it is none, or another's.
    """
    text = path.read_text("ascii", errors="replace").strip()
    url = parse_coop_list(text).url
    return verify_coop_list(text, url=url, publisher=publisher, known=None, at=at).members


def read_documents(paths: Iterable[Path]) -> dict[str, DidDocument]:
    """Read DID documents from files.

    Raises:
        Malformed: one of them is none.
    """
    found: dict[str, DidDocument] = {}
    for path in paths:
        data = path.read_bytes()
        did = strict_json.parse_object(data, what=f"file {path.name}").get("id")
        if not isinstance(did, str):
            raise Malformed(f"file {path.name}", "it is no DID document")
        found[did] = parse_did_document(data, did=did)
    return found


async def verify_file(file: Readable, *, sources: Sources, asked: Asked, at: datetime) -> Report:
    """Find the keys that a file needs, check it, and fetch the lists that it names, if anybody may be asked."""
    gathered = _Gathered(sources=sources, at=at, types=_types_of(file))
    for issuer in file.issuers:
        await gathered.find(issuer)
    known = gathered.known()
    for _ in range(_MAX_LISTS):
        try:
            report = check_file(file, Case(known=known, asked=asked, at=at))
        except StatusListNeeded as needed:
            known = await _with_list(known, needed, gathered)
            continue
        return _because_of(report, gathered)
    return report_failure(file.pipeline, Malformed("file", f"it names more than {_MAX_LISTS} status lists"))


class _Gathered:
    """Keys found so far, and why others were not."""

    def __init__(self, *, sources: Sources, at: datetime, types: frozenset[str]) -> None:
        self.sources = sources
        self.issuers: list[TrustedIssuer] = []
        self.documents = dict(sources.documents)
        self.problems: list[HandstampError] = []
        self.at = at
        self._types = types

    async def find(self, name: str) -> None:
        """Find the keys of an issuer, by its address or DID; a failure is kept for the report."""
        try:
            if is_did(name) and (document := await self._document(name)) is not None:
                self.documents[document.did] = document
            if self.sources.trusted is None:
                self.issuers.append(await self._issuer(name))
        except HandstampError as error:
            self.problems.append(error)

    def known(self) -> Known:
        """Return what checking needs."""
        trusted = self.sources.trusted
        return Known(
            policy=TrustPolicy(() if trusted is None else trusted).extended_by(self.issuers),
            find_key=find_key_in(self.documents),
            chosen=trusted is not None,
        )

    async def _document(self, did: str) -> DidDocument | None:
        if did in self.documents:
            return self.documents[did]
        if not did.startswith("did:web:"):
            return read_own_key(did)
        if self.sources.resolver is None:
            raise DidNotResolved(did, "nobody is asked; give its document with --did-document")
        return await self.sources.resolver.resolve(did)

    async def _issuer(self, name: str) -> TrustedIssuer:
        did = name if is_did(name) else build_did_web(name)
        if (document := self.documents.get(did)) is not None:
            keys = document.keys_for(Relation.ASSERTION)
            return self._trust(
                TrustedIssuer(
                    issuer=name,
                    name=name,
                    did=document.did if name != document.did else None,
                    keys=frozenset(key.thumbprint for key in keys.values()),
                    public_keys=keys,
                    bbs_keys=document.bbs_keys_for(Relation.ASSERTION),
                )
            )
        if self.sources.fetcher is None or self.sources.resolver is None:
            raise DidNotResolved(did, "nobody is asked; give its document with --did-document")
        if is_did(name):
            return self._stated(await ask_did(name, resolver=self.sources.resolver))
        return self._stated(await ask_issuer(name, fetcher=self.sources.fetcher, resolver=self.sources.resolver))

    def _stated(self, statement: KeyStatement) -> TrustedIssuer:
        linked = statement.linked
        return self._trust(
            TrustedIssuer(
                issuer=statement.issuer,
                name=statement.issuer,
                keys=frozenset(key.thumbprint for key in statement.keys.values()),
                public_keys={**(linked.keys if linked else {}), **statement.keys},
                bbs_keys=linked.bbs_keys if linked else {},
                did=linked.did if linked else statement.did,
            )
        )

    def _trust(self, issuer: TrustedIssuer) -> TrustedIssuer:
        return replace(issuer, types=self._types)


def _types_of(file: Readable) -> frozenset[str]:
    vct = file.read.claims.get("vct") if isinstance(file, SdJwtFile) else None
    return _OUR_TYPES | ({vct} if isinstance(vct, str) else set())


async def _with_list(known: Known, needed: StatusListNeeded, gathered: _Gathered) -> Known:
    """Fetch a list; if it cannot be had, or nobody may be asked, it is passed over, and the report says so."""
    without = replace(known, lenient=known.lenient | {needed.uri})
    if gathered.sources.fetcher is None or needed.uri in known.lists or needed.uri in known.bitstrings:
        return without
    try:
        reply = await gathered.sources.fetcher.request(
            "GET", needed.uri, headers={"Accept": f"{MEDIA_TYPE}, application/vc"}, max_bytes=MAX_TOKEN_BYTES
        )
        if reply.status != _OK:
            return without
        return _add_list(known, needed, reply.body, gathered)
    except HandstampError:
        return without


def _add_list(known: Known, needed: StatusListNeeded, body: bytes, gathered: _Gathered) -> Known:
    trusted = known.policy.issuer_for(needed.issuer)
    if body.lstrip().startswith(b"{"):
        document = strict_json.parse_object(body, what="status list", max_bytes=MAX_TOKEN_BYTES)
        found: BitstringList = verify_bitstring_list(
            document, uri=needed.uri, issuer=needed.issuer, find_key=_keys_of(trusted, gathered.at), at=gathered.at
        )
        return replace(known, bitstrings={**known.bitstrings, needed.uri: found})
    token: StatusList = verify_status_list(
        body.decode("ascii", "replace"), uri=needed.uri, issuer=trusted, at=gathered.at
    )
    return replace(known, lists={**known.lists, needed.uri: token})


def _keys_of(trusted: TrustedIssuer, at: datetime) -> FindKey:
    def find(verification_method: str, *, purpose: str) -> VerificationKey:  # noqa: ARG001 - it makes statements
        return trusted.find_key({"kid": verification_method}, at=at)

    return find


def _because_of(report: Report, gathered: _Gathered) -> Report:
    """Say why an issuer's keys are not known, rather than that they are not."""
    if report.error is not None and report.error.code in {"untrusted_issuer", "did_key_unknown"} and gathered.problems:
        return report_failure(report.pipeline, gathered.problems[0])
    return report

"""Trust a co-op: ask it once for its keys, show them to a person, pin them. Nothing is trusted by being asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cryptography import x509

from credentials.dids import Relation, fingerprint_keys, parse_did
from credentials.dids.did_web import build_did_web, build_did_web_address
from credentials.dids.errors import DidNotResolved
from credentials.encoding import strict_json
from credentials.errors import Malformed
from credentials.keys.jwk import PublicKey
from credentials.protocols.members import Members
from credentials.protocols.urls import host_of, parse_issuer_url, parse_service_url
from credentials.trust import TrustedIssuer
from schemas import ALL
from verifier.errors import UntrustworthyIssuer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from credentials.bbs import BbsPublicKey
    from credentials.dids import Did, DidResolver
    from credentials.encoding.strict_json import Json
    from plumbing.fetch import Fetcher
    from verifier.party import Party
    from verifier.ports import Work

_OK: Final = 200
_MAX_KEYS: Final = 20
_SHOWN_DID: Final = 60
_WHAT: Final = "key statement of the co-op"
_TYPES: Final = frozenset(each.vct for each in ALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStatement:
    """What a co-op says of its own keys at `/.well-known/jwt-vc-issuer` (SD-JWT VC, "JWT VC Issuer Metadata")."""

    issuer: str
    keys: Mapping[str, PublicKey]
    """Its public keys under their `kid`, or their thumbprint where they have none."""
    did: str | None = None
    """Its DID, if that is how it was asked for; the keys stand under their DID URLs then."""
    linked: LinkedKeys | None = None
    """The keys of its linked credentials; None if it has none, or cannot be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedKeys:
    """What the document of a co-op's did:web says of the keys that make statements, under their DID URLs."""

    did: str
    keys: Mapping[str, PublicKey]
    bbs_keys: Mapping[str, BbsPublicKey]

    @property
    def fingerprint(self) -> str:
        """One fingerprint of all keys that a linked credential could be signed with."""
        return fingerprint_keys([*self.bbs_keys.values(), *self.keys.values()])


async def ask_issuer(url: str, *, fetcher: Fetcher, resolver: DidResolver | None = None) -> KeyStatement:
    """Ask a co-op for its keys; with a resolver, for those of its linked credentials too.

    Raises:
        UntrustworthyIssuer: it says nothing usable, or speaks for another issuer.
        FetchFailed, FetchRefused: it cannot be reached.
    """
    issuer = parse_issuer_url(url, what="address of the co-op")
    parts = urlsplit(issuer)
    path = parts.path if parts.path != "/" else ""
    members = await _load(f"{parts.scheme}://{parts.netloc}/.well-known/jwt-vc-issuer{path}", fetcher)
    if members.text("issuer") != issuer:
        raise UntrustworthyIssuer("what it says of its keys names another issuer")
    linked = None if resolver is None else await ask_linked_keys(issuer, resolver=resolver)
    if "jwks" not in members:
        address = parse_service_url(members.text("jwks_uri"), what="`jwks_uri` of the co-op")
        return KeyStatement(issuer=issuer, keys=_read_keys(await _load(address, fetcher)), linked=linked)
    return KeyStatement(issuer=issuer, keys=_read_keys(members.object("jwks")), linked=linked)


async def ask_linked_keys(issuer: str, *, resolver: DidResolver) -> LinkedKeys | None:
    """Ask for the keys of a co-op's linked credentials, which stand in the document of its did:web.

    Returns:
        None if there is no such document, or no BBS key in it: many co-ops have none.
    """
    try:
        did = build_did_web(issuer)
        document = await resolver.resolve(did)
    except (Malformed, DidNotResolved):
        return None
    bbs_keys = document.bbs_keys_for(Relation.ASSERTION)
    if not bbs_keys:
        return None
    return LinkedKeys(did=did, keys=document.keys_for(Relation.ASSERTION), bbs_keys=bbs_keys)


async def ask_did(did: str, *, resolver: DidResolver) -> KeyStatement:
    """Ask for the keys of a co-op that is known by its DID.

    Raises:
        UntrustworthyIssuer: its document lists no key that makes statements.
        Malformed, DidMethodUnsupported, DidNotResolved: there is no document.
    """
    document = await resolver.resolve(did)
    keys, bbs_keys = document.keys_for(Relation.ASSERTION), document.bbs_keys_for(Relation.ASSERTION)
    if not keys and not bbs_keys:
        raise UntrustworthyIssuer("its DID document lists no key for making statements")
    linked = LinkedKeys(did=did, keys=keys, bbs_keys=bbs_keys)
    return KeyStatement(issuer=_read_issuer(parse_did(did, what="DID")), keys=keys, did=did, linked=linked)


def trust_keys(work: Work, statement: KeyStatement, *, name: str | None, party: Party, now: datetime) -> TrustedIssuer:
    """Pin the keys that a person has compared, and the DID that they were read from.

    The keys of a co-op that was asked for by its `did:web` are read anew now and then (`refresh_trust`): it may change
    them there, and strike out a stolen one.
    """
    linked = statement.linked
    return _save(
        work,
        TrustedIssuer(
            issuer=statement.issuer,
            name=name or host_of(statement.issuer) or statement.issuer[:_SHOWN_DID],
            keys=frozenset(key.thumbprint for key in statement.keys.values()),
            public_keys={**(linked.keys if linked else {}), **statement.keys},
            bbs_keys=linked.bbs_keys if linked else {},
            types=_TYPES,
            did=linked.did if linked else statement.did,
        ),
        party=party,
        now=now,
    )


def trust_anchor(
    work: Work,
    url: str,
    anchor: bytes,
    *,
    name: str | None,
    party: Party,
    now: datetime,
    linked: LinkedKeys | None = None,
) -> TrustedIssuer:
    """Trust whatever key an authority certifies for the co-op's host; the co-op may then change its keys.

    No authority certifies the keys of linked credentials: those are pinned, if a person has compared them (`linked`).

    Raises:
        Malformed: the address cannot be read.
        UntrustworthyIssuer: the file holds no certificate.
    """
    issuer = parse_issuer_url(url, what="address of the co-op")
    _check_anchor(anchor)
    trusted = TrustedIssuer(
        issuer=issuer,
        name=name or host_of(issuer),
        anchors=(anchor,),
        public_keys=linked.keys if linked else {},
        bbs_keys=linked.bbs_keys if linked else {},
        types=_TYPES,
        did=linked.did if linked else None,
    )
    return _save(work, trusted, party=party, now=now)


def _read_issuer(did: Did) -> str:
    """Return the address of the co-op whose did:web this is; a DID that is its own key stands for itself."""
    if did.method != "web":
        return did.text
    return build_did_web_address(did).removesuffix("/did.json").removesuffix("/.well-known")


def _check_anchor(anchor: bytes) -> None:
    try:
        x509.load_pem_x509_certificates(anchor)
    except ValueError as error:
        raise UntrustworthyIssuer("the authority's file holds no certificate in PEM") from error


def _save(work: Work, trusted: TrustedIssuer, *, party: Party, now: datetime) -> TrustedIssuer:
    with work.write() as stores:
        stores.save_issuer(party.site, trusted, now=now)
    return trusted


async def _load(url: str, fetcher: Fetcher) -> Members:
    reply = await fetcher.request("GET", url, headers={"Accept": "application/json"})
    if reply.status != _OK:
        raise UntrustworthyIssuer(f"it answered with status {reply.status} when asked for its keys")
    return Members(strict_json.parse(reply.body, what=_WHAT), what=_WHAT)


def _read_keys(jwks: Members) -> Mapping[str, PublicKey]:
    return dict(jwks.array("keys", _read_key, max_items=_MAX_KEYS))


def _read_key(value: Json, what: str) -> tuple[str, PublicKey]:
    key = PublicKey.parse_jwk(value, what=what)
    return Members(value, what=what).optional_text("kid") or key.thumbprint, key

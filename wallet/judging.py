"""What a co-op hands over is judged by what it is: our own types strictly, others by who issued them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import schemas
from credentials.dids import parse_did
from credentials.dids.did_web import build_did_web
from credentials.dids.errors import DidNotResolved
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError, Malformed
from credentials.keys.certificates import check_chain, parse_x5c
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import CredentialResponse
from credentials.sd_jwt import parse_sd_jwt
from credentials.trust import TrustedIssuer, TrustPolicy
from plumbing.dids import build_resolver, fetch_did_web
from schemas import CredentialType
from wallet.catalogue import CatalogueReader
from wallet.desk import Desk, StatedKeys, fetch_stated_keys
from wallet.errors import IssuerRefused, UnknownAuthority, UnwantedCredential
from wallet.foreign import Proof, inspect_foreign
from wallet.inspection import Inspected, Marked, inspect
from wallet.kinds import ForeignKind, Kind, LinkedForm
from wallet.linked import LinkedKind, Nym
from wallet.linked_inspection import (
    LinkedInspected,
    LinkedProof,
    check_entropy,
    check_key_of_type,
    check_same,
    check_scope,
    open_handed,
)
from wallet.ports import Tools, Web
from wallet.state import Copy, Purpose
from wallet.typenames import describe_type

_NOBODY: StatedKeys = StatedKeys(by_kid={})
Binding = Nym | LocalSigner | None
"""What a credential that is shown by proofs was asked to be bound to: a nym, the key of whom it names, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Judges what one co-op hands over.

    Attributes:
        kinds: what may come, by the co-op's name for it.
        stated: the keys that it states in public, asked on a connection of its own before anything names the listener.
        web: for a type's names and a DID, which tell nothing of the listener either.
    """

    desk: Desk
    kinds: Mapping[str, Kind]
    stated: StatedKeys
    web: Web
    tools: Tools
    catalogue: CatalogueReader = field(init=False)

    def __post_init__(self) -> None:
        # A connection of its own for each look, and each release once.
        object.__setattr__(self, "catalogue", CatalogueReader(self.desk.issuer, self.tools))

    async def inspect(
        self,
        kind: CredentialType | ForeignKind,
        configuration_id: str,
        credentials: Sequence[str],
        signers: Sequence[LocalSigner],
    ) -> Inspected:
        """Check all instances of one copy.

        Raises:
            UnknownAuthority: no pinned authority vouches for the co-op's key.
            UnwantedCredential: anything else that is wrong with it.
        """
        keys = {signer.public_key.thumbprint: signer for signer in signers}
        if isinstance(kind, ForeignKind):
            return await self._inspect_foreign(kind, configuration_id, credentials, keys)
        inspected = self._inspect_ours(kind, credentials, keys)
        await self._compare(inspected.claims, kind, required=False)
        return inspected

    async def _compare(self, claims: Mapping[str, Json], kind: CredentialType, *, required: bool) -> None:
        try:
            await self.catalogue.check(claims, kind, required=required)
        except Marked as error:
            raise UnwantedCredential(self.desk.host, error.detail) from error

    async def inspect_linked(
        self, form: LinkedForm, handed: CredentialResponse, bound_to: Binding, *, known: Copy | None
    ) -> LinkedInspected:
        """Check one credential that is shown by proofs.

        Args:
            form: what was asked for.
            handed: what came.
            bound_to: what it was to be bound to, if anything.
            known: what the wallet has of the same copy already.

        Raises:
            UnknownAuthority: no pinned authority vouches for the co-op.
            UnwantedCredential: anything that is wrong with it.
        """
        host, wallet = self.desk.host, self.tools.keeper.load()
        check_vouched(self.stated, wallet.anchors(Purpose.CO_OPS), host=host, at=self.tools.clock())
        try:
            inspected = open_handed(handed, form, self._proof(bound_to, known))
            held = [each for each in wallet.copies if each.issuer == self.desk.issuer]
            check_key_of_type(inspected.linked, form, held)
            check_entropy(inspected.linked, held)
            check_scope(inspected.linked, form, held)
            if form.kind is not LinkedKind.DOOR:
                # A pass holds no title, and its number is that of the credential that was compared.
                await self.catalogue.check(inspected.claims, form.type, required=True)
            check_same(inspected, form, known)
        except HandstampError as error:
            raise UnwantedCredential(host, error.detail.rstrip(".")) from error
        return inspected

    def _proof(self, bound_to: Binding, known: Copy | None) -> LinkedProof:
        if self.stated.document is None:
            raise Marked("the co-op's DID document could not be read, so its key could be for you alone")
        nym, signer = (
            bound_to if isinstance(bound_to, Nym) else None,
            bound_to if isinstance(bound_to, LocalSigner) else None,
        )
        return LinkedProof(
            issuer=self.desk.issuer,
            document=self.stated.document,
            nym=nym,
            signer=signer,
            known=known,
            at=self.tools.clock(),
        )

    def _inspect_ours(
        self, kind: CredentialType, credentials: Sequence[str], keys: Mapping[str, LocalSigner]
    ) -> Inspected:
        trusted = TrustedIssuer(
            issuer=self.desk.issuer,
            name=self.desk.name,
            anchors=self.tools.keeper.load().anchors(Purpose.CO_OPS),
            types=frozenset(schemas.BY_VCT),
        )
        inspected = inspect(
            credentials,
            keys=keys,
            kind=kind,
            issuer=self.desk.issuer,
            policy=TrustPolicy((trusted,)),
            host=self.desk.host,
            at=self.tools.clock(),
        )
        if inspected.issuer_key not in self.stated.thumbprints:
            raise UnwantedCredential(self.desk.host, "it is signed with a key that the co-op does not state in public")
        # A key may have many certificates: one for each listener would mark as well as a key for each.
        if inspected.chain not in self.stated.chains:
            raise UnwantedCredential(self.desk.host, "it carries a certificate that the co-op does not state in public")
        return inspected

    async def _inspect_foreign(
        self,
        kind: ForeignKind,
        configuration_id: str,
        credentials: Sequence[str],
        keys: Mapping[str, LocalSigner],
    ) -> Inspected:
        proof = Proof(
            issuer=self.desk.issuer,
            anchors=self.tools.keeper.load().anchors(Purpose.CO_OPS),
            stated=self.stated.by_kid,
            dids=build_resolver(self.web, clock=self.tools.clock),
        )
        inspected = await inspect_foreign(
            credentials, keys=keys, vct=kind.vct, proof=proof, host=self.desk.host, at=self.tools.clock()
        )
        configuration = self.desk.metadata.configuration(configuration_id)
        first = parse_sd_jwt(credentials[0])
        named = await describe_type(self.web, kind, configuration, first, host=self.desk.host)
        return replace(inspected, foreign=named)


async def ask_stated_keys(web: Web, desk: Desk, kinds: Mapping[str, Kind]) -> StatedKeys:
    """Return the keys that a co-op states in public; only an issuer of foreign types alone may state none.

    Raises:
        IssuerRefused: it states none, and hands out types of ours.
    """
    try:
        stated = await fetch_stated_keys(web, desk.issuer)
    except IssuerRefused:
        if any(isinstance(kind, CredentialType | LinkedForm) for kind in kinds.values()):
            raise
        return _NOBODY
    if not any(isinstance(kind, LinkedForm) for kind in kinds.values()):
        return stated
    try:
        did = parse_did(build_did_web(desk.issuer), what="the co-op's DID")
        return replace(stated, document=await fetch_did_web(did, web))
    except (DidNotResolved, Malformed):
        # What else it brings can still be kept; what needs these keys is refused one by one.
        return stated


def check_vouched(stated: StatedKeys, anchors: tuple[bytes, ...], *, host: str, at: datetime) -> None:
    """Check that an authority whom the wallet trusts vouches for a co-op, by one of the keys that it states.

    Keys of a DID carry no certificate. The co-op states them at the same host, over a connection that it proved.

    Raises:
        UnknownAuthority: none does.
    """
    for chain in stated.chains:
        try:
            check_chain(parse_x5c(list(chain), what="co-op's certificate"), anchors=anchors, dns_name=host, at=at)
        except HandstampError:
            continue
        return
    raise UnknownAuthority(host)

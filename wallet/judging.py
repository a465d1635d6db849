"""What a co-op hands over is judged by what it is: our own types strictly, others by who issued them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import schemas
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt import parse_sd_jwt
from credentials.trust import TrustedIssuer, TrustPolicy
from plumbing.dids import build_resolver
from schemas import CredentialType
from wallet.desk import Desk, StatedKeys, fetch_stated_keys
from wallet.errors import IssuerRefused, UnwantedCredential
from wallet.foreign import Proof, inspect_foreign
from wallet.inspection import Inspected, inspect
from wallet.kinds import ForeignKind, Kind
from wallet.ports import Tools, Web
from wallet.state import Purpose
from wallet.typenames import describe_type

_NOBODY: StatedKeys = StatedKeys(by_kid={})


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

    async def inspect(
        self, configuration_id: str, credentials: Sequence[str], signers: Sequence[LocalSigner]
    ) -> Inspected:
        """Check all instances of one copy.

        Raises:
            UnknownAuthority: no pinned authority vouches for the co-op's key.
            UnwantedCredential: anything else that is wrong with it.
        """
        keys = {signer.public_key.thumbprint: signer for signer in signers}
        kind = self.kinds[configuration_id]
        if isinstance(kind, ForeignKind):
            return await self._inspect_foreign(kind, configuration_id, credentials, keys)
        return self._inspect_ours(kind, credentials, keys)

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
        return await fetch_stated_keys(web, desk.issuer)
    except IssuerRefused:
        if any(isinstance(kind, CredentialType) for kind in kinds.values()):
            raise
        return _NOBODY

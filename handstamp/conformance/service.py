"""What the endpoints do, without the web: issue, derive, present, and keep statuses."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from credentials.bbs import BbsPublicKey
from credentials.data_integrity import bbs_2023, ecdsa_sd_2023
from credentials.data_integrity.errors import WrongKeyKind
from credentials.data_integrity.proofs import ASSERTION, read_proofs
from credentials.dids import DidResolver
from credentials.encoding.strict_json import Json
from credentials.protocols.members import Members
from handstamp.conformance.instances import InParts, Instance, Random, make_instances
from handstamp.conformance.problems import CredentialUnknown, InstanceUnknown, NotOffered
from handstamp.conformance.requests import IssueOptions, PresentOptions
from handstamp.conformance.statuses import StatusLists, with_status
from handstamp.conformance.verifying import Checker
from plumbing.clock import Clock, system_clock
from plumbing.dids import build_resolver
from plumbing.fetch import Fetcher


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformanceService:
    """All instances, their status lists, and what checks."""

    base_url: str
    instances: Mapping[str, Instance]
    lists: StatusLists
    checker: Checker
    resolver: DidResolver
    clock: Clock
    random: Random

    @classmethod
    def make(
        cls,
        *,
        base_url: str,
        fetcher: Fetcher,
        clock: Clock = system_clock,
        random: Random = secrets.token_bytes,
    ) -> Self:
        """Make a service with fresh keys.

        Args:
            base_url: where it is reached, without a slash at its end.
            fetcher: gets DID documents and status lists that others keep.
            clock: the time.
            random: for keys of single documents, salts and indices.
        """
        lists, resolver = StatusLists(base_url=base_url, random=random), build_resolver(fetcher, clock=clock)
        return cls(
            base_url=base_url,
            instances=make_instances(random),
            lists=lists,
            checker=Checker(resolver=resolver, fetcher=fetcher, lists=lists, clock=clock),
            resolver=resolver,
            clock=clock,
            random=random,
        )

    def find(self, name: str) -> Instance:
        """Return an instance by its path.

        Raises:
            InstanceUnknown: there is none of this name.
        """
        if name not in self.instances:
            raise InstanceUnknown(self.instances)
        return self.instances[name]

    def issue(self, name: str, credential: Mapping[str, Json], options: IssueOptions) -> dict[str, Json]:
        """Issue a credential, with entries in status lists where the instance gives them."""
        instance = self.find(name)
        instance.check_to_issue(credential)
        named = credential.get("id")
        credential_id = options.credential_id or (named if isinstance(named, str) else None)
        entries = self.lists.assign(instance, credential_id)
        return instance.issue(with_status(credential, entries), mandatory=options.mandatory, at=self.clock())

    async def derive(self, name: str, secured: Mapping[str, Json], selective: tuple[str, ...]) -> dict[str, Json]:
        """Show parts of a credential of the instance's suite, whoever issued it.

        Raises:
            NotOffered: the suite does not show parts.
            WrongKeyKind: the proof names a key of another kind.
            HandstampError: as the suite says, or the issuer's DID was not resolved.
        """
        suite = self.find(name).suite
        if not isinstance(suite, InParts):
            raise NotOffered("show a credential in parts")
        if suite.name == ecdsa_sd_2023.SUITE:
            return ecdsa_sd_2023.derive(secured, selective=selective)
        find_key = await self.checker.resolve(secured)
        key = find_key(read_proofs(secured)[0].verification_method, purpose=ASSERTION)
        if not isinstance(key, BbsPublicKey):
            raise WrongKeyKind(suite.name, "BLS12-381 G2")
        base = bbs_2023.open_base(secured, public_key=key)
        return bbs_2023.derive(base, selective=selective, presentation_header=b"", random=self.random)

    def present(self, name: str, presentation: Mapping[str, Json], options: PresentOptions) -> dict[str, Json]:
        """Sign a presentation in the name of an instance."""
        return self.find(name).present(presentation, options=options, at=self.clock())

    def update_status(self, name: str, request: Members) -> None:
        """Set a status of a credential that was issued here.

        Raises:
            CredentialUnknown: it was not, or has no status for this purpose.
        """
        entry = request.object("credentialStatus")
        self.lists.update(
            self.find(name),
            request.text("credentialId"),
            purpose=entry.text("statusPurpose"),
            # The public test suite leaves it out and means true.
            status=request.flag("status", default=True),
        )

    def publish_list(self, name: str, list_id: str) -> dict[str, Json]:
        """Return a status list, signed as it is now.

        Raises:
            CredentialUnknown: there is no such list at this instance.
        """
        uri = f"{self.base_url}/{self.find(name).name}/status-lists/{list_id}"
        if uri not in self.lists:
            raise CredentialUnknown
        return self.lists.publish(uri, at=self.clock())

    def describe(self) -> dict[str, Json]:
        """Say what is here, for whoever writes a test suite's configuration."""
        return {
            "note": "For testing only: this service signs whatever it is sent, with keys that it made when it started.",
            "baseUrl": self.base_url,
            "instances": {
                name: {
                    "id": instance.did,
                    "verificationMethod": instance.verification_method,
                    "cryptosuite": instance.suite.name,
                    "endpoint": f"{self.base_url}/{name}",
                }
                for name, instance in self.instances.items()
            },
        }

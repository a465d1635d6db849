"""The issuers of the service: one for each suite and kind of key, each with a key of its own under a did:key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from credentials.bbs import BbsSecretKey
from credentials.data_integrity import (
    bbs_2023,
    ecdsa_jcs_2019,
    ecdsa_rdfc_2019,
    ecdsa_sd_2023,
    eddsa_jcs_2022,
    eddsa_rdfc_2022,
)
from credentials.data_integrity.whole import WholeSuite
from credentials.dids import AnyKey, multikey_url
from credentials.dids.did_key import build_did_key
from credentials.encoding.strict_json import Json
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.status.bitstring import REVOCATION, SUSPENSION
from credentials.vcdm import check_credential, check_presentation
from handstamp.conformance.problems import NotOffered, WrongIssuer
from handstamp.conformance.requests import PresentOptions

Random = Callable[[int], bytes]


class Suite(Protocol):
    """A cryptographic suite with a key."""

    @property
    def name(self) -> str:
        """What proofs call it."""
        ...

    @property
    def public_key(self) -> AnyKey:
        """What verifies its proofs."""
        ...

    def issue(
        self, credential: Mapping[str, Json], *, method: str, mandatory: tuple[str, ...] | None, at: datetime
    ) -> dict[str, Json]:
        """Sign a credential."""
        ...


@dataclass(frozen=True, slots=True)
class WholeDocument:
    """A suite that signs the whole document, its meaning (RDFC) or its JSON (JCS)."""

    suite: WholeSuite
    signer: LocalSigner = field(repr=False)

    @property
    def name(self) -> str:
        """What proofs call it."""
        return self.suite.name

    @property
    def public_key(self) -> AnyKey:
        """What verifies its proofs."""
        return self.signer.public_key

    def issue(
        self, credential: Mapping[str, Json], *, method: str, mandatory: tuple[str, ...] | None, at: datetime
    ) -> dict[str, Json]:
        """Sign a credential; it may carry proofs already."""
        if mandatory is not None:
            raise NotOffered("show a credential in parts")
        return self.suite.add_proof(credential, signer=self.signer, verification_method=method, created=at)

    def present(
        self, presentation: Mapping[str, Json], *, method: str, options: PresentOptions, at: datetime
    ) -> dict[str, Json]:
        """Sign a presentation."""
        return self.suite.add_proof(
            presentation,
            signer=self.signer,
            verification_method=method,
            purpose=options.purpose,
            created=options.created or at,
            challenge=options.challenge,
            domain=options.domain,
        )


@dataclass(frozen=True, slots=True)
class InParts:
    """ecdsa-sd-2023 or bbs-2023."""

    key: LocalSigner | BbsSecretKey = field(repr=False)
    random: Random = field(repr=False)

    @property
    def name(self) -> str:
        """What proofs call it."""
        return ecdsa_sd_2023.SUITE if isinstance(self.key, LocalSigner) else bbs_2023.SUITE

    @property
    def public_key(self) -> AnyKey:
        """What verifies its proofs."""
        return self.key.public_key

    def issue(
        self, credential: Mapping[str, Json], *, method: str, mandatory: tuple[str, ...] | None, at: datetime
    ) -> dict[str, Json]:
        """Sign a credential, so that its holder can show parts of it."""
        pointers = mandatory or ()
        if isinstance(self.key, LocalSigner):
            return ecdsa_sd_2023.add_base_proof(
                credential,
                signer=self.key,
                verification_method=method,
                mandatory=pointers,
                random=self.random,
                created=at,
            )
        # A proof of bbs-2023 says no time of its own: it would tell one holder from another.
        return bbs_2023.add_base_proof(
            credential,
            secret_key=self.key,
            verification_method=method,
            mandatory=pointers,
            random=self.random,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An issuer, and holder, at a path of its own."""

    name: str
    suite: Suite
    status_purposes: tuple[str, ...] = ()
    """For what each credential that it issues has an entry in a status list."""

    @property
    def did(self) -> str:
        """Who it is."""
        return build_did_key(self.suite.public_key)

    @property
    def verification_method(self) -> str:
        """What its proofs name."""
        return multikey_url(self.did, self.suite.public_key)

    def check_to_issue(self, credential: Mapping[str, Json]) -> None:
        """Check that a credential can be signed in this instance's name.

        Raises:
            Malformed: it breaks a rule of the data model.
            WrongIssuer: it names another issuer.
        """
        check_credential(credential)
        issuer = credential["issuer"]
        if (issuer.get("id") if isinstance(issuer, dict) else issuer) != self.did:
            raise WrongIssuer("issuer", self.did)

    def issue(
        self, credential: Mapping[str, Json], *, mandatory: tuple[str, ...] | None, at: datetime
    ) -> dict[str, Json]:
        """Sign a credential that passed `check_to_issue`.

        Raises:
            HandstampError: as the suite says, or `NotOffered`.
        """
        return self.suite.issue(credential, method=self.verification_method, mandatory=mandatory, at=at)

    def present(self, presentation: Mapping[str, Json], *, options: PresentOptions, at: datetime) -> dict[str, Json]:
        """Sign a presentation in this instance's name.

        Raises:
            Malformed: it breaks a rule of the data model.
            WrongIssuer: it names another holder, suite or key.
            NotOffered: its suite signs credentials only, to be shown in parts.
            HandstampError: as the suite says.
        """
        check_presentation(presentation)
        method = self.verification_method
        asked = {
            "holder": (presentation.get("holder", self.did), self.did),
            "cryptosuite": (options.cryptosuite or self.suite.name, self.suite.name),
            "verificationMethod": (options.verification_method or method, method),
        }
        for role, (value, own) in asked.items():
            if (value.get("id") if isinstance(value, dict) else value) != own:
                raise WrongIssuer(role, self.did)
        if not isinstance(self.suite, WholeDocument):
            raise NotOffered("sign presentations")
        return self.suite.present(presentation, method=method, options=options, at=at)


def make_instances(random: Random) -> dict[str, Instance]:
    """Make one instance for each suite and kind of key, and one whose credentials have a status, with fresh keys."""
    ed25519, p256, p384 = KeyKind.ED25519, KeyKind.P256, KeyKind.P384
    suites: dict[str, Suite] = {
        "eddsa-rdfc-2022": WholeDocument(eddsa_rdfc_2022.SUITE, LocalSigner.generate(ed25519)),
        "ecdsa-rdfc-2019-p256": WholeDocument(ecdsa_rdfc_2019.SUITE, LocalSigner.generate(p256)),
        "ecdsa-rdfc-2019-p384": WholeDocument(ecdsa_rdfc_2019.SUITE, LocalSigner.generate(p384)),
        "eddsa-jcs-2022": WholeDocument(eddsa_jcs_2022.SUITE, LocalSigner.generate(ed25519)),
        "ecdsa-jcs-2019-p256": WholeDocument(ecdsa_jcs_2019.SUITE, LocalSigner.generate(p256)),
        "ecdsa-jcs-2019-p384": WholeDocument(ecdsa_jcs_2019.SUITE, LocalSigner.generate(p384)),
        "ecdsa-sd-2023": InParts(LocalSigner.generate(p256), random),
        "bbs-2023": InParts(BbsSecretKey.generate(), random),
        WITH_STATUS: WholeDocument(eddsa_rdfc_2022.SUITE, LocalSigner.generate(ed25519)),
    }
    return {
        name: Instance(name=name, suite=suite, status_purposes=_PURPOSES if name == WITH_STATUS else ())
        for name, suite in suites.items()
    }


WITH_STATUS: Final = "eddsa-rdfc-2022-with-status"
_PURPOSES: Final = (REVOCATION, SUSPENSION)

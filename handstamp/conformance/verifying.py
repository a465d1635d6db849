"""Check credentials and presentations one step at a time, and say of each how it went.

Handstamp's own pipelines stop at the first refusal. A test suite wants to know each: whether the proof holds is asked
apart from whose it is, and from whether the credential is out of date or taken back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from credentials.data_integrity.chains import ProofPolicy, verify_proofs
from credentials.data_integrity.errors import WrongController
from credentials.data_integrity.keys import FindKey, check_controller, find_key_in, read_controller
from credentials.data_integrity.presentations import name_controllers
from credentials.data_integrity.proofs import ASSERTION, AUTHENTICATION, controller_of, read_proofs
from credentials.data_integrity.suites import ALL_SUITES, VerificationKey
from credentials.dids import DidDocument, DidResolver
from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.enveloped import Envelope, is_enveloped
from credentials.errors import HandstampError
from credentials.status.bitstring import BitstringEntry, read_entries
from credentials.status.bitstring_checking import check_entry, verify_bitstring_list
from credentials.status.errors import StatusListNeeded
from credentials.vcdm import check_credential, check_presentation, check_valid_at, read_credentials, read_issuer
from handstamp.conformance.problems import build_problem
from handstamp.conformance.requests import FORM, MAX_BODY_BYTES, VerifyOptions
from handstamp.conformance.statuses import StatusLists
from plumbing.clock import Clock
from plumbing.fetch import Fetcher, FetchFailed, FetchRefused

_CLOCK_SKEW_S: Final = 60
_WARNINGS: Final = frozenset({"validity", "credentialStatus"})
"""What VCALM calls warnings: the credential is authentic, but no longer good."""
_OK: Final = 200


@dataclass(slots=True)
class Report:
    """How the checks of one document went, in order."""

    document: Mapping[str, Json]
    checks: dict[str, HandstampError | None] = field(default_factory=dict)
    credentials: list["Report"] = field(default_factory=list)
    """Of the credentials in a presentation."""
    undecided: frozenset[str] = frozenset()
    """Checks that nobody asked for by name and that cannot be settled here: they are told, and decide nothing."""

    def attempt(self, name: str, check: Callable[[], object]) -> bool:
        """Run one check, note how it went, and say whether it passed."""
        try:
            check()
        except HandstampError as error:
            self.checks[name] = error
            return False
        self.checks[name] = None
        return True

    @property
    def verified(self) -> bool:
        """Whether every check passed, of the document and of what is in it."""
        failed = {name for name, error in self.checks.items() if error is not None}
        return failed <= self.undecided and all(each.verified for each in self.credentials)

    def problems(self, *, warnings: bool) -> list[dict[str, Json]]:
        """Return what is wrong, or what VCALM calls a warning, of the document and of what is in it."""
        own = [
            build_problem(error)
            for name, error in self.checks.items()
            if error is not None and (name in _WARNINGS or name in self.undecided) is warnings
        ]
        return own + [problem for each in self.credentials for problem in each.problems(warnings=warnings)]

    def results(self) -> dict[str, Json]:
        """Write how each check went."""
        return {
            name: {"verified": error is None, "problemDetails": [] if error is None else [build_problem(error)]}
            for name, error in self.checks.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """Checks what is sent, with what it needs from outside."""

    resolver: DidResolver
    fetcher: Fetcher
    lists: StatusLists
    clock: Clock

    async def check_credential(self, document: Mapping[str, Json], options: VerifyOptions) -> Report:
        """Check a credential, with proofs or in a token."""
        return await self._check_credential(document, options, await self.resolve(document))

    async def check_presentation(
        self, document: Mapping[str, Json], options: VerifyOptions, *, proofless: bool
    ) -> Report:
        """Check a presentation and every credential in it.

        Args:
            document: the presentation, with proofs or in a token.
            options: what is checked, and the challenge and domain that it must answer.
            proofless: whether nobody signed it, so that only its credentials are checked.
        """
        find_key, report, at = await self.resolve(document), Report(document), self.clock()
        opened = _Opened(document)
        if not report.attempt(FORM, lambda: opened.open(_form_of_presentation(options))):
            return report
        policy = ProofPolicy(
            find_key=find_key,
            at=at,
            clock_skew_s=_CLOCK_SKEW_S,
            purpose=AUTHENTICATION,
            challenge=options.challenge,
            domain=options.domain,
            suites=ALL_SUITES,
        )
        if not proofless and "proof" in options.checks:
            report.attempt("proof", lambda: opened.verify(policy))
        if not proofless and "issuer" in options.checks and "holder" in opened.document:
            report.attempt("holder", lambda: opened.check_signer("holder"))
        for each in read_credentials(opened.document):
            # What has no proof was found to be the holder's own word, which stands on the presentation's.
            unsigned = "proof" not in each and not is_enveloped(each)
            checked = Report(each) if unsigned else await self._check_credential(each, options, find_key)
            report.credentials.append(checked)
        return report

    async def _check_credential(
        self, document: Mapping[str, Json], options: VerifyOptions, find_key: FindKey
    ) -> Report:
        report, opened, at = Report(document), _Opened(document), self.clock()
        if not report.attempt(FORM, lambda: opened.open(_form_of_credential(options))):
            return report
        policy = ProofPolicy(find_key=find_key, at=at, clock_skew_s=_CLOCK_SKEW_S, purpose=ASSERTION, suites=ALL_SUITES)
        steps: dict[str, Callable[[], object]] = {
            "proof": lambda: opened.verify(policy),
            "issuer": lambda: opened.check_signer("issuer"),
            "validity": lambda: check_valid_at(opened.document, at=at, clock_skew_s=_CLOCK_SKEW_S),
        }
        for name, step in steps.items():
            if name in options.checks:
                report.attempt(name, step)
        # Whose keys an issuer with a web address has stands in a document that is not fetched. The published vectors
        # of the suites have such an issuer beside a did:key.
        foreign = isinstance(report.checks.get("issuer"), WrongController) and "issuer" not in options.named
        if foreign and (read_controller(opened.document, "issuer") or "").startswith("https://"):
            report.undecided = frozenset({"issuer"})
        if "credentialStatus" in options.checks and "credentialStatus" in opened.document:
            await self._check_status(opened.document, report)
        return report

    async def _check_status(self, document: Mapping[str, Json], report: Report) -> None:
        name = "credentialStatus"
        try:
            issuer = read_issuer(document)
            for entry in read_entries(document[name]):
                await self._check_entry(entry, issuer)
        except HandstampError as error:
            report.checks[name] = error
        else:
            report.checks[name] = None

    async def _check_entry(self, entry: BitstringEntry, issuer: str) -> None:
        at = self.clock()
        document = self.lists.publish(entry.uri, at=at) if entry.uri in self.lists else await self._fetch(entry, issuer)
        found = verify_bitstring_list(
            document, uri=entry.uri, issuer=issuer, find_key=await self.resolve(document), at=at
        )
        check_entry(entry, found)

    async def _fetch(self, entry: BitstringEntry, issuer: str) -> dict[str, Json]:
        try:
            reply = await self.fetcher.request("GET", entry.uri, max_bytes=MAX_BODY_BYTES)
        except (FetchFailed, FetchRefused) as error:
            raise StatusListNeeded(entry.uri, issuer) from error
        if reply.status != _OK:
            raise StatusListNeeded(entry.uri, issuer)
        return strict_json.parse_object(reply.body, what="status list", max_bytes=MAX_BODY_BYTES)

    async def resolve(self, document: Mapping[str, Json]) -> FindKey:
        """Resolve every DID that is named, and return who finds keys in them, or says why there is none."""
        at, found, failures = self.clock(), dict[str, DidDocument](), dict[str, HandstampError]()
        for did in dict.fromkeys(name_controllers(dict(document))):
            try:
                found[did] = (await self.resolver.resolve(did)).as_of(at)
            except HandstampError as error:
                failures[did] = error
        find_known = find_key_in(found)

        def find(verification_method: str, *, purpose: str) -> VerificationKey:
            failure = failures.get(controller_of(verification_method))
            if failure is not None:
                raise failure
            return find_known(verification_method, purpose=purpose)

        return find


def _form_of_presentation(options: VerifyOptions) -> Callable[[Mapping[str, Json]], object]:
    return check_presentation if FORM in options.checks else read_credentials


def _form_of_credential(options: VerifyOptions) -> Callable[[Mapping[str, Json]], object]:
    return check_credential if FORM in options.checks else (lambda _: None)


class _Opened:
    """A document with proofs, or one that comes out of a token: the same questions for both."""

    def __init__(self, document: Mapping[str, Json]) -> None:
        self.document = document
        self._envelope: Envelope | None = None

    def open(self, check_form: Callable[[Mapping[str, Json]], object]) -> None:
        """Take the document out of its token, if it is in one, and check its form."""
        if is_enveloped(self.document):
            self._envelope = Envelope.parse(self.document)
            self.document = self._envelope.document
        check_form(self.document)

    def verify(self, policy: ProofPolicy) -> None:
        """Verify its proofs, or the signature of its token."""
        if self._envelope is None:
            verify_proofs(self.document, policy)
            return
        self._envelope.verify(
            find_key=policy.find_key,
            at=policy.at,
            clock_skew_s=policy.clock_skew_s,
            challenge=policy.challenge,
            domain=policy.domain,
        )

    def check_signer(self, role: str) -> None:
        """Check that whoever signed it is whom it names."""
        if self._envelope is not None:
            check_controller(self.document, self._envelope.verification_method, role=role)
            return
        for proof in read_proofs(self.document):
            check_controller(self.document, proof.verification_method, role=role)

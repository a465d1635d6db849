"""Whether a credential keeps to what its type says of claims (SD-JWT VC, "Claim Metadata")."""

from collections.abc import Iterable

from credentials.errors import IssuerError
from credentials.protocols.members import shown
from credentials.sd_jwt.locating import Location, Path, WrongKind, describe, locate
from credentials.sd_jwt.reading import SdJwt
from credentials.type_metadata.documents import ClaimMetadata, Disclosable


class ClaimRuleBroken(IssuerError):
    """A credential that is not as its type says; it must be rejected ("Processing Type Metadata")."""

    code = "claim_rule_broken"

    def __init__(self, path: Path, rule: str) -> None:
        """`rule` completes the sentence that begins with the claim."""
        super().__init__(f"The credential is not what its type says: {shown(describe(path))} {rule}.")


def check_claims(sd_jwt: SdJwt, rules: Iterable[ClaimMetadata], *, complete: bool) -> None:
    """Check a credential, as it was issued or as it is presented, against what its type says of claims.

    Args:
        sd_jwt: read, its disclosures in their place.
        rules: of the type, with all that it extends.
        complete: whether every disclosure is there, as a holder has it. A verifier sees only some, and must not take
            what is not shown for missing.

    Raises:
        ClaimRuleBroken: it is not; the words name the claim, never its value.
    """
    hidden = frozenset(sd_jwt.locations.values())
    for rule in rules:
        try:
            found = locate(sd_jwt.claims, rule.path)
        except WrongKind as error:
            raise ClaimRuleBroken(rule.path, "is, or stands in, something of another kind") from error
        if complete and rule.mandatory and not found:
            raise ClaimRuleBroken(rule.path, "is missing")
        _check_hidden(rule, [location for location, _ in found], hidden)


def _check_hidden(rule: ClaimMetadata, found: Iterable[Location], hidden: frozenset[Location]) -> None:
    # A claim is disclosable if it has a disclosure of its own; not because something that it stands in has one.
    for location in found:
        if rule.sd is Disclosable.ALWAYS and location not in hidden:
            raise ClaimRuleBroken(rule.path, "cannot be hidden, and must be")
        if rule.sd is Disclosable.NEVER and location in hidden:
            raise ClaimRuleBroken(rule.path, "can be hidden, and must not be")

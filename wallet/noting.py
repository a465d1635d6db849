"""What did not come, kept beside the copy that it belongs to, in the words in which its co-op said why."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from credentials.errors import HandstampError
from wallet.linked import LinkedKind
from wallet.state import Copy, Wallet
from wallet.supply import Source, Waiting


def stem_of(source: Source) -> str:
    """Return what the identifiers of all forms of one copy begin with; "" for a source without an identifier."""
    return (source.credential_identifier or "").partition(".")[0]


def ends_with_its_cohort(source: Source) -> bool:
    """Tell whether what a source brings lives for a month and ten days."""
    return source.form is not None and source.form is not LinkedKind.SIGNED


def note_reasons(
    wallet: Wallet, issuer: str, asked: Collection[Source], refused: Mapping[Source, HandstampError]
) -> Wallet:
    """Return the wallet that knows of each copy why one of its forms did not come, or that all did.

    Args:
        wallet: as it is after the errand.
        issuer: whose copies they are.
        asked: what was asked for; only forms that end with their cohort are looked at.
        refused: what did not come of it, and why.
    """
    for copy in wallet.copies:
        forms = [each for each in asked if ends_with_its_cohort(each) and _brings(each, copy, issuer)]
        reasons = [refused[each].detail for each in forms if each in refused]
        if forms:
            wallet = wallet.replacing(replace(copy, not_renewed=reasons[0] if reasons else None))
    return wallet


def _brings(source: Source, copy: Copy, issuer: str) -> bool:
    if isinstance(source, Waiting):
        return (issuer, stem_of(source)) == (copy.issuer, copy.id)
    return source.copy == copy.key

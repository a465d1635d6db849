"""Transactions that a verifier wants authorised (OpenID4VP 1.0 §5.1, §8.4): read, so that a refusal can name the type.

No type is known here. A wallet must refuse a request that holds even one that it does not know: to sign it blindly, or
to answer as if it were not there, would both be wrong.
"""

from dataclasses import dataclass
from typing import Final, Self

from credentials.encoding import base64url
from credentials.encoding.strict_json import Json, parse
from credentials.errors import Malformed
from credentials.protocols.members import Members, check_items, check_text, shown
from credentials.protocols.openid4vp.errors import TransactionDataRefused

KNOWN_TYPES: Final[frozenset[str]] = frozenset()
_WHAT: Final = "transaction data"
_MAX_TRANSACTIONS: Final = 16
_MAX_CHARS: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionData:
    """One transaction.

    Attributes:
        type: what kind; decides what else it holds.
        credential_ids: the queries that may authorise it.
    """

    type: str
    credential_ids: tuple[str, ...]

    @classmethod
    def parse(cls, value: Json) -> Self:
        """Read one element of `transaction_data`: base64url of a JSON object.

        Raises:
            Malformed: it is none.
        """
        text = check_text(value, what=_WHAT, max_chars=_MAX_CHARS)
        members = Members(parse(base64url.decode(text, what=_WHAT), what=_WHAT), what=_WHAT)
        return cls(
            type=members.text("type", max_chars=512),
            credential_ids=members.texts("credential_ids", max_items=32, max_chars=128),
        )


def check_transactions(value: Json) -> None:
    """Refuse what cannot be read, and every type that is not known: today all of them.

    Raises:
        TransactionDataRefused: with the reason.
    """
    try:
        items = check_items(value, what=_WHAT, max_items=_MAX_TRANSACTIONS)
        types = {TransactionData.parse(item).type for item in items}
    except Malformed as error:
        raise TransactionDataRefused(error.reason) from error
    unknown = sorted(types - KNOWN_TYPES)
    if unknown:
        raise TransactionDataRefused(f"its type {shown(unknown[0])} is not known here")

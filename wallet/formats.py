"""The wallet's state as bytes, and what older versions wrote, carried over.

Format 1 had no refresh tokens, only texts in claims, and one `Collecting` for each offer that was under way. Format 2
keeps what each offer left (`wallet.supply`). Format 3 adds linked credentials, the nyms behind pseudonyms, and when to
renew (`wallet.linked`); what it adds is empty in a wallet of format 2. Either older one is read as the newest; its next
change writes it so.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from credentials.errors import Malformed
from credentials.protocols.openid4vci import CredentialOffer
from wallet.sealed import Damaged, NewerFormat
from wallet.state import FORMAT, Wallet

_ADAPTER: Final = TypeAdapter(Wallet)
_ANY: Final = TypeAdapter(dict[str, Any])
_NOT_THIS_VERSIONS: Final = "its content is not a wallet that this version can read"
_FIRST_FORMAT: Final = 1
_SECOND_FORMAT: Final = 2
_TOKEN_LIFE: Final = timedelta(minutes=10)


def build_state(wallet: Wallet) -> bytes:
    """Return `wallet` as the JSON bytes that are sealed."""
    return _ADAPTER.dump_json(wallet)


def parse_state(data: bytes) -> Wallet:
    """Read what `build_state` wrote, in this version or an older one.

    Raises:
        NewerFormat: a later version wrote it.
        Damaged: it is no wallet. As the bytes were authenticated, something else wrote them.
    """
    try:
        content = _ANY.validate_json(data)
        # Nothing but a format's number says which it is: a wallet without one is none.
        match content.get("format"):
            case int(found) if found == FORMAT:
                return _ADAPTER.validate_json(data)
            case int(found) if found == _SECOND_FORMAT:
                return _ADAPTER.validate_python(content | {"format": FORMAT})
            case int(found) if found == _FIRST_FORMAT:
                return _ADAPTER.validate_python(_from_first(content))
            case int(found) if found > FORMAT:
                raise NewerFormat(found)
            case _:
                raise Damaged(_NOT_THIS_VERSIONS)
    except (ValidationError, Malformed, KeyError, TypeError) as error:
        raise Damaged(_NOT_THIS_VERSIONS) from error


def _from_first(content: dict[str, Any]) -> dict[str, Any]:
    supplies = [_supply(each) for each in content.pop("collecting", ())]
    return content | {"format": FORMAT, "supplies": supplies}


def _supply(collecting: dict[str, Any]) -> dict[str, Any]:
    offer = CredentialOffer.parse(collecting["offer"])
    expires_at = datetime.fromisoformat(collecting["expires_at"])
    sources = [each | {"state": "waiting"} for each in collecting.pop("waiting")]
    return collecting | {
        "issuer": offer.credential_issuer,
        "token_at": expires_at - _TOKEN_LIFE,
        "sources": sources,
    }

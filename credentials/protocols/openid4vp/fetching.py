"""How a wallet asks for a request by POST: its metadata, and a nonce that makes the request its own (§5.10).

The nonce is what a verifier cannot know beforehand: a request object that repeats it was signed just now, for this
wallet, and not recorded at another one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from credentials.encoding.strict_json import Json, dump, parse
from credentials.protocols.members import Members
from credentials.protocols.oauth import InvalidRequest, build_form, parse_form, refuse_as
from credentials.protocols.openid4vp.metadata import OUR_WALLET, WalletMetadata

REQUEST_TYPE: Final = "application/oauth-authz-req+jwt"
_WHAT: Final = "question for a request"
_MAX_BYTES: Final = 32_768
WALLET_NONCE: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,512}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestUriPost:
    """The body of a wallet's POST to a `request_uri`.

    Attributes:
        wallet_nonce: what the request object must repeat; None if the wallet sent none.
        wallet_metadata: what the wallet can do; None if it does not say.
    """

    wallet_nonce: str | None = None
    wallet_metadata: WalletMetadata | None = None

    @classmethod
    def parse_form(cls, data: bytes) -> Self:
        """Read the body; parameters that we do not know are ignored (§5.10).

        Raises:
            InvalidRequest: it cannot be read.
        """
        with refuse_as(InvalidRequest):
            members = Members(dict(parse_form(data, max_bytes=_MAX_BYTES, what=_WHAT)), what=_WHAT)
            text = members.optional_text("wallet_metadata", max_chars=_MAX_BYTES)
            what = members.named("wallet_metadata")
            said = None if text is None else WalletMetadata.read(Members(parse(text, what=what), what=what))
            nonce = members.optional_text("wallet_nonce", pattern=WALLET_NONCE)
        return cls(wallet_nonce=nonce, wallet_metadata=said)


def build_request_uri_post(wallet_nonce: str, *, metadata: Mapping[str, Json] = OUR_WALLET) -> bytes:
    """Write the body of our wallet's POST; `wallet_nonce` is fresh every time, the rest always the same."""
    return build_form({"wallet_metadata": dump(dict(metadata)).decode("utf-8"), "wallet_nonce": wallet_nonce})

"""Authorizations: a wallet asks first, a listener says yes in a browser where the co-op knows them, the wallet comes.

What the listener said yes to is an offer like any other, under a code of its own kind; so that it is taken once, and a
replay ends what came of it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

# FAPI 2.0 Security Profile §5.3.2.2, which HAIP 1.0 §4 builds on: less than ten minutes, and a code at most one.
PUSHED_TTL: Final = timedelta(minutes=9)
CODE_TTL: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a wallet asks a listener for.

    Attributes:
        client_id: what the wallet calls itself.
        redirect_uri: where the browser goes afterwards.
        code_challenge: of PKCE, S256.
        configuration_ids: the kinds of credentials; never empty.
        state: given back as it came.
        thumbprint: the DPoP key that the code is bound to, if the wallet named one.
        expires_at: until when the listener can say yes.
    """

    client_id: str
    redirect_uri: str
    code_challenge: str
    configuration_ids: tuple[str, ...]
    state: str | None
    thumbprint: str | None
    expires_at: datetime

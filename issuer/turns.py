"""Who waits for whom on the way of a record to its wallet, where a database server lets many write at once.

Each name stands for the rows that the requests of one turn decide by reading first: the tries of an offer, how often a
copy was asked for. Whatever else they touch is decided by a unique key (proofs, nonces, keys, commitments, entries of
status lists) or by a conditional UPDATE or DELETE (offers, refresh tokens, scopes), so turns of other names may run
beside them. Copies, holds and resets change only in transactions that run alone.

Rows of keys that were just drawn, and others that a unique key or one UPDATE decides, need no turn of their own: an
offer, what a wallet pushed, the event that it tells, the proof of its attestation are written
`plumbing.turns.BESIDE_ALL`.
"""

from typing import assert_never

from credentials.protocols.openid4vci import CodeRequest, CredentialRequest, RefreshRequest, TokenRequest, split_name
from credentials.protocols.openid4vci.tokens import AnyTokenRequest
from issuer.secrets import stored


def turn_of_grant(asked: AnyTokenRequest) -> str:
    """Whoever shows the same code or refresh token has one turn. The names hold hashes: a server may log a lock."""
    match asked:
        case TokenRequest():
            return f"offer:{stored(asked.pre_authorized_code)}"
        case RefreshRequest():
            return f"refresh:{stored(asked.refresh_token)}"
        case CodeRequest():
            return f"code:{stored(asked.code)}"
        case _:
            assert_never(asked)


def turn_of_copy(asked: CredentialRequest) -> str | None:
    """All forms of one copy have one turn; None if the request does not say which copy it means."""
    if asked.credential_identifier is None:
        return None
    return f"copy:{split_name(asked.credential_identifier)[0]}"

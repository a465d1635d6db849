"""Token Status List (draft-ietf-oauth-status-list): is a credential still good? Asked of a whole list at once.

Only lists in JWT form: every credential here is a JWT, and a second encoding (CBOR, CWT) would be a second parser for
strangers' bytes that nothing needs.
"""

from credentials.status.lookup import StatusCheck, StatusPolicy, check_status
from credentials.status.packed import INVALID, SUSPENDED, VALID, PackedStatuses
from credentials.status.reference import StatusReference
from credentials.status.token import MAX_TOKEN_BYTES, StatusList, build_status_list, verify_status_list

__all__ = [
    "INVALID",
    "MAX_TOKEN_BYTES",
    "SUSPENDED",
    "VALID",
    "PackedStatuses",
    "StatusCheck",
    "StatusList",
    "StatusPolicy",
    "StatusReference",
    "build_status_list",
    "check_status",
    "verify_status_list",
]

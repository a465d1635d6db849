"""Make the proof that shows a part of a linked credential, for one request: nothing of it is stored, or used up.

The header ties it to who asks, to the request's nonce (and so to the terms) and to where the answer goes. A number is
made for the domain that the request names beside this very query, after the kernel found that it is the asker's own.
"""

from collections.abc import Callable, Mapping, Sequence

from credentials.bbs import BbsPublicKey
from credentials.data_integrity import bbs_2023
from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.protocols.openid4vp import AuthorizationRequest
from wallet.linked import LinkedCredential, LinkedKind, Nym
from wallet.nyms import read_blind, read_secret
from wallet.refused import NumberLost

_WHAT = "credential in the wallet"


def prove(
    linked: LinkedCredential,
    *,
    nym: Nym | None,
    request: AuthorizationRequest,
    query_id: str,
    pointers: Sequence[str],
    random: Callable[[int], bytes],
) -> Mapping[str, Json]:
    """Return what is posted to the site: the claims that `pointers` lead to, and a proof of them.

    Args:
        linked: of a kind that is shown by proofs.
        nym: what its numbers come from; None for one without.
        request: verified.
        query_id: which of its questions this answers.
        pointers: JSON Pointers to what is disclosed.
        random: where the numbers come from that hide the rest.

    Raises:
        NumberLost: its nym is not in the wallet.
        HandstampError: it is not the credential that was received.
    """
    counts = linked.kind is LinkedKind.PSEUDONYM
    if counts and nym is None:
        raise NumberLost
    # Its signature was verified on receipt, and the vault's cipher authenticates every byte since.
    base = bbs_2023.reopen_base(
        strict_json.parse_object(linked.credential.encode(), what=_WHAT),
        public_key=BbsPublicKey.from_multikey(linked.issuer_key, what="key in the wallet"),
        prover_nym=read_secret(nym) if counts and nym else None,
        blind=read_blind(nym) if counts and nym else None,
    )
    return bbs_2023.derive(
        base,
        selective=pointers,
        presentation_header=request.presentation_header,
        nym_domain=request.nym_domains[query_id] if counts else None,
        random=random,
    )

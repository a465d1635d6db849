"""A federation's list that has ended, as a site followed it before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from credentials.keys.signer import LocalSigner
from credentials.trust.coop_list import sign_description
from verifier.subscriptions import Subscription

if TYPE_CHECKING:
    from datetime import datetime

    from credentials.encoding.strict_json import Json
    from verifier.store import SqlWork


def follow_an_ended_list(work: SqlWork, *, now: datetime) -> None:
    """Let a site follow a list of two months ago that counted for a month."""
    signer = LocalSigner.generate()
    url = "https://federation.example/coops"
    member: dict[str, Json] = {
        "issuer": "https://coop.example",
        "name": "Sound Commons",
        "types": ["urn:a"],
        "jwks": {"keys": [LocalSigner.generate().public_key.jwk]},
    }
    described: dict[str, Json] = {"url": url, "name": "Federation", "version": 1, "days": 30, "members": [member]}
    text = sign_description(described, signer=signer, now=now - timedelta(days=60))
    followed = Subscription(
        url=url, publisher=signer.public_key.thumbprint, text=text, fetched_at=now - timedelta(days=60)
    )
    with work.write() as stores:
        stores.save_subscription("main", followed)

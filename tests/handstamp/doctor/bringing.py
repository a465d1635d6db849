"""Where tests note how each kind of misconfiguration is brought about."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from handstamp.doctor.table import KINDS
from plumbing.keystore import KeyStore

if TYPE_CHECKING:
    from collections.abc import Callable

    import trustme

    from tests.handstamp.doctor.conftest import Place

BROUGHT: dict[str, tuple[str, Any]] = {}


def brings(kind: str, role: str = "") -> Callable[[Any], Any]:
    """Say which kind a function brings about, and for which role."""

    def note(bring: Any) -> Any:
        assert kind not in BROUGHT
        BROUGHT[kind] = (role or KINDS[kind].roles[0], bring)
        return bring

    return note


def run(place: Place, role: str, *statements: str) -> None:
    with closing(sqlite3.connect(place.file(f"{role}/{role}.sqlite"))) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def install(place: Place, leaf: trustme.LeafCert) -> None:
    chain = b"".join(part.bytes() for part in leaf.cert_chain_pems)
    KeyStore(place.file("issuer/keys")).install("issuer", key_pem=leaf.private_key_pem.bytes(), chain_pem=chain)


def trusting_rows() -> tuple[str, ...]:
    return ("INSERT INTO status_lists VALUES ('main', 'https://coop.example/statuslists/x', 'i', 't', NULL, 1, 1, 1)",)

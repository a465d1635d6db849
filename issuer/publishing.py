"""Runs `issuer.service.publish` on the parts of a running co-op: for its background loop, its command and its route."""

import secrets
from datetime import datetime

from credentials.data_integrity import eddsa_rdfc_2022
from credentials.encoding import strict_json
from credentials.status.bitstring import REVOCATION, Bitstring, build_bitstring_credential
from issuer.parts import IssuerTools
from issuer.service.publish import Published, keep, plan, sign
from issuer.status import Signed
from issuer.store import Store


def publish(parts: IssuerTools, *, now: datetime, at_once: bool = False) -> Published:
    """Publish what is due.

    Raises:
        ServerError: the co-op's certificate has expired, so nobody would accept what it signs.
        DatabaseUnavailable: try again later; nothing is lost.
    """
    identity = parts.identity_at(now)
    identity.check_can_sign(now)
    with parts.database.write() as session:
        made = plan(
            Store(session),
            schedule=parts.schedule,
            by=identity.signing_name,
            random_below=secrets.randbelow,
            now=now,
            at_once=at_once,
        )
    signed = [sign(each, identity=identity, schedule=parts.schedule, now=now) for each in made.lists]
    with parts.database.write() as session:
        return keep(Store(session), made, signed, now=now)


def signed_list(parts: IssuerTools, list_id: str, *, now: datetime, at_once: bool = False) -> Signed | None:
    """Return a list as it was signed last; sign it now if it never was, or if the loop has missed that it was due.

    Waiting changes are not put in: they go out with their batch. `at_once` is `Database.write`'s.
    """
    identity = parts.identity_at(now)
    with parts.database.read() as session:
        found = Store(session).status_list(list_id)
    if found is None or not found.due_for_signing(now, by=identity.signing_name):
        return None if found is None else found.signed
    identity.check_can_sign(now)
    signed = sign(found, identity=identity, schedule=parts.schedule, now=now)
    with parts.database.write(at_once=at_once) as session:
        if Store(session).replace_list(signed):
            return signed.signed
    with parts.database.read() as session:  # somebody else was first
        again = Store(session).status_list(list_id)
    return None if again is None else again.signed


def signed_bitstring(parts: IssuerTools, list_id: str, *, now: datetime, at_once: bool = False) -> bytes | None:
    """Return the same list as a Bitstring Status List, for linked credentials that are published.

    It says what the token says, from when to when the token does, and is the same bytes until that is signed again.
    """
    if signed_list(parts, list_id, now=now, at_once=at_once) is None:
        return None
    with parts.database.read() as session:
        found = Store(session).status_list(list_id)
    if found is None or found.signed is None:
        return None
    identity = parts.identity_at(now)
    signer = identity.linked.signer
    document = build_bitstring_credential(
        Bitstring.from_token(found.statuses),
        uri=identity.status_list_url(list_id),
        issuer_did=identity.did,
        purpose=REVOCATION,
        valid_from=found.signed.at,
        valid_until=found.signed.expires_at,
        ttl=parts.schedule.ttl,
    )
    method = identity.linked.publishing_method(identity.did)
    return strict_json.dump(eddsa_rdfc_2022.add_proof(document, signer=signer, verification_method=method))

"""What an artist publishes can be taken back: the same list is told as a token and as a Bitstring Status List."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from credentials.data_integrity.keys import find_key_in
from credentials.dids import Relation, parse_did_document
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.status import StatusCheck, verify_status_list
from credentials.status.bitstring_checking import TokenRevocations, verify_bitstring_list
from credentials.status.token import MEDIA_TYPE
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.verify_linked import Published, verify_published
from issuer.publishing import publish
from issuer.service.registers import end_artist, verify_artist
from issuer.store import Store
from schemas import VERIFIED_ARTIST
from tests.issuer.conftest import URL
from tests.issuer.linked import opened
from tests.issuer.test_registers import persona
from tests.support.refusing import refused

if TYPE_CHECKING:
    import httpx

    from credentials.status.bitstring_checking import RevocationList
    from tests.issuer.conftest import Coop, Wallet

CREDENTIAL = {"Accept": "application/vc, application/json"}


async def published(coop: Coop, wallet: Wallet) -> tuple[dict[str, Any], str]:
    """A credential that an artist publishes, and the persona's number."""
    listener = coop.listener()
    with coop.parts.database.write() as session:
        found = verify_artist(Store(session), persona(listener), random=secrets.token_bytes, now=coop.now)
    [copy] = coop.copies(listener)
    answer = await wallet.ask(
        await opened(coop, wallet, listener), f"{copy.id}.eddsa", [LocalSigner.generate(KeyKind.P256)]
    )
    credential: dict[str, Any] = answer.json()["credentials"][0]["credential"]
    return credential, found.id


async def trusted(coop: Coop, browser: httpx.AsyncClient) -> TrustedIssuer:
    did = coop.parts.identity.did
    document = parse_did_document((await browser.get("/.well-known/did.json")).content, did=did)
    return TrustedIssuer(
        issuer=URL,
        name="x",
        did=did,
        anchors=(coop.authority.cert_pem.bytes(),),
        public_keys=document.keys_for(Relation.ASSERTION),
        types=frozenset({VERIFIED_ARTIST.vct}),
    )


async def both_forms(coop: Coop, browser: httpx.AsyncClient, uri: str) -> list[dict[str, RevocationList]]:
    known, did = await trusted(coop, browser), coop.parts.identity.did
    document = parse_did_document((await browser.get("/.well-known/did.json")).content, did=did)
    token = (await browser.get(uri)).text
    bitstring = await browser.get(uri, headers=CREDENTIAL)
    assert bitstring.headers["content-type"] == "application/vc"
    return [
        {uri: TokenRevocations(listed=verify_status_list(token, uri=uri, issuer=known, at=coop.now))},
        {
            uri: verify_bitstring_list(
                bitstring.json(), uri=uri, issuer=did, find_key=find_key_in({did: document}), at=coop.now
            )
        },
    ]


async def test_a_persona_that_is_ended_is_taken_back_in_both_forms_of_the_list(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    credential, number = await published(coop, wallet)
    assert list(credential["credentialStatus"]) == ["type", "statusPurpose", "statusListIndex", "statusListCredential"]
    uri = credential["credentialStatus"]["statusListCredential"]
    policy = TrustPolicy((await trusted(coop, browser),))

    def verify(lists: dict[str, RevocationList]) -> Published:
        return verify_published(credential, policy=policy, at=coop.now, lists=lists)

    for lists in await both_forms(coop, browser, uri):
        assert verify(lists).status is StatusCheck.CURRENT
    refused("status_list_needed", verify, {})
    with coop.parts.database.write() as session:
        end_artist(Store(session), number, now=coop.now)
    publish(coop.parts, now=coop.now, at_once=True)
    for lists in await both_forms(coop, browser, uri):
        refused("credential_revoked", verify, lists)


async def test_who_asks_for_a_credential_gets_one_and_everybody_else_the_token(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    publish(coop.parts, now=coop.now)
    uri = (await browser.get("/statuslists")).json()["status_lists"][0]
    tags: dict[str, set[str]] = {MEDIA_TYPE: set(), "application/vc": set()}
    for accept, media_type in (
        ("*/*", MEDIA_TYPE),
        (MEDIA_TYPE, MEDIA_TYPE),
        (f"{MEDIA_TYPE}, application/vc", MEDIA_TYPE),
        ("application/vc", "application/vc"),
        ("application/ld+json, application/json", "application/vc"),
    ):
        answer = await browser.get(uri, headers={"Accept": accept})
        assert answer.headers["content-type"] == media_type, accept
        assert "Accept" in answer.headers["vary"]
        tags[media_type].add(answer.headers["etag"])
        again = await browser.get(uri, headers={"Accept": accept, "If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert [len(each) for each in tags.values()] == [1, 1]
    coop.wait(hours=13)
    later = await browser.get(uri, headers=CREDENTIAL)
    assert later.json()["id"] == uri
    assert later.headers["etag"] not in tags["application/vc"]


async def test_there_is_no_credential_for_a_list_that_is_not_there(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/statuslists/unknown", headers=CREDENTIAL)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_status_list")

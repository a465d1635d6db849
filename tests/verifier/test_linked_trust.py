"""The keys of linked credentials: read from the document of a DID, compared by a person, kept with the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from credentials.bbs import BbsPublicKey, BbsSecretKey
from credentials.dids import build_did_document, fingerprint_keys, multikey_url
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from handstamp.commands import verifier_trust
from plumbing.dids import build_resolver
from tests.verifier.conftest import Coop
from tests.verifier.trusting import LABEL, LABEL_DID, Web, a_list, answer, follow, refresh, run, trust_did
from verifier.service.distrust_issuer import distrust_issuer
from verifier.service.refresh_trust import Refreshed
from verifier.service.trust_issuer import ask_issuer, ask_linked_keys, trust_anchor, trust_keys

if TYPE_CHECKING:
    from pathlib import Path

    from credentials.trust import TrustedIssuer
    from tests.verifier.conftest import Site
    from verifier.gates import Gate

BBS = BbsSecretKey.generate().public_key
ED25519 = LocalSigner.generate(KeyKind.ED25519).public_key


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def label(site: Site) -> Coop:
    signer, chain = site.authority.certify("label.localhost")
    return Coop(signer=signer, x5c=chain.x5c(), clock=site.clock, url=LABEL)


def publish_linked(web: Web, label: Coop, *bbs_keys: BbsPublicKey) -> None:
    """Let a co-op state its keys at its address, and those of its linked credentials in the document of its DID."""
    key = label.signer.public_key
    statement = {"issuer": LABEL, "jwks": {"keys": [{**key.jwk, "kid": "1"}]}}
    web.pages[f"{LABEL}/.well-known/jwt-vc-issuer"] = json.dumps(statement).encode()
    document = build_did_document(LABEL_DID, [key], multikeys=[ED25519, *bbs_keys])
    web.pages[f"{LABEL}/.well-known/did.json"] = json.dumps(document).encode()


async def trust_address(site: Site, web: Web) -> TrustedIssuer:
    resolver = build_resolver(web.fetcher(), clock=site.clock)
    statement = await ask_issuer(LABEL, fetcher=web.fetcher(), resolver=resolver)
    return trust_keys(site.parts.work, statement, name=None, party=site.parts.party, now=site.clock())


def known_of(site: Site, did: str = LABEL_DID) -> TrustedIssuer:
    with site.parts.work.read() as stores:
        return stores.load_policy("main").issuer_for(did)


async def test_a_co_op_trusted_by_its_address_is_known_by_the_bbs_keys_of_its_did_too(
    site: Site, web: Web, gate: Gate, label: Coop
) -> None:
    publish_linked(web, label, BBS)
    assert (await trust_address(site, web)).issuer == LABEL
    known = known_of(site)
    assert known.bbs_keys == {multikey_url(LABEL_DID, BBS): BBS}
    assert known.public_keys[multikey_url(LABEL_DID, ED25519)] == ED25519
    assert await answer(site, gate, label) == "taken"


async def test_keys_that_a_person_compared_stand_whatever_the_document_says_later(
    site: Site, web: Web, label: Coop
) -> None:
    publish_linked(web, label, BBS)
    before = await trust_address(site, web)
    publish_linked(web, label, BbsSecretKey.generate().public_key)
    site.clock.pass_time(minutes=10)
    assert await refresh(site, web) == ()
    assert known_of(site).bbs_keys == before.bbs_keys


async def test_a_bbs_key_that_is_struck_out_of_the_document_is_forgotten(site: Site, web: Web, label: Coop) -> None:
    publish_linked(web, label, BBS)
    known = await trust_did(site, web, LABEL_DID)
    assert known_of(site).bbs_keys == known.bbs_keys == {multikey_url(LABEL_DID, BBS): BBS}
    other = BbsSecretKey.generate().public_key
    publish_linked(web, label, other)
    assert await refresh(site, web) == (Refreshed(name=LABEL_DID),)
    assert list(known_of(site).bbs_keys.values()) == [other]


async def test_an_authority_vouches_for_no_bbs_key_so_those_are_pinned(site: Site, web: Web, label: Coop) -> None:
    publish_linked(web, label, BBS)
    resolver = build_resolver(web.fetcher(), clock=site.clock)
    linked = await ask_linked_keys(LABEL, resolver=resolver)
    assert linked is not None
    assert linked.fingerprint == fingerprint_keys([label.signer.public_key, ED25519, BBS])
    pinned = {"name": None, "party": site.parts.party, "now": site.clock(), "linked": linked}
    trust_anchor(site.parts.work, LABEL, site.authority.pem, **pinned)
    assert known_of(site).bbs_keys == linked.bbs_keys
    assert await refresh(site, web) == ()


@pytest.mark.parametrize("url", [LABEL, "https://[::1]:8701"])
async def test_a_co_op_without_linked_credentials_is_trusted_without(
    site: Site, web: Web, label: Coop, url: str
) -> None:
    web.publish_did(label.signer)
    assert await ask_linked_keys(url, resolver=build_resolver(web.fetcher(), clock=site.clock)) is None


async def test_distrust_forgets_the_bbs_keys_too(site: Site, web: Web, label: Coop) -> None:
    publish_linked(web, label, BBS)
    web.publish_list(a_list(site, label))
    await trust_address(site, web)
    await follow(site, web)
    distrust_issuer(site.parts.work, LABEL, party=site.parts.party, now=site.clock())
    with site.parts.work.read() as stores:
        (struck_out,) = [each for each in stores.load_stated("main") if each.issuer == LABEL]
    assert not struck_out.bbs_keys


@pytest.fixture
def home(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(verifier_trust, "HttpFetcher", lambda _: web.fetcher())
    return tmp_path


def test_the_command_shows_one_fingerprint_of_all_keys_of_linked_credentials(
    home: Path, site: Site, web: Web, label: Coop
) -> None:
    publish_linked(web, label, BBS)
    together = fingerprint_keys([label.signer.public_key, ED25519, BBS])
    (home / "ca.pem").write_bytes(site.authority.pem)
    with_authority = ("trust", LABEL, "--anchor", str(home / "ca.pem"))
    declined = run(*with_authority, answer="n\n")
    assert declined.exit_code == 1
    assert together in declined.output
    assert "No co-op yet" in run("trusted").output
    for arguments in (with_authority, ("trust", LABEL)):
        assert together in run(*arguments, answer="y\n").output
        assert f"keys of linked credentials, together {together}" in run("trusted").output

"""What is kept, how it came to be, and who is trusted."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from starlette.responses import Response

from credentials.errors import HandstampError, OperatorError
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vp import parse_request_link
from plumbing.migrations import downgrade, upgrade
from tests.support.waiting import until
from tests.verifier.conftest import COOP, PAGE, Coop, Site
from verifier import errors
from verifier.api import STATUSES
from verifier.evidence import Evidence
from verifier.places import MIGRATIONS
from verifier.service.build_request import build_request
from verifier.service.trust_issuer import ask_issuer, trust_anchor, trust_keys
from verifier.store import SqlWork
from verifier.tables import Base

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

    from verifier.gates import Gate


def test_the_migrations_make_exactly_the_tables_of_the_code(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/fresh.sqlite"
    upgrade(url, MIGRATIONS)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "verifier_version"})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()
    downgrade(url, MIGRATIONS, "base")
    upgrade(url, MIGRATIONS)


def test_every_table_says_whose_site_a_row_is() -> None:
    assert all("site" in table.columns for table in Base.metadata.tables.values())


async def test_a_gate_of_another_site_on_the_same_database_is_not_there(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    other = SqlWork(site.database, site="next-door")
    with other.read() as stores:
        assert stores.load_gate(gate.gate_id) is None
        assert stores.load_cover(gate.gate_id) is None
    request_id = parse_request_link(visitor.links["same_device"]).request_uri.rpartition("/")[2]
    with pytest.raises(errors.NoSuchGate):
        build_request(other, request_id, asking=site.parts.asking(site.clock()), now=site.clock())


def test_every_refusal_has_a_status_and_a_code_of_its_own() -> None:
    own = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == "verifier.errors"]
    assert {kind for kind in own if kind not in STATUSES} == set()
    assert len({kind.code for kind in own}) == len(own)
    assert all(STATUSES[kind] >= 500 for kind in own if issubclass(kind, OperatorError))


def test_evidence_cannot_be_made_by_hand() -> None:
    with pytest.raises(TypeError):
        Evidence(object(), met="release")


def publish(trackserver: FastAPI, body: object, status: int = 200) -> None:
    """Answer as a co-op would; the site's fetcher reaches the same application under every name."""

    @trackserver.get("/.well-known/jwt-vc-issuer")
    async def keys() -> Response:
        return Response(json.dumps(body), status_code=status, media_type="application/json")


async def test_pinned_keys_open_a_gate_to_what_they_signed_and_to_nothing_else(
    site: Site, trackserver: FastAPI, gate: Gate
) -> None:
    own, chain = site.authority.certify("label.localhost")
    label = Coop(signer=own, x5c=chain.x5c(), clock=site.clock, url="http://label.localhost:8705")
    publish(trackserver, {"issuer": label.url, "jwks": {"keys": [{**own.public_key.jwk, "kid": "one"}]}})
    statement = await ask_issuer(label.url, fetcher=site.parts.fetcher)
    assert [key.thumbprint for key in statement.keys.values()] == [own.public_key.thumbprint]
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    refused = await visitor.send(request, visitor.answer(request, credential=label.issue(visitor.holder)))
    assert refused.json()["code"] == "untrusted_issuer"
    trusted = trust_keys(site.parts.work, statement, name="A label", party=site.parts.party, now=site.clock())
    assert trusted.name == "A label"
    thief = Coop(signer=LocalSigner.generate(), x5c=chain.x5c(), clock=site.clock, url=label.url)
    refused = await visitor.send(request, visitor.answer(request, credential=thief.issue(visitor.holder)))
    assert refused.json()["code"] == "bad_signature"
    taken = await visitor.send(request, visitor.answer(request, credential=label.issue(visitor.holder)))
    assert taken.status_code == 200


async def test_trusting_again_replaces_what_was_known(site: Site, trackserver: FastAPI) -> None:
    key = LocalSigner.generate().public_key
    publish(trackserver, {"issuer": COOP, "jwks_uri": f"{COOP}/keys"})

    @trackserver.get("/keys")
    async def keys() -> Response:
        return Response(json.dumps({"keys": [key.jwk]}))

    statement = await ask_issuer(COOP, fetcher=site.parts.fetcher)
    trust_keys(site.parts.work, statement, name=None, party=site.parts.party, now=site.clock())
    with site.parts.work.read() as stores:
        policy = stores.load_policy("main")
        assert stores.load_policy("another-site").issuers == ()
    assert len(policy.issuers) == 1
    known = policy.issuer_for(COOP)
    assert (known.name, known.keys, known.anchors) == ("coop.localhost", {key.thumbprint}, ())
    trust_anchor(site.parts.work, COOP, site.authority.pem, name="Back", party=site.parts.party, now=site.clock())
    with site.parts.work.read() as stores:
        assert stores.load_policy("main").issuer_for(COOP).anchors == (site.authority.pem,)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"issuer": "http://other.localhost", "jwks": {"keys": []}}, 200, "untrustworthy_issuer"),
        ({"issuer": COOP, "jwks": {"keys": []}}, 200, "malformed"),
        ({"issuer": COOP}, 200, "malformed"),
        ({"issuer": COOP, "jwks_uri": "http://public.example/keys"}, 200, "malformed"),
        ({"issuer": COOP, "jwks": {"keys": [{"kty": "RSA"}]}}, 200, "malformed"),
        ({}, 404, "untrustworthy_issuer"),
    ],
)
async def test_a_statement_that_cannot_be_trusted_is_refused(
    site: Site, trackserver: FastAPI, body: object, status: int, code: str
) -> None:
    publish(trackserver, body, status)
    with pytest.raises(HandstampError) as refused:
        await ask_issuer(COOP, fetcher=site.parts.fetcher)
    assert refused.value.code == code


def test_an_authority_that_is_no_certificate_is_refused(site: Site) -> None:
    with pytest.raises(errors.UntrustworthyIssuer):
        trust_anchor(site.parts.work, COOP, b"hello", name=None, party=site.parts.party, now=site.clock())


async def test_the_service_sweeps_by_itself_and_closes_what_it_opened(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    site.clock.pass_time(minutes=6)
    assert (await visitor.http.get(visitor.visit, headers=PAGE)).status_code == 410

    def is_swept() -> bool:
        with site.parts.work.read() as stores:
            return stores.load_visit(visitor.visit.rpartition("/")[2]) is None

    assert not is_swept()
    async with site.app.router.lifespan_context(site.app):
        await until(is_swept)

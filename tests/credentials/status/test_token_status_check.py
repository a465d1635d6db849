"""A credential and its Token Status List: when the list is asked for, and what it must be to count."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from credentials.sd_jwt import build_sd_jwt_vc
from credentials.shape import check_shape
from credentials.status import (
    INVALID,
    SUSPENDED,
    PackedStatuses,
    StatusCheck,
    StatusReference,
)
from credentials.status.errors import StatusListNeeded
from credentials.status.reference import check_own_host
from credentials.status.token import parse_aggregation
from credentials.trust import TrustedIssuer
from tests.credentials.status.lists import OTHER, URI, check, make
from tests.support.refusing import refused

if TYPE_CHECKING:
    from tests.credentials.conftest import World


def entry(index: int, uri: str = URI) -> StatusReference:
    return StatusReference(uri=uri, index=index)


@pytest.mark.parametrize(
    ("uri", "issuer"),
    [
        ("http://coop.localhost:8701/statuslists/1", "did:web:coop.localhost%3A8701"),
        ("https://coop.example/statuslists/1", "did:web:coop.example:branch"),
        ("https://coop.example:443/statuslists/1", "https://coop.example/branch"),
    ],
)
def test_a_list_at_the_issuers_own_host_may_be_asked_for(uri: str, issuer: str) -> None:
    check_own_host(uri, issuer=issuer)


@pytest.mark.parametrize(
    ("uri", "issuer"),
    [
        ("https://coop.example.evil/1", "https://coop.example"),
        ("https://coop.example:8443/1", "https://coop.example"),
        ("http://coop.localhost/1", "https://coop.localhost"),
        ("https://coop.example@evil.example/1", "https://coop.example"),
        ("https://coop.example/1", "did:web:other.example"),
        ("https://coop.example/1", "did:key:z6Mk"),
        ("https://coop.example/1", "did:web:"),
        ("https://coop.example/1", "did:web:a%2Fb"),
    ],
)
def test_a_list_elsewhere_is_never_asked_for(uri: str, issuer: str) -> None:
    refused("status_elsewhere", check_own_host, uri, issuer=issuer)


def test_the_list_of_lists_leaves_out_what_is_not_the_issuers_own() -> None:
    body = json.dumps({"status_lists": [URI, "https://elsewhere.example/1", "nonsense"]}).encode()
    assert parse_aggregation(body, issuer="http://coop.localhost:8701", max_lists=10) == (URI,)
    assert parse_aggregation(b'{"status_lists":[]}', issuer="http://coop.localhost:8701", max_lists=10) == ()
    for wrong in (b"[]", b"{}", b'{"status_lists":"x"}', json.dumps({"status_lists": [URI, OTHER]}).encode()):
        refused("malformed", parse_aggregation, wrong, issuer="http://coop.localhost:8701", max_lists=1)


# A credential and its list, through the pipeline.


@pytest.mark.parametrize(
    ("status", "code"), [(INVALID, "credential_revoked"), (SUSPENDED, "credential_suspended"), (3, "unknown_status")]
)
def test_what_was_taken_back_opens_nothing(world: World, status: int, code: str) -> None:
    listed = PackedStatuses.all_valid(1024, bits=2).replaced({7: status})
    lists = {URI: check(world, make(world, listed))}
    good, bad = (world.present(world.issue(status=entry(index))) for index in (6, 7))
    assert world.verify(good, statuses=lists).status is StatusCheck.CURRENT
    refused(code, world.verify, bad, statuses=lists)


def test_a_credential_without_a_status_needs_no_list(world: World) -> None:
    assert world.verify(world.present(world.issue())).status is StatusCheck.NONE


def test_the_list_is_asked_for_last_and_by_its_very_address(world: World) -> None:
    presentation = world.present(world.issue(status=entry(3)))
    for lists in (None, {}, {OTHER: check(world, make(world))}):
        refusal = refused("status_list_needed", world.verify, presentation, statuses=lists)
        assert isinstance(refusal, StatusListNeeded)
        assert (refusal.uri, refusal.issuer) == (URI, world.issuer_url)
    # Who does not hold the credential's key, or answers another request, makes nobody fetch anything.
    refused("wrong_nonce", world.verify, presentation, nonce="another")


def test_a_list_under_a_wrong_address_or_of_another_issuer_says_nothing(world: World) -> None:
    presentation = world.present(world.issue(status=entry(3)))
    elsewhere = check(world, make(world, uri=OTHER), uri=OTHER)
    refused("wrong_status_list", world.verify, presentation, statuses={URI: elsewhere})
    twin = TrustedIssuer(
        issuer=f"{world.issuer_url}/twin", name="x", keys=frozenset({world.issuer.public_key.thumbprint})
    )
    refused("wrong_status_list", world.verify, presentation, statuses={URI: check(world, make(world), issuer=twin)})


def test_an_index_beyond_the_list_is_refused_at_the_gate(world: World) -> None:
    lists = {URI: check(world, make(world))}
    refused("status_out_of_range", world.verify, world.present(world.issue(status=entry(1024))), statuses=lists)


def test_a_list_that_expired_since_it_was_checked_is_not_relied_on(world: World) -> None:
    kept = check(world, make(world, expires_at=world.now_s + 10))
    later = world.now + timedelta(seconds=11)
    refused("expired", world.verify, world.present(world.issue(status=entry(1))), statuses={URI: kept}, at=later)


def test_a_stale_list_is_asked_for_again_unless_the_gate_admits(world: World) -> None:
    fetched = world.now - timedelta(seconds=301)
    listed = PackedStatuses.all_valid(1024).replaced({7: INVALID})
    lists = {URI: check(world, make(world, listed, issued_at=int(fetched.timestamp())), fetched_at=fetched)}
    good, bad = (world.present(world.issue(status=entry(index))) for index in (6, 7))
    refused("status_list_needed", world.verify, good, statuses=lists)
    admitting: dict[str, Any] = {"lenient": {URI}}
    assert world.verify(good, statuses=lists, **admitting).status is StatusCheck.STALE
    assert world.verify(good, **admitting).status is StatusCheck.UNKNOWN
    refused("credential_revoked", world.verify, bad, statuses=lists, **admitting)
    refused("status_list_needed", world.verify, good, lenient={OTHER})


def test_a_credential_with_a_status_has_the_shape_of_its_kind(world: World) -> None:
    from credentials.sd_jwt import parse_sd_jwt  # noqa: PLC0415

    issued = parse_sd_jwt(
        build_sd_jwt_vc(
            vct=world.vct,
            issuer=world.issuer_url,
            holder_key=world.holder.public_key,
            issued_at=world.month_s,
            disclosable=dict(world.claims),
            digest_count=12,
            signer=world.issuer,
            x5c=world.x5c,
            random=secrets.token_bytes,
            status=entry(5),
        )
    )
    assert StatusReference.parse(issued.claims["status"], issuer=world.issuer_url) == entry(5)
    check_shape(
        issued,
        issuer_key=world.issuer.public_key.thumbprint,
        at=world.now,
        digest_count=12,
        claim_names=frozenset(world.claims),
        clock_skew_s=0,
        has_status=True,
    )

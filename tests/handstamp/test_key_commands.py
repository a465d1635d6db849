"""`handstamp issuer keys` and `handstamp verifier keys`: what they do to keys, and what they say of it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from typer.testing import CliRunner

from credentials.dids import Relation, fingerprint_keys, parse_did_document
from credentials.encoding import strict_json
from credentials.trust import TrustedIssuer
from handstamp.commands import issuer_keys as issuer_commands
from handstamp.commands import verifier_keys as verifier_commands
from handstamp.commands.key_list import CertificateOfAnotherHost
from handstamp.composition.issuer import FORM_KEYS, build_identity, issuer_keys
from handstamp.composition.verifier import GRANT_KEY, compose_verifier
from handstamp.composition.verifier_service import find_site_keys
from handstamp.settings import load_settings
from plumbing.key_turning import NothingToStart
from plumbing.web.csrf import ForgedForm, FormGuard
from schemas import ALL, RELEASE_OWNERSHIP

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
AUTHORITY = trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let commands find an empty folder, at a moment that stands still."""
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    for module in (issuer_commands, verifier_commands):
        monkeypatch.setattr(module, "system_clock", lambda: NOW)
    return tmp_path


def run(app: Any, *typed: str, answer: str = "") -> str:
    done = CliRunner().invoke(app, typed, input=answer, terminal_width=200)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def certify(folder: Path, host: str, days: int = 365) -> tuple[str, ...]:
    leaf = AUTHORITY.issue_cert(host, key_type=trustme.KeyType.ECDSA, not_after=NOW + timedelta(days=days))
    (folder / "key.pem").write_bytes(leaf.private_key_pem.bytes())
    (folder / "chain.pem").write_bytes(b"".join(part.bytes() for part in leaf.cert_chain_pems))
    return ("--key", str(folder / "key.pem"), "--chain", str(folder / "chain.pem"))


def coop(*typed: str, answer: str = "") -> str:
    return run(issuer_commands.app, *typed, answer=answer)


def site(*typed: str) -> str:
    return run(verifier_commands.app, *typed)


def thumbprint(at: datetime) -> str:
    return build_identity(load_settings(), at=at).signer.public_key.thumbprint


def test_a_second_certificate_is_used_in_two_hours_and_both_are_stated_from_now_on(here: Path) -> None:
    coop("import", *certify(here, "coop.localhost"))
    said = coop("import", *certify(here, "coop.localhost"))
    assert "used from 21 November 2026, 10:00 UTC" in said
    assert thumbprint(NOW) != thumbprint(NOW + timedelta(hours=2))
    stated: Any = build_identity(load_settings(), at=NOW).jwt_vc_issuer()
    assert [len(each["x5c"]) for each in stated["jwks"]["keys"]] == [1, 1]


@pytest.mark.parametrize(("days", "extra"), [(0, ()), (365, ("--at-once",)), (365, ("--stolen",))])
def test_it_is_used_at_once_if_the_old_one_has_ended_or_somebody_says_so(
    here: Path, days: int, extra: tuple[str, ...]
) -> None:
    coop("import", *certify(here, "coop.localhost", days=days))
    old = thumbprint(NOW)
    assert "used from" not in coop("import", *certify(here, "coop.localhost"), *extra)
    assert thumbprint(NOW) != old
    told = build_identity(load_settings(), at=NOW).others
    assert [each.key.thumbprint for each in told] == ([] if extra == ("--stolen",) else [old])


def test_what_it_costs_is_said_of_a_new_key_that_nobody_was_told_of(here: Path) -> None:
    first = certify(here, "coop.localhost")
    assert "Nobody was told" not in coop("import", *first, "--at-once")
    assert "Nobody was told" not in coop("import", *first, "--at-once")
    assert "Nobody was told" not in coop("import", *certify(here, "coop.localhost"))
    assert "Nobody was told" in coop("import", *certify(here, "coop.localhost"), "--at-once")


def test_keys_of_proofs_turn_with_the_month_and_the_document_lists_the_one_in_use_first(here: Path) -> None:
    coop("import", *certify(here, "coop.localhost"))
    assert "used from 01 December 2026" in coop("rotate", "proofs")
    assert "Nothing to do" in coop("rotate", "proofs")
    settings = load_settings()
    before, after = (build_identity(settings, at=at) for at in (DECEMBER - timedelta(seconds=1), DECEMBER))
    for identity in (before, after):
        document = parse_did_document(strict_json.dump(identity.did_document()), did=identity.did)
        listed = document.bbs_keys_for(Relation.ASSERTION)
        assert len(listed) == 2 * len(ALL)
        named = [url for url in listed if f"#{RELEASE_OWNERSHIP.configuration_id}." in url]
        assert named[0] == identity.linked.method_of(RELEASE_OWNERSHIP, identity.did)
        every = [*listed.values(), *document.keys_for(Relation.ASSERTION).values()]
        assert identity.fingerprint == fingerprint_keys(every)
    assert before.linked.of(RELEASE_OWNERSHIP).public_key != after.linked.of(RELEASE_OWNERSHIP).public_key
    shown, listed = before.linked.method_of(RELEASE_OWNERSHIP, before.did), after.did_document()
    document = parse_did_document(strict_json.dump(listed), did=after.did)
    site = TrustedIssuer(issuer=after.url, name="", did=after.did, bbs_keys=document.bbs_keys_for(Relation.ASSERTION))
    key = site.find_bbs_key(shown, type_name=RELEASE_OWNERSHIP.configuration_id, at=DECEMBER)
    assert key == before.linked.of(RELEASE_OWNERSHIP).public_key  # a proof of November still opens a gate
    over = build_identity(settings, at=DECEMBER + timedelta(days=10))
    assert over.linked.other_bbs == ()


def test_stolen_keys_of_proofs_say_what_they_cost_before_they_go(here: Path) -> None:
    coop("import", *certify(here, "coop.localhost"))
    first = build_identity(load_settings(), at=NOW).linked
    said = coop("rotate", "proofs", "--stolen", answer="n\n")
    assert "Wallets take nothing under the new keys before the next month" in said
    assert build_identity(load_settings(), at=NOW).linked.bbs.keys() == first.bbs.keys()
    assert "the old ones are gone" in coop("rotate", "proofs", "--stolen", "--yes")
    now = build_identity(load_settings(), at=NOW).linked
    assert now.of(RELEASE_OWNERSHIP).public_key != first.of(RELEASE_OWNERSHIP).public_key
    assert now.other_bbs == ()


def test_the_key_of_publications_turns_and_what_was_published_stays_good() -> None:
    old = build_identity(load_settings(), at=NOW).linked.signer.public_key
    assert "told to others" in coop("rotate", "publications")
    assert "Nothing to do" in coop("rotate", "publications")
    later = build_identity(load_settings(), at=NOW + timedelta(hours=2)).linked
    assert later.signer.public_key != old
    assert later.other_signers == (old,)
    assert "must be made and published again" in coop("rotate", "publications", "--stolen", "--yes")
    assert build_identity(load_settings(), at=NOW).linked.other_signers == ()


def test_a_form_of_before_is_taken_for_a_day() -> None:
    keys = issuer_keys(load_settings())
    field = FormGuard(keys.secret("forms")).field_value("session")
    assert "go on for a day" in coop("rotate", "secrets")
    guard = FormGuard(b"", turning=lambda: keys.secrets("forms", at=NOW))
    guard.check("session", field)
    assert guard.field_value("session") != field
    assert "worth nothing any more" in coop("rotate", "secrets", "--stolen")
    with pytest.raises(ForgedForm):
        guard.check("session", field)


def test_a_certificate_of_another_host_is_refused_before_it_takes_the_place_of_a_good_one(here: Path) -> None:
    coop("import", *certify(here, "coop.localhost"))
    before = coop("list")
    for run_it, host in ((coop, "coop.localhost"), (site, "artist.localhost")):
        with pytest.raises(CertificateOfAnotherHost, match=f"for elsewhere.localhost and not for {host}"):
            run_it("import", *certify(here, "elsewhere.localhost"))
    assert coop("list") == before


def test_the_list_says_how_each_key_stands(here: Path) -> None:
    assert coop("list").startswith("Not there yet (made when the service first starts): records and status lists; ")
    assert json.loads(coop("list", "--json")) == []
    coop("import", *certify(here, "coop.localhost"))
    build_identity(load_settings(), at=NOW)  # as a start does
    issuer_keys(load_settings()).secret(FORM_KEYS)
    only = coop("list")
    assert re.search(rf"^ records and status lists +{re.escape(thumbprint(NOW))} +in use *$", only, re.MULTILINE)
    assert len(re.findall(r"^ proofs, \w+\S* +\S+…\S+ +in use *$", only, re.MULTILINE)) == len(ALL)
    assert "Not there yet (made when the service first starts): codes of offers." in only
    assert re.search(r"^ forms +a secret +in use *$", only, re.MULTILINE)
    coop("import", *certify(here, "coop.localhost"))
    coop("rotate", "secrets")
    said = coop("list")
    for words in ("in use", "used from 21 November 2026, 10:00 UTC", "a secret", "still taken until"):
        assert words in said
    listed = json.loads(coop("list", "--json"))
    assert next(each["standing"] for each in listed if each["name"] == "issuer") == "in use"
    assert coop("show").strip() == thumbprint(NOW)
    assert coop("show", "--linked").strip() == build_identity(load_settings(), at=NOW).fingerprint


def test_the_key_of_grants_is_told_then_used_and_the_old_one_told_a_little_longer(here: Path) -> None:
    tools = compose_verifier(load_settings())
    old = tools.keys.signer(GRANT_KEY).public_key
    with pytest.raises(NothingToStart):
        site("use")
    told = site("rotate", "grants")
    assert "tracks allow http://artist.localhost:8703 --again" in told
    assert "Nothing to do" in site("rotate", "grants")
    assert site("show").split()[0] == old.thumbprint
    (coming,) = tools.coming_grant_keys(NOW)
    assert site("show").split()[1] == coming.thumbprint
    assert f"with the fingerprint {coming.thumbprint}\n" in told
    assert "waits for `keys use`" in site("list")
    assert "15 more minutes" in site("use")
    site("import", *certify(here, "artist.localhost"))
    keys = find_site_keys(tools, at=NOW)
    assert (keys.grant.public_key, keys.other_grants) == (coming, (old,))
    assert find_site_keys(tools, at=NOW + timedelta(minutes=15)).other_grants == ()
    assert "No download opens before each trackserver" in site("rotate", "grants", "--stolen")
    assert "new secret" in site("rotate", "secrets")


def test_a_site_that_is_known_by_its_did_tells_a_new_key_first(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSTAMP_VERIFIER__CLIENT_ID_PREFIX", "decentralized_identifier")
    site("import", *certify(here, "artist.localhost"))
    assert "used from 21 November 2026, 10:00" in site("import", *certify(here, "artist.localhost"))
    keys = find_site_keys(compose_verifier(load_settings()), at=NOW)
    assert len(keys.other_requests) == 1
    site("import", *certify(here, "artist.localhost"), "--at-once")
    later = find_site_keys(compose_verifier(load_settings()), at=NOW)
    assert keys.request is not None
    assert keys.request.signer.public_key in later.other_requests

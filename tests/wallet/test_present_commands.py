"""The commands that show something: in a listener's words, and only what the listener said."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from credentials.dids.document import build_did_document, key_url
from credentials.protocols.handshake import Handshake
from credentials.protocols.openid4vp import build_did_client_id
from handstamp.commands import wallet as commands
from handstamp.commands.wallet_views import print_receipts
from handstamp.composition import wallet as composition
from tests.support.hostile_issuer import HostileIssuer
from tests.support.hostile_site import HOST, SITE, TERMS, HostileSite
from tests.support.outside import NOW, Authority, Outside, says
from wallet.receipts import Receipt, Shown
from wallet.refused import QuestionAnswered, QuestionRefused, UncertifiedSite
from wallet.sealed import Cost

Run = Callable[..., Result]
DID = "did:web:artist.localhost%3A8703"
CODE = f"{SITE}/codes/{'c' * 22}"


@pytest.fixture
def site(outside: Outside, authority: Authority) -> HostileSite:
    return HostileSite.open(outside, authority)


@pytest.fixture
def run(
    outside: Outside, authority: Authority, issuer: HostileIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Type a command into a wallet that holds one EP."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDSTAMP_WALLET__FILE", str(tmp_path / "w" / "wallet.handstamp"))
    monkeypatch.setattr(composition, "open_web", outside.web)
    monkeypatch.setattr(composition, "system_clock", lambda: NOW)
    cheap = Cost(memory_kib=64, iterations=1, lanes=1)
    monkeypatch.setattr(commands, "create_wallet", partial(composition.create_wallet, cost=cheap))
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text("four words are easy")
    (tmp_path / "ca.pem").write_bytes(authority.pem)

    def type_command(*arguments: str, answer: str = "") -> Result:
        typed = [*arguments, "--passphrase-file", str(secret)]
        return CliRunner().invoke(commands.app, typed, input=answer, terminal_width=200)

    done(type_command("create"))
    done(type_command("trust", "add", "ca.pem", "--name", "The union"))
    done(type_command("receive", issuer.link(), "--code", "123456"))
    return type_command


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return str(result.output)


def test_history_says_whom_what_was_shown_and_under_which_terms(run: Run, site: HostileSite) -> None:
    assert "You have shown nothing to anybody." in done(run("history"))
    done(run("answer", site.link(), "--yes"))
    said = done(run("history"))
    for part in (f"at {HOST}", "they learned that you own", f"you agreed: {TERMS}"):
        assert part in said
    assert said == done(run("history", HOST.upper()))
    assert "You have shown nothing to shop.example." in done(run("history", "shop.example"))


def test_history_repeats_the_sentence_that_was_agreed_to_and_reads_any_foreign_claim(
    capsys: pytest.CaptureFixture[str],
) -> None:
    card = Shown(
        copy_id="f",
        title="“Card”",
        claims={"acquired": "long ago"},
        statement="that “Card” from library.example is yours",
        foreign=True,
    )
    print_receipts([Receipt(id="r", at=NOW, site=HOST, terms=None, salt=None, nonce="n", shown=(card,), bindings=())])
    assert "they learned that “Card” from library.example is yours; acquired: long ago" in capsys.readouterr().out


def test_history_for_programs_proves_the_terms(run: Run, site: HostileSite) -> None:
    done(run("answer", site.link(), "--yes"))
    (receipt,) = json.loads(done(run("history", "--json")))
    assert site.answers[0].vp_token["record"][0].endswith(receipt["bindings"][0])
    shaken = Handshake.parse({"text": receipt["terms"], "language": "en", "salt": receipt["salt"]})
    assert shaken.nonce == receipt["nonce"]
    assert json.loads(done(run("history", "shop.example", "--json"))) == []


def test_the_code_of_a_gate_with_a_limit_is_shown_with_the_warning_that_belongs_to_it(
    run: Run, site: HostileSite
) -> None:
    site.routes.answers["POST /responses/r"] = says({"redirect_uri": CODE})
    site.routes.answers[f"GET /codes/{'c' * 22}"] = says({"code": "482193"})
    said = done(run("answer", site.link(), "--yes"))
    assert "482 193" in said
    assert "only into a page that you opened yourself" in said


def test_a_site_without_an_authority_is_answered_only_when_the_listener_says_so(run: Run, site: HostileSite) -> None:
    site.routes.answers["GET /.well-known/did.json"] = says(build_did_document(DID, [site.signer.public_key]))
    site.client_id, site.kid = build_did_client_id(DID), key_url(DID, site.signer.public_key)
    assert isinstance(run("answer", site.link(), "--yes").exception, UncertifiedSite)
    said = done(run("answer", site.link(), "--uncertified", answer="y\n"))
    assert "no authority vouches for this name" in said
    assert "No authority vouches for artist.localhost" in said
    for word in ("did:", "credential", "prefix", "token", "JSON"):
        assert word not in said


def test_a_question_that_was_answered_is_not_answered_again_and_says_when(run: Run, site: HostileSite) -> None:
    request = site.request()
    site.routes.answers["GET /requests/r"] = lambda _: site.signed(request)
    done(run("answer", site.link(), "--yes"))
    assert isinstance(run("answer", site.link(), "--yes").exception, QuestionAnswered)


def test_a_link_that_claims_a_signature_and_has_none_is_refused(run: Run, outside: Outside) -> None:
    sent = len(outside.seen)
    refusal = run("answer", f"openid4vp://?client_id=x509_san_dns:{HOST}&nonce=1", "--yes").exception
    assert isinstance(refusal, QuestionRefused)
    assert "nobody signed it" in str(refusal)
    assert len(outside.seen) == sent


def test_terms_that_speak_like_the_wallet_stay_in_a_frame_and_push_nothing_out_of_sight(
    run: Run, site: HostileSite
) -> None:
    spoken = "Be kind.\n\nThey do not learn\n  anything at all\n\nWhat opens: everything" + "\n \n" * 500 + "." * 300
    many = spoken + "\n." * 50
    handshake = Handshake(text=many, language="en", salt=bytes(16))
    site.changes = {"handshake": handshake, "nonce": handshake.nonce}
    said = run("open", f"{SITE}/gates/g", answer="n\n").output.splitlines()
    fakes = [line for line in said if "anything at all" in line or "What opens: everything" in line]
    assert len(fakes) == 2
    assert all(line.startswith("│ │") for line in fakes), fakes
    dots = [line for line in said if "...." in line]
    assert len(dots) > 1  # wrapped lines are inside the frame, too
    assert all(line.startswith("│ │") for line in dots)
    assert len(said) < 120
    end = next(index for index, line in enumerate(said) if line.startswith("│ ╰"))
    assert any(HOST in line for line in said[end:])

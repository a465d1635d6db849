"""Who waits for whom at the endpoints of wallets."""

from credentials.protocols.openid4vci import CodeRequest, CredentialRequest, RefreshRequest, TokenRequest
from issuer.turns import turn_of_copy, turn_of_grant

SECRET = "a-code-that-opens-something"


def test_whoever_shows_one_secret_has_one_turn_and_its_name_does_not_tell_the_secret() -> None:
    asked = (
        TokenRequest(pre_authorized_code=SECRET, tx_code="123456"),
        RefreshRequest(refresh_token=SECRET),
        CodeRequest(code=SECRET, code_verifier="v", redirect_uri="https://wallet.example", client_id="w"),
    )
    turns = [turn_of_grant(each) for each in asked]
    assert turns == [turn_of_grant(each) for each in asked]
    assert len(set(turns)) == 3
    assert not any(SECRET in turn for turn in turns)


def test_all_forms_of_one_copy_have_one_turn() -> None:
    turns = {turn_of_copy(CredentialRequest(credential_identifier=f"copy{form}")) for form in ("", ".bbs", ".door")}
    assert turns == {"copy:copy"}


def test_who_does_not_say_which_copy_is_meant_waits_for_everybody() -> None:
    assert turn_of_copy(CredentialRequest(credential_configuration_id="TrackOwnership")) is None

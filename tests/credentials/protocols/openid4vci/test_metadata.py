from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.protocols.openid4vci import (
    AuthorizationServerMetadata,
    ClaimDescription,
    CredentialConfiguration,
    Display,
    IssuerMetadata,
    NoSuchConfiguration,
    WrongIssuerIdentifier,
    authorization_server_metadata_url,
    issuer_metadata_url,
)
from credentials.protocols.urls import LeadsToLoopback

if TYPE_CHECKING:
    from pathlib import Path

COOP = "http://coop.localhost:8701"
DISPLAY = Display(
    name="Track",
    locale="en",
    description="A copy of one track.",
    background_color="#102030",
    text_color="#ffffff",
    logo_uri=COOP + "/logo.svg",
    logo_alt_text="a stamp",
)
METADATA = IssuerMetadata(
    credential_issuer=COOP,
    credential_endpoint=COOP + "/credential",
    nonce_endpoint=COOP + "/nonce",
    notification_endpoint=COOP + "/notification",
    batch_size=20,
    displays=(Display(name="Demo co-op", locale="en"),),
    configurations=(
        CredentialConfiguration(
            id="TrackOwnershipCredential",
            vct="urn:handstamp:credential:track-ownership:1",
            scope="track",
            displays=(DISPLAY,),
            claims=(
                ClaimDescription(path=("name",), mandatory=True, displays=(Display(name="Title", locale="en"),)),
                ClaimDescription(path=("degrees", None, "type", 0)),
            ),
        ),
        CredentialConfiguration(id="Attested", vct="urn:x", key_attestation_required=True),
        CredentialConfiguration(
            id="Unbound", format="mso_mdoc", binding_methods=(), signing_algorithms=(), proof_algorithms=()
        ),
    ),
)


def parse(document: Any, issuer: str = COOP) -> IssuerMetadata:
    return IssuerMetadata.parse(json.dumps(document).encode(), issuer=issuer)


def test_metadata_is_read_as_it_was_written() -> None:
    assert parse(METADATA.to_json()) == METADATA


def test_a_configuration_is_found_by_its_id() -> None:
    assert METADATA.configuration("TrackOwnershipCredential").vct == "urn:handstamp:credential:track-ownership:1"
    with pytest.raises(NoSuchConfiguration, match="'Other'"):
        METADATA.configuration("Other")


@pytest.mark.parametrize("issuer", [COOP + "/", "HTTP://coop.localhost:8701", "http://coop.localhost:8701/x"])
def test_an_issuer_is_compared_exactly(issuer: str) -> None:
    with pytest.raises(WrongIssuerIdentifier):
        parse(METADATA.to_json(), issuer)
    with pytest.raises(WrongIssuerIdentifier):
        AuthorizationServerMetadata.parse(
            json.dumps({"issuer": COOP, "token_endpoint": COOP + "/token"}).encode(), issuer=issuer
        )


def test_a_public_issuer_does_not_lead_to_this_machine() -> None:
    public = "https://coop.example"
    document = METADATA.to_json() | {"credential_issuer": public, "credential_endpoint": public + "/credential"}
    with pytest.raises(LeadsToLoopback, match="nonce_endpoint"):
        parse(document, public)
    with pytest.raises(LeadsToLoopback, match="authorization_servers"):
        parse(document | {"nonce_endpoint": None, "authorization_servers": [COOP]}, public)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"credential_issuer": None}, "missing"),
        ({"credential_endpoint": None}, "credential_endpoint"),
        ({"credential_endpoint": "http://evil.example/"}, "plain http"),
        ({"nonce_endpoint": 1}, "not a string"),
        ({"batch_credential_issuance": {"batch_size": 1}}, "between"),
        ({"batch_credential_issuance": {}}, "batch_size"),
        ({"authorization_servers": []}, "empty array"),
        ({"display": {}}, "not an array"),
        ({"display": [{"name": "a\x1b[31m"}]}, "control"),
        ({"credential_configurations_supported": None}, "missing"),
        ({"credential_configurations_supported": []}, "not a JSON object"),
        ({"credential_configurations_supported": {"": {"format": "x"}}}, "id of a credential configuration"),
        ({"credential_configurations_supported": {"a": {"format": "dc+sd-jwt"}}}, "vct"),
        ({"credential_configurations_supported": {"a": {}}}, "format"),
        (
            {
                "credential_configurations_supported": {
                    "a": {"format": "x", "credential_metadata": {"claims": [{"path": []}]}}
                }
            },
            "path",
        ),
        (
            {
                "credential_configurations_supported": {
                    "a": {"format": "x", "credential_metadata": {"claims": [{"path": [True]}]}}
                }
            },
            "not an integer",
        ),
        (
            {
                "credential_configurations_supported": {
                    "a": {"format": "x", "credential_signing_alg_values_supported": [[]]}
                }
            },
            "neither a name nor a number",
        ),
    ],
)
def test_wrong_metadata_is_refused_with_its_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse(METADATA.to_json() | change)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.data())
def test_any_change_of_a_member_is_read_or_refused(data: st.DataObject) -> None:
    document = METADATA.to_json()
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(JSON)
    try:
        read = parse(document)
    except HandstampError:
        return
    assert parse(read.to_json()) == read


SERVER = AuthorizationServerMetadata(
    issuer=COOP,
    token_endpoint=COOP + "/token",
    grant_types_supported=("urn:ietf:params:oauth:grant-type:pre-authorized_code",),
    dpop_signing_alg_values_supported=("ES256",),
    token_endpoint_auth_methods_supported=("none",),
    anonymous_pre_authorized=True,
)


def test_an_authorization_servers_metadata_is_read_as_it_was_written() -> None:
    assert AuthorizationServerMetadata.parse(json.dumps(SERVER.to_json()).encode(), issuer=COOP) == SERVER


def test_absent_grant_types_have_the_default_of_rfc_8414() -> None:
    data = json.dumps({"issuer": COOP, "token_endpoint": COOP + "/token"}).encode()
    read = AuthorizationServerMetadata.parse(data, issuer=COOP)
    assert read.grant_types_supported == ("authorization_code", "implicit")
    assert not read.anonymous_pre_authorized


@given(st.data())
def test_any_change_of_a_servers_metadata_is_read_or_refused(data: st.DataObject) -> None:
    document = SERVER.to_json()
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(JSON)
    try:
        AuthorizationServerMetadata.parse(json.dumps(document).encode(), issuer=COOP)
    except HandstampError:
        return


def test_metadata_is_found_at_its_well_known_places() -> None:
    assert issuer_metadata_url("https://a.example/t") == "https://a.example/.well-known/openid-credential-issuer/t"
    assert (
        authorization_server_metadata_url("https://a.example/t")
        == "https://a.example/.well-known/oauth-authorization-server/t"
    )


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_standards_issuer_is_read(vectors_dir: Path, version: str) -> None:
    folder = vectors_dir / "openid4vci" / version / "examples"
    data = (folder / "credential_issuer_metadata_sd_jwt_long.json").read_bytes()
    read = IssuerMetadata.parse(data, issuer="https://credential-issuer.example.com")
    assert read.authorization_servers == ("https://server.example.com",)
    assert read.batch_size == 10
    assert read.encryption_required
    assert [display.locale for display in read.displays] == ["en-US", "fr-FR"]
    configuration = read.configuration("SD_JWT_VC_example_in_OpenID4VCI")
    assert configuration.key_attestation_required
    assert configuration.proof_algorithms == ("ES256",)
    assert ClaimDescription(path=("address", "region")) in configuration.claims


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize(
    ("name", "format_", "algorithms"),
    [
        ("credential_metadata_sd_jwt_vc.json", "dc+sd-jwt", ("ES256",)),
        ("credential_metadata_jwt_vc_json.json", "jwt_vc_json", ("ES256",)),
        ("credential_metadata_ldp_vc.json", "ldp_vc", ("Ed25519Signature2018",)),
        ("credential_metadata_mso_mdoc.json", "mso_mdoc", ()),
    ],
)
def test_the_standards_configurations_are_read(
    vectors_dir: Path, version: str, name: str, format_: str, algorithms: tuple[str, ...]
) -> None:
    document = json.loads((vectors_dir / "openid4vci" / version / "examples" / name).read_text(encoding="utf-8"))
    [(configuration_id, value)] = document["credential_configurations_supported"].items()
    read = CredentialConfiguration.parse(configuration_id, value)
    assert read.format == format_
    assert read.signing_algorithms == algorithms
    assert CredentialConfiguration.parse(configuration_id, read.to_json()) == read

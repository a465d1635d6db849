from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding import base64url, strict_json
from credentials.keys.jws import parse_jws, sign_jws
from credentials.protocols import dpop
from credentials.protocols.oauth import InvalidDpopProof, InvalidToken, OAuthError, UseDpopNonce

if TYPE_CHECKING:
    from credentials.keys.signer import LocalSigner

URL = "http://coop.localhost:8701/token"
JTI = "a-random-identifier"
TOKEN = "an-opaque-token"

# RFC 9449 §4.1, Figure 2 (and 3: its content).
FIGURE_2 = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJq"
    "dGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0Ijox"
    "NTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
# RFC 9449 §7.1, Figures 12 and 13; the thumbprint is that of §6.1, Figure 8.
FIGURE_12 = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJq"
    "dGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNv"
    "dXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRq"
    "zhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
FIGURE_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
FIGURE_THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def build(signer: LocalSigner, now_s: int, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    members = {"jti": JTI, "htm": "POST", "htu": URL, "iat": now_s} | claims
    return sign_jws(
        {"typ": "dpop+jwt", "jwk": signer.public_key.jwk} | (header or {}),
        {name: value for name, value in members.items() if value is not None},
        signer,
    )


def test_the_proof_of_rfc_9449_figure_2_passes() -> None:
    at = datetime.fromtimestamp(1562262616, UTC)
    proof = dpop.check_dpop_proof(FIGURE_2, method="POST", url="https://server.example.com/token", at=at)
    assert proof == dpop.DpopProof(thumbprint=FIGURE_THUMBPRINT, jti="-BwC3ESc6acc2lTc", issued_at=1562262616)


def test_the_proof_of_rfc_9449_figure_12_passes_with_its_token() -> None:
    proof = dpop.check_dpop_proof(
        FIGURE_12,
        method="GET",
        url="https://resource.example.org/protectedresource",
        at=datetime.fromtimestamp(1562262618, UTC),
        access_token=FIGURE_TOKEN,
        bound_to=FIGURE_THUMBPRINT,
    )
    assert proof.jti == "e1j3V_bKic8-LAEB"


def test_the_token_hash_of_rfc_9449_figure_13() -> None:
    assert dpop.hash_access_token(FIGURE_TOKEN) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize("nonce", [None, "a-nonce"])
def test_what_is_built_passes(
    signer: LocalSigner, at: datetime, now_s: int, token: str | None, nonce: str | None
) -> None:
    header = dpop.build_dpop_proof(
        signer=signer, method="GET", url=URL + "?a=b", issued_at=now_s, jti=JTI, access_token=token, nonce=nonce
    )
    proof = dpop.check_dpop_proof(
        header,
        method="GET",
        url=URL + "?c=d",
        at=at,
        access_token=token,
        bound_to=signer.public_key.thumbprint,
        nonce=nonce,
    )
    assert proof == dpop.DpopProof(thumbprint=signer.public_key.thumbprint, jti=JTI, issued_at=now_s)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"jti": None}, "`jti` is missing"),
        ({"jti": "short"}, "`jti`"),
        ({"jti": "x" * 129}, "`jti`"),
        ({"jti": "with a space"}, "`jti`"),
        ({"jti": 12345678}, "not a string"),
        ({"htm": None}, "`htm` is missing"),
        ({"htm": "GET"}, "another method"),
        ({"htm": "post"}, "`htm`"),
        ({"htu": None}, "`htu` is missing"),
        ({"htu": URL + "2"}, "another address"),
        ({"htu": "https://coop.localhost:8701/token"}, "another address"),
        ({"htu": "http://evil.example/token"}, "plain http"),
        ({"htu": "nonsense"}, "address"),
        ({"iat": None}, "`iat` is missing"),
        ({"iat": "now"}, "not an integer"),
        ({"iat": True}, "not an integer"),
    ],
)
def test_a_proof_with_a_wrong_claim_is_refused(
    signer: LocalSigner, at: datetime, now_s: int, claims: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidDpopProof, match=reason) as caught:
        dpop.check_dpop_proof(build(signer, now_s, **claims), method="POST", url=URL, at=at)
    assert caught.value.status == 400


@pytest.mark.parametrize("htu", ["HTTP://COOP.localhost:8701/token", URL + "?x=y", URL + "#z"])
def test_an_address_written_otherwise_is_the_same(signer: LocalSigner, at: datetime, now_s: int, htu: str) -> None:
    assert dpop.check_dpop_proof(build(signer, now_s, htu=htu), method="POST", url=URL, at=at)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": "jwt"}, "type"),
        ({"typ": None}, "type"),
        ({"alg": "none"}, "ES256"),
        ({"alg": "HS256"}, "ES256"),
        ({"jwk": None}, "key of the DPoP proof"),
        ({"crit": ["exp"]}, "crit"),
    ],
)
def test_a_proof_with_a_wrong_header_is_refused(
    signer: LocalSigner, at: datetime, now_s: int, header: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidDpopProof, match=reason):
        dpop.check_dpop_proof(build(signer, now_s, header=header), method="POST", url=URL, at=at)


def test_a_private_key_in_the_header_is_refused(signer: LocalSigner, at: datetime, now_s: int) -> None:
    leaked = {"jwk": signer.public_key.jwk | {"d": base64url.encode(b"\x01" * 32)}}
    with pytest.raises(InvalidDpopProof, match="private"):
        dpop.check_dpop_proof(build(signer, now_s, header=leaked), method="POST", url=URL, at=at)


def test_a_proof_signed_by_another_key_than_it_shows_is_refused(
    signer: LocalSigner, other_signer: LocalSigner, at: datetime, now_s: int
) -> None:
    shown = {"jwk": other_signer.public_key.jwk}
    with pytest.raises(InvalidDpopProof, match="signature"):
        dpop.check_dpop_proof(build(signer, now_s, header=shown), method="POST", url=URL, at=at)


def test_two_proofs_are_refused(signer: LocalSigner, at: datetime, now_s: int) -> None:
    one = build(signer, now_s)
    with pytest.raises(InvalidDpopProof, match="exactly one"):
        dpop.check_dpop_proof(f"{one}, {one}", method="POST", url=URL, at=at)


def test_a_missing_or_endless_proof_is_refused(at: datetime) -> None:
    with pytest.raises(InvalidDpopProof, match="missing"):
        dpop.check_dpop_proof(None, method="POST", url=URL, at=at)
    with pytest.raises(InvalidDpopProof, match="4096"):
        dpop.check_dpop_proof("a" * 5000, method="POST", url=URL, at=at)


@pytest.mark.parametrize(("ago_s", "good"), [(-61, False), (-60, True), (0, True), (360, True), (361, False)])
def test_a_proof_is_good_for_five_minutes_and_a_minute_of_skew(
    signer: LocalSigner,
    at: datetime,
    now_s: int,
    ago_s: int,
    good: bool,
) -> None:
    header = build(signer, now_s)
    later = at + timedelta(seconds=ago_s)
    if good:
        assert dpop.check_dpop_proof(header, method="POST", url=URL, at=later)
        return
    with pytest.raises(InvalidDpopProof, match="future" if ago_s < 0 else "too old"):
        dpop.check_dpop_proof(header, method="POST", url=URL, at=later)


@pytest.mark.parametrize("ath", [None, "", "wrong", dpop.hash_access_token("another")])
def test_a_proof_for_another_token_is_refused_with_401(
    signer: LocalSigner, at: datetime, now_s: int, ath: str | None
) -> None:
    with pytest.raises(InvalidDpopProof) as caught:
        dpop.check_dpop_proof(build(signer, now_s, ath=ath), method="POST", url=URL, at=at, access_token=TOKEN)
    assert caught.value.status == 401


@pytest.mark.parametrize("header", [None, "a,b", "not a proof"])
def test_every_bad_proof_at_a_protected_resource_is_401(header: str | None, at: datetime) -> None:
    with pytest.raises(InvalidDpopProof) as caught:
        dpop.check_dpop_proof(header, method="GET", url="https://tracks.example/files/1", at=at, access_token="token")
    assert caught.value.status == 401
    with pytest.raises(InvalidDpopProof) as caught:
        dpop.check_dpop_proof(header, method="GET", url="https://tracks.example/files/1", at=at)
    assert caught.value.status == 400


def test_a_token_bound_to_another_key_is_refused(
    signer: LocalSigner, other_signer: LocalSigner, at: datetime, now_s: int
) -> None:
    header = build(signer, now_s, ath=dpop.hash_access_token(TOKEN))
    with pytest.raises(InvalidToken):
        dpop.check_dpop_proof(
            header, method="POST", url=URL, at=at, access_token=TOKEN, bound_to=other_signer.public_key.thumbprint
        )


@pytest.mark.parametrize("nonce", [None, "another"])
def test_a_demanded_nonce_must_be_there(signer: LocalSigner, at: datetime, now_s: int, nonce: str | None) -> None:
    with pytest.raises(UseDpopNonce):
        dpop.check_dpop_proof(build(signer, now_s, nonce=nonce), method="POST", url=URL, at=at, nonce="wanted")


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}"))
def test_any_header_is_refused_as_oauth_says(header: str) -> None:
    with pytest.raises(OAuthError):
        dpop.check_dpop_proof(header, method="POST", url=URL, at=datetime(2026, 11, 21, tzinfo=UTC))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@given(
    claims=st.fixed_dictionaries({}, optional=dict.fromkeys(("jti", "htm", "htu", "iat", "ath"), JSON)),
    header=st.fixed_dictionaries({}, optional=dict.fromkeys(("typ", "jwk", "alg", "kid"), JSON)),
)
def test_any_signed_claims_are_refused_as_oauth_says(
    signer: LocalSigner, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    proof = sign_jws({"typ": "dpop+jwt", "jwk": signer.public_key.jwk} | header, claims, signer)
    with pytest.raises(OAuthError):
        dpop.check_dpop_proof(proof, method="POST", url=URL, at=datetime(2026, 11, 21, tzinfo=UTC))


def test_a_built_proof_has_no_query_and_no_private_key(signer: LocalSigner, now_s: int) -> None:
    text = dpop.build_dpop_proof(signer=signer, method="POST", url=URL + "?a#b", issued_at=now_s, jti=JTI)
    jws = parse_jws(text, what="proof", typ="dpop+jwt")
    assert jws.claims()["htu"] == URL
    assert strict_json.dump(jws.header["jwk"]).count(b'"d"') == 0

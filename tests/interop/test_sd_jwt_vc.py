"""SD-JWT VC between our code and @sd-jwt: every role is played once by each side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credentials.encoding import base64url
from credentials.keys.errors import BadSignature
from credentials.refusals import Recognisable, WrongKeyBinding, WrongNonce, WrongSdHash
from credentials.sd_jwt import build_presentation, parse_sd_jwt
from credentials.sd_jwt.errors import UnreferencedDisclosure
from credentials.verify import verify, verify_issued
from schemas import TRACK_OWNERSHIP

if TYPE_CHECKING:
    from credentials.evidence import Verified

SHOWN = ["track", "name"]


def present(world: Any, credential: str) -> str:
    """Present with our code."""
    return build_presentation(
        parse_sd_jwt(credential),
        disclose=SHOWN,
        nonce=world.nonce,
        audience=world.audience,
        issued_at=world.now_s,
        signer=world.holder.signer,
    )


def present_by_node(node: Any, world: Any, credential: str) -> str:
    """Present with their code."""
    text = node(
        "sd_jwt_vc",
        "present",
        privateKey=world.holder.private_jwk,
        credential=credential,
        disclose=SHOWN,
        binding={"iat": world.now_s, "aud": world.audience, "nonce": world.nonce},
    )
    assert isinstance(text, str)
    return text


def issue_by_node(node: Any, world: Any) -> str:
    """Issue with their code, in the shape that all our credentials have."""
    decoys = TRACK_OWNERSHIP.digest_count - len(world.claims)
    text = node(
        "sd_jwt_vc",
        "issue",
        privateKey=world.coop.private_jwk,
        header={"kid": world.coop.signer.public_key.thumbprint, "x5c": world.coop.x5c},
        payload={
            "iss": world.coop.url,
            "iat": world.month_s,
            "vct": world.vct,
            "cnf": {"jwk": world.holder.public_jwk},
            **world.claims,
        },
        frame={"_sd": list(world.claims), "_sd_decoy": decoys},
    )
    assert isinstance(text, str)
    return text


def verify_ours(world: Any, presentation: str, **changes: Any) -> Verified:
    arguments = {"policy": world.policy, "audience": world.audience, "nonce": world.nonce, "at": world.now}
    return verify(presentation, **(arguments | changes))


def ask_node(world: Any, text: str, **changes: Any) -> dict[str, Any]:
    request = {
        "publicKey": world.coop.public_jwk,
        "text": text,
        "nonce": world.nonce,
        "required": SHOWN,
        "at": world.now_s,
    }
    return request | changes


def test_node_accepts_what_we_issue(node: Any, world: Any) -> None:
    seen = node("sd_jwt_vc", "verify", **ask_node(world, world.issue(), nonce=None))
    assert world.claims.items() <= seen["payload"].items()
    assert seen["payload"]["cnf"] == {"jwk": world.holder.public_jwk}
    assert seen["header"]["typ"] == "dc+sd-jwt"


def test_node_accepts_what_we_present_and_sees_only_what_was_disclosed(node: Any, world: Any) -> None:
    seen = node("sd_jwt_vc", "verify", **ask_node(world, present(world, world.issue())))
    always = {"iss", "iat", "vct", "cnf"}
    assert set(seen["payload"]) == always | set(SHOWN)
    assert seen["kb"]["payload"]["aud"] == world.audience


def test_we_accept_what_node_presents_of_our_credential(node: Any, world: Any) -> None:
    verified = verify_ours(world, present_by_node(node, world, world.issue()))
    assert verified.disclosed == {name: world.claims[name] for name in SHOWN}


def test_node_accepts_what_it_issued_and_we_present(node: Any, world: Any) -> None:
    seen = node("sd_jwt_vc", "verify", **ask_node(world, present(world, issue_by_node(node, world))))
    assert seen["payload"]["name"] == world.claims["name"]


def test_our_wallet_keeps_nothing_whose_header_is_ordered_otherwise_than_that_of_our_co_ops(
    node: Any, world: Any
) -> None:
    # All else fits, as the presentations show; but `typ` before `alg` would be a mark that verifiers see.
    with pytest.raises(Recognisable, match="header"):
        verify_issued(
            issue_by_node(node, world),
            policy=world.policy,
            holder_keys=frozenset({world.holder.signer.public_key.thumbprint}),
            at=world.now,
            digest_count=TRACK_OWNERSHIP.digest_count,
            claim_names=frozenset(TRACK_OWNERSHIP.claim_names),
        )


def test_we_accept_what_node_issues_and_presents(node: Any, world: Any) -> None:
    presentation = present_by_node(node, world, issue_by_node(node, world))
    verified = verify_ours(world, presentation)
    assert verified.disclosed == {name: world.claims[name] for name in SHOWN}
    with pytest.raises(WrongNonce):
        verify_ours(world, presentation, nonce="another request's")


def flip(text: str, index: int) -> str:
    """Change one bit of one part of a JWS, so that it stays base64url."""
    parts = text.split(".")
    data = bytearray(base64url.decode(parts[index], what="part"))
    data[len(data) // 2] ^= 1
    parts[index] = base64url.encode(bytes(data))
    return ".".join(parts)


def tamper(presentation: str, how: str) -> str:
    head, *disclosures, binding = presentation.split("~")
    match how:
        case "issuer's signature":
            head = flip(head, 2)
        case "holder's signature":
            binding = flip(binding, 2)
        case "a disclosure taken away":
            del disclosures[0]
        case "a disclosure of another credential":
            disclosures.append(base64url.encode(b'["c2FsdA","acquisition","gift"]'))
    return "~".join((head, *disclosures, binding))


@pytest.mark.parametrize(
    ("how", "ours"),
    [
        ("issuer's signature", BadSignature),
        ("holder's signature", WrongKeyBinding),
        ("a disclosure taken away", WrongSdHash),
        ("a disclosure of another credential", UnreferencedDisclosure),
    ],
)
def test_both_sides_refuse_a_presentation_that_was_tampered_with(
    node: Any, world: Any, how: str, ours: type[Exception]
) -> None:
    changed = tamper(present(world, world.issue()), how)
    with pytest.raises(ours):
        verify_ours(world, changed)
    assert node.refusal("sd_jwt_vc", "verify", **ask_node(world, changed))


def test_both_sides_refuse_another_requests_nonce(node: Any, world: Any) -> None:
    presentation = present(world, world.issue())
    with pytest.raises(WrongNonce):
        verify_ours(world, presentation, nonce="another request's")
    assert "nonce" in node.refusal("sd_jwt_vc", "verify", **ask_node(world, presentation, nonce="another")).lower()

"""What a wallet takes from a co-op: all of a copy or nothing, and nothing that could mark the listener."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

import schemas
from credentials.encoding import base64url
from credentials.errors import HandstampError
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import CredentialOffer, TxCode
from plumbing.fetch import FetchFailed
from tests.support.hostile_issuer import URL, HostileIssuer, honest
from tests.support.outside import MONTH_S, NOW, Authority, Outside, endless, jwk_of, refuses, release_claims, says
from wallet import errors
from wallet.ports import Tools
from wallet.service.receive import offered_in_words, read_offer, receive
from wallet.state import Copy, Wallet


async def take(issuer: HostileIssuer, tools: Tools, code: str | None = "123456") -> tuple[Copy, ...]:
    return await receive(await read_offer(issuer.link(), tools=tools), tools=tools, tx_code=code)


def held(tools: Tools) -> tuple[Copy, ...]:
    return tools.keeper.load().copies


async def refusal(issuer: HostileIssuer, tools: Tools) -> HandstampError:
    with pytest.raises(HandstampError) as caught:
        await take(issuer, tools)
    assert held(tools) == ()
    return caught.value


async def test_a_copy_comes_in_four_instances_each_with_a_key_of_its_own(issuer: HostileIssuer, tools: Tools) -> None:
    (copy,) = await take(issuer, tools)

    assert held(tools) == (copy,)
    assert copy.claims["name"] == "Night Bus EP"
    assert len({instance.key for instance in copy.instances}) == 4
    assert len({instance.credential for instance in copy.instances}) == 4


async def test_what_is_offered_is_said_before_anything_is_used(issuer: HostileIssuer, tools: Tools) -> None:
    opened = await read_offer(issuer.link(), tools=tools)
    assert opened.host == "coop.localhost"
    assert offered_in_words(opened) == "a track and a release"
    assert opened.code == TxCode(length=6)
    assert issuer.tokens == 0


async def test_one_offer_brings_several_copies_and_each_is_told_when_it_is_kept(
    issuer: HostileIssuer, tools: Tools
) -> None:
    issuer.identifiers = ("copy-1", "copy-2")
    told: list[str] = []
    opened = await read_offer(issuer.link(), tools=tools)
    await receive(opened, tools=tools, tx_code="123456", progress=lambda copy: told.append(copy.vct))
    assert told == [schemas.RELEASE_OWNERSHIP.vct, schemas.TRACK_OWNERSHIP.vct]


async def test_an_offer_by_value_works_too(issuer: HostileIssuer, tools: Tools) -> None:
    opened = await read_offer(issuer.offer().to_link(), tools=tools)
    assert len(await receive(opened, tools=tools, tx_code="123456")) == 1


async def test_an_offer_that_takes_a_code_is_not_tried_without_one(
    issuer: HostileIssuer, tools: Tools, outside: Outside
) -> None:
    with pytest.raises(errors.CodeNeeded, match="Nothing was used up"):
        await take(issuer, tools, code=None)
    assert "POST coop.localhost:8701/token" not in outside.paths()


async def test_a_wrong_code_loses_nothing_and_can_be_corrected(issuer: HostileIssuer, tools: Tools) -> None:
    with pytest.raises(errors.WrongCode, match="Nothing is lost"):
        await take(issuer, tools, code="000000")
    assert len(await take(issuer, tools)) == 1


async def test_an_offer_read_again_after_it_was_received_asks_the_co_op_for_no_second_token(
    issuer: HostileIssuer, tools: Tools, outside: Outside
) -> None:
    await take(issuer, tools)
    with pytest.raises(errors.AlreadyReceived, match="all that it holds is in your wallet"):
        await take(issuer, tools)
    assert outside.paths().count("POST coop.localhost:8701/token") == 1
    assert len(held(tools)) == 1


async def test_a_crash_between_two_copies_keeps_the_first_and_goes_on_with_the_second(
    issuer: HostileIssuer, tools: Tools
) -> None:
    issuer.identifiers = ("copy-1", "copy-2")

    def crash_at_second(an_issuer: HostileIssuer, identifier: str, index: int, key: PublicKey) -> str:
        if identifier == "copy-2":
            raise httpx.ReadError("the cable was pulled")
        return honest(an_issuer, identifier, index, key)

    issuer.issue = crash_at_second
    with pytest.raises(FetchFailed):
        await take(issuer, tools)
    assert [copy.vct for copy in held(tools)] == [schemas.RELEASE_OWNERSHIP.vct]

    issuer.issue = honest
    opened = await read_offer(issuer.link(), tools=tools)
    assert opened.code is None, "the code was used; no code is asked again"
    (second,) = await receive(opened, tools=tools)
    assert second.vct == schemas.TRACK_OWNERSHIP.vct
    assert len(held(tools)) == 2


async def test_more_instances_of_a_copy_are_added_to_it(issuer: HostileIssuer, tools: Tools) -> None:
    await take(issuer, tools)
    issuer.code, issuer.tokens = "another-code-of-128-bits", 0
    await receive(await read_offer(issuer.offer().to_link(), tools=tools), tools=tools, tx_code="123456")
    assert [len(copy.instances) for copy in held(tools)] == [8]


async def test_a_co_op_that_corrects_a_title_replaces_the_instances_that_say_otherwise(
    issuer: HostileIssuer, tools: Tools
) -> None:
    await take(issuer, tools)
    issuer.code, issuer.tokens = "another-code-of-128-bits", 0
    issuer.issue = lambda *four: honest(*four, disclosable=release_claims(name="Night Bus EP (2026)"))
    await receive(await read_offer(issuer.offer().to_link(), tools=tools), tools=tools, tx_code="123456")
    assert [(copy.claims["name"], len(copy.instances)) for copy in held(tools)] == [("Night Bus EP (2026)", 4)]


async def test_a_wallet_that_trusts_nobody_contacts_nobody(
    issuer: HostileIssuer, tools: Tools, outside: Outside
) -> None:
    tools.keeper.change(lambda wallet: (replace(wallet, authorities=()), None))
    with pytest.raises(errors.UnknownAuthority, match="wallet trust add"):
        await take(issuer, tools)
    assert outside.seen == []


async def test_a_co_op_that_nobody_vouches_for_is_refused_and_can_be_trusted_afterwards(
    issuer: HostileIssuer, tools: Tools
) -> None:
    wallet = tools.keeper.load()
    stranger = replace(wallet.authorities[0], certificate=Authority().pem.decode())
    tools.keeper.change(lambda before: (replace(before, authorities=(stranger,)), None))
    assert isinstance(await refusal(issuer, tools), errors.UnknownAuthority)

    tools.keeper.change(lambda before: (replace(before, authorities=wallet.authorities), None))
    assert len(await receive(await read_offer(issuer.link(), tools=tools), tools=tools)) == 1


async def test_no_cookie_no_referer_and_one_name_for_every_wallet_are_sent(
    issuer: HostileIssuer, tools: Tools, outside: Outside
) -> None:
    issuer.routes.answers["POST /nonce"] = says({"c_nonce": "n"}, 200, **{"Set-Cookie": "tag=you"})
    await take(issuer, tools)
    for request in outside.seen:
        assert "cookie" not in request.headers
        assert "referer" not in request.headers
        assert request.headers["user-agent"] == "handstamp-wallet"


def resigned(credential: str, signer: LocalSigner, *, header: dict[str, object], claims: dict[str, object]) -> str:
    """Sign a credential anew after changing what everybody sees of it."""
    jwt, _, disclosures = credential.partition("~")
    old_header, old_claims, _ = (base64url.decode(part, what="part") for part in jwt.split("."))
    merged_header = {**json.loads(old_header), **header}
    merged_header.pop("alg")
    return f"{sign_jws(merged_header, json.loads(old_claims) | claims, signer)}~{disclosures}"


def tagged(header: dict[str, object] | None = None, **claims: object) -> Callable[..., str]:
    def issue(issuer: HostileIssuer, identifier: str, index: int, key: PublicKey) -> str:
        made = honest(issuer, identifier, index, key)
        return resigned(made, issuer.signer, header=header or {}, claims=claims)

    return issue


def changed(**claims: str) -> Callable[..., str]:
    return lambda *four: honest(*four, disclosable=release_claims(**claims))


def only_first(**changes: object) -> Callable[..., str]:
    def issue(issuer: HostileIssuer, identifier: str, index: int, key: PublicKey) -> str:
        return honest(issuer, identifier, index, key, **(changes if index == 0 else {}))

    return issue


MARKS: dict[str, Callable[..., str]] = {
    "a member that only this listener has in its header": tagged({"trace": "listener-7"}),
    "a claim that everybody sees": tagged(sub="listener-7"),
    "a date within the month": tagged(iat=MONTH_S + 7),
    "last month's date": tagged(iat=MONTH_S - 30 * 86400),
    "an end": tagged(exp=MONTH_S + 10**8),
    "a status": tagged(status={"status_list": {"idx": 7, "uri": "https://coop.example/1"}}),
    "no status": lambda *four: honest(*four, status=None),
    "another issuer": lambda *four: honest(*four, issuer="http://shop.localhost:8701"),
    "another type": lambda *four: honest(*four, vct=schemas.TRACK_OWNERSHIP.vct),
    "a type of its own": lambda *four: honest(*four, vct="urn:coop:listener-7"),
    "more digests": lambda *four: honest(*four, digest_count=13),
    "a claim of its own": lambda *four: honest(*four, disclosable=release_claims() | {"listener": "7"}),
    "a claim too few": lambda *four: honest(*four, disclosable={"release": release_claims()["release"]}),
    "a space at the end of a title": changed(name="Night Bus EP "),
    "two spaces in a title": changed(name="Night  Bus EP"),
    "a character that nobody sees": changed(name="Night\u200bBus EP"),
    "a title not in normal form": changed(name="Cafe\u0301"),
    "an odd way of acquiring": changed(acquisition="listener-7"),
    "an odd month": changed(acquired="2026-13"),
    "a release number that is none": changed(release="listener-7"),
    "a line break after a number": changed(gtin="none\n"),
    "a title in the first instance only": only_first(disclosable=release_claims(name="Night Bus")),
    "another copy number in the first instance only": only_first(disclosable=release_claims(copy="A" * 21 + "Q")),
    "a key of the listener's that was never sent": lambda *four: honest(*four[:3], LocalSigner.generate().public_key),
    "a signature by another key": lambda *four: honest(*four, signer=LocalSigner.generate()),
    "no credential at all": lambda *_: "not-a-credential~",
}


@pytest.mark.parametrize("mark", MARKS)
async def test_an_issuer_that_marks_the_listener_is_refused_and_nothing_is_kept(
    issuer: HostileIssuer, tools: Tools, mark: str
) -> None:
    issuer.issue = MARKS[mark]
    refused = await refusal(issuer, tools)
    assert isinstance(refused, errors.UnwantedCredential)
    assert "not kept" in refused.detail


async def test_one_key_for_two_instances_is_refused(issuer: HostileIssuer, tools: Tools) -> None:
    keys: list[PublicKey] = []

    def same(an_issuer: HostileIssuer, identifier: str, index: int, key: PublicKey) -> str:
        keys.append(key)
        return honest(an_issuer, identifier, index, keys[0])

    issuer.issue = same
    assert "same key" in (await refusal(issuer, tools)).detail


@pytest.mark.parametrize("wrong", [0, 1, 3, 5])
async def test_too_few_or_too_many_instances_are_refused(issuer: HostileIssuer, tools: Tools, wrong: int) -> None:
    give = issuer.give_credentials

    def cut(request: httpx.Request) -> httpx.Response:
        made = json.loads(give(request).content)["credentials"]
        return httpx.Response(200, json={"credentials": (made * 2)[:wrong]})

    issuer.routes.answers["POST /credential"] = cut
    await refusal(issuer, tools)


async def test_instances_signed_with_two_certified_keys_are_refused(
    issuer: HostileIssuer, tools: Tools, authority: Authority
) -> None:
    signer, chain = authority.certify("coop.localhost")
    issuer.issue = only_first(signer=signer, x5c=chain.x5c())
    assert "not signed alike" in (await refusal(issuer, tools)).detail


async def test_a_certified_key_that_the_co_op_does_not_state_in_public_is_refused(
    issuer: HostileIssuer, tools: Tools, authority: Authority
) -> None:
    signer, chain = authority.certify("coop.localhost")
    issuer.issue = lambda *four: honest(*four, signer=signer, x5c=chain.x5c())
    assert "state in public" in (await refusal(issuer, tools)).detail


async def test_a_certificate_that_the_co_op_does_not_state_in_public_is_refused_though_the_key_is_stated(
    issuer: HostileIssuer, tools: Tools, authority: Authority
) -> None:
    _, shown_to_others = authority.certify("coop.localhost")
    issuer.routes.answers["GET /.well-known/jwt-vc-issuer"] = issuer.state(issuer.signer.public_key, shown_to_others)
    assert "a certificate that the co-op does not state" in (await refusal(issuer, tools)).detail


async def test_a_co_op_that_states_a_key_for_every_listener_is_refused(issuer: HostileIssuer, tools: Tools) -> None:
    keys = [LocalSigner.generate().public_key.jwk for _ in range(50)]
    answer = says({"issuer": URL, "jwks": {"keys": keys}})
    issuer.routes.answers["GET /.well-known/jwt-vc-issuer"] = answer
    await refusal(issuer, tools)


async def test_a_list_of_keys_in_another_name_is_refused(issuer: HostileIssuer, tools: Tools) -> None:
    issuer.routes.answers["GET /.well-known/jwt-vc-issuer"] = says({"issuer": "http://shop.localhost", "jwks": {}})
    await refusal(issuer, tools)


@pytest.mark.parametrize("status", [200, 404])
async def test_a_co_op_that_states_no_keys_could_sign_with_one_for_each_listener_and_is_refused(
    issuer: HostileIssuer, tools: Tools, status: int
) -> None:
    answer = says({"issuer": URL, "jwks_uri": "http://coop.localhost:8701/j"}, status)
    issuer.routes.answers["GET /.well-known/jwt-vc-issuer"] = answer
    assert "does not state its keys in public" in (await refusal(issuer, tools)).detail


LIES: list[tuple[str, Callable[[httpx.Request], httpx.Response]]] = [
    ("GET /offers/1", says({"credential_issuer": URL})),
    ("GET /offers/1", says({"detail": "It is over."}, 410)),
    ("GET /offers/1", endless()),
    ("GET /.well-known/openid-credential-issuer", says({"credential_issuer": "https://shop.example"})),
    ("GET /.well-known/openid-credential-issuer", endless()),
    ("GET /.well-known/openid-credential-issuer", says({}, 302, location="http://shop.localhost/")),
    ("GET /.well-known/oauth-authorization-server", says({}, 500)),
    ("POST /token", says({"access_token": "t", "token_type": "Bearer"})),
    ("POST /token", refuses("invalid_request")),
    ("POST /token", says({"hello": "you"}, 500)),
    ("POST /token", endless()),
    ("POST /nonce", says({}, 503)),
    ("POST /nonce", says({})),
    ("POST /credential", refuses("credential_request_denied")),
    ("POST /credential", refuses("invalid_nonce")),
    ("POST /credential", says({"transaction_id": "later"}, 202)),
    ("POST /credential", says({"credentials": []})),
    ("POST /credential", says({"credential": "old~"})),
    ("POST /credential", endless()),
]


@pytest.mark.parametrize("lie", range(len(LIES)))
async def test_whatever_a_co_op_answers_instead_nothing_is_kept_and_the_words_say_why(
    issuer: HostileIssuer, tools: Tools, lie: int
) -> None:
    route, answer = LIES[lie]
    issuer.routes.answers[route] = answer
    assert (await refusal(issuer, tools)).detail.endswith(".")


async def test_a_stale_nonce_is_replaced_once(issuer: HostileIssuer, tools: Tools, outside: Outside) -> None:
    give, refused = issuer.give_credentials, []

    def first_stale(request: httpx.Request) -> httpx.Response:
        if not refused:
            refused.append(request)
            return httpx.Response(400, json={"error": "invalid_nonce"})
        return give(request)

    issuer.routes.answers["POST /credential"] = first_stale
    assert len(await take(issuer, tools)) == 1
    assert outside.paths().count("POST coop.localhost:8701/nonce") == 2


@pytest.mark.parametrize("says_it_in", ["body", "header"])
async def test_a_server_that_wants_its_nonce_in_the_proof_gets_it(
    issuer: HostileIssuer, tools: Tools, says_it_in: str
) -> None:
    give = issuer.give_token

    def wants_nonce(request: httpx.Request) -> httpx.Response:
        payload = json.loads(base64url.decode(request.headers["DPoP"].split(".")[1], what="proof"))
        if payload.get("nonce") == "server-nonce":
            return give(request)
        challenge = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"'} if says_it_in == "header" else {}
        body = {"error": "use_dpop_nonce"} if says_it_in == "body" else {}
        return httpx.Response(401, json=body, headers={"DPoP-Nonce": "server-nonce", **challenge})

    issuer.routes.answers["POST /token"] = wants_nonce
    assert len(await take(issuer, tools)) == 1


async def test_a_token_without_details_brings_what_was_offered(issuer: HostileIssuer, tools: Tools) -> None:
    def plain(request: httpx.Request) -> httpx.Response:
        keys = list(json.loads(request.content)["proofs"]["jwt"])
        configuration = json.loads(request.content)["credential_configuration_id"]
        identifier = "copy-1" if configuration == "ReleaseOwnershipCredential" else "copy-2"
        made = [honest(issuer, identifier, index, jwk_of(proof)) for index, proof in enumerate(keys)]
        return httpx.Response(200, json={"credentials": [{"credential": each} for each in made]})

    issuer.routes.answers["POST /token"] = says({"access_token": "t", "token_type": "DPoP"})
    issuer.routes.answers["POST /credential"] = plain
    assert len(await take(issuer, tools)) == 2


UNKEPT: list[tuple[dict[str, object], str]] = [
    ({"format": "mso_mdoc"}, "a form that this wallet does not know"),
    ({"key_attestation_required": True}, "proof of where your keys lie"),
    ({"binding_methods": ()}, "anybody's who copies it"),
    ({"proof_algorithms": ("EdDSA",)}, "no key of the kind"),
]


@pytest.mark.parametrize(("change", "words"), UNKEPT)
async def test_what_the_wallet_cannot_keep_is_left_out_and_said_before_anything_is_used(
    issuer: HostileIssuer, tools: Tools, outside: Outside, change: dict[str, object], words: str
) -> None:
    metadata = issuer.metadata()
    bad = replace(metadata.configurations[0], **change)  # type: ignore[arg-type]
    text = replace(metadata, configurations=(bad, *metadata.configurations[1:])).to_json()
    issuer.routes.answers["GET /.well-known/openid-credential-issuer"] = says(text)
    opened = await read_offer(issuer.link(), tools=tools)
    assert bad.id not in opened.kinds
    assert words in opened.left_out[bad.id]
    both = replace(metadata, configurations=tuple(replace(each, **change) for each in metadata.configurations))  # type: ignore[arg-type]
    issuer.routes.answers["GET /.well-known/openid-credential-issuer"] = says(both.to_json())
    with pytest.raises(errors.NothingOffered, match=words):
        await read_offer(issuer.link(), tools=tools)
    assert "POST coop.localhost:8701/token" not in outside.paths()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pre_authorized_code": None, "tx_code": None, "issuer_state": "s"}, "log-in"),
        ({"authorization_server": "http://shop.localhost:8701"}, "does not know"),
    ],
)
async def test_offers_of_a_kind_that_this_wallet_cannot_take_say_so(
    issuer: HostileIssuer, tools: Tools, change: dict[str, object], words: str
) -> None:
    offer: CredentialOffer = replace(issuer.offer(), **change)  # type: ignore[arg-type]
    with pytest.raises(errors.IssuerRefused, match=words):
        await read_offer(offer.to_link(), tools=tools)


async def test_a_co_op_without_a_nonce_endpoint_or_with_forced_encryption_is_refused_in_words(
    issuer: HostileIssuer, tools: Tools
) -> None:
    metadata = issuer.metadata().to_json()
    issuer.routes.answers["GET /.well-known/openid-credential-issuer"] = says(
        metadata | {"credential_response_encryption": {"encryption_required": True}}
    )
    with pytest.raises(errors.IssuerRefused, match="encrypted"):
        await read_offer(issuer.link(), tools=tools)
    issuer.routes.answers["GET /.well-known/openid-credential-issuer"] = says(
        {name: value for name, value in metadata.items() if name != "nonce_endpoint"}
    )
    with pytest.raises(errors.IssuerRefused, match="nonce endpoint"):
        await read_offer(issuer.link(), tools=tools)


async def test_a_token_is_forgotten_when_it_has_expired(issuer: HostileIssuer, tools: Tools) -> None:
    await take(issuer, tools)
    late = replace(tools, clock=lambda: NOW.replace(hour=23))
    assert tools.keeper.load().pruned(late.clock()).supplies == ()


async def test_two_commands_that_receive_at_once_keep_both_copies(issuer: HostileIssuer, tools: Tools) -> None:
    def add(name: str) -> None:
        def keep(wallet: Wallet) -> tuple[Wallet, None]:
            copy = Copy(id=name, issuer=URL, vct=schemas.TRACK_OWNERSHIP.vct, claims={}, received_at=NOW, instances=())
            return wallet.with_copy(copy), None

        tools.keeper.change(keep)

    await asyncio.gather(take(issuer, tools), asyncio.to_thread(add, "other"))
    assert len(held(tools)) == 2

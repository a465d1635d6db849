"""Small things that every errand over HTTP needs: proofs, cookies, and what a refusal says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from credentials.encoding import base64url, strict_json
from credentials.errors import HandstampError, Malformed
from credentials.keys.signer import LocalSigner
from credentials.protocols.dpop import build_dpop_proof
from credentials.protocols.members import Members
from credentials.protocols.oauth import UseDpopNonce, parse_error
from plumbing.clock import Clock, epoch_s
from plumbing.fetch import Fetcher, Reply

JSON: Final = {"Accept": "application/json"}
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
MAX_JSON_BYTES: Final = 262_144
_ASKS_AGAIN: Final = frozenset({400, 401})
_OK: Final = range(200, 300)
_MAX_WORDS: Final = 300
_MAX_COOKIE: Final = 4096
_NO_REASON: Final = "no reason given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """A key that binds tokens (RFC 9449): made for one errand, never used at another place.

    `bearer` is set for a token of a server that knows no DPoP: it goes as RFC 6750 has it, without a proof.
    """

    signer: LocalSigner
    clock: Clock
    random: Callable[[int], bytes]
    bearer: bool = False

    def headers(
        self, method: str, url: str, *, access_token: str | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        """Return the header fields for one request: a fresh proof and, if given, the token that it goes with."""
        if self.bearer and access_token:
            return {"Authorization": f"Bearer {access_token}"}
        proof = build_dpop_proof(
            signer=self.signer,
            method=method,
            url=url,
            issued_at=epoch_s(self.clock()),
            jti=base64url.encode(self.random(16)),
            access_token=access_token,
            nonce=nonce,
        )
        return {"DPoP": proof} | ({"Authorization": f"DPoP {access_token}"} if access_token else {})


async def send_proven(
    web: Fetcher,
    method: str,
    url: str,
    *,
    proving: Proving,
    headers: Mapping[str, str],
    content: bytes | None = None,
    access_token: str | None = None,
    max_bytes: int = MAX_JSON_BYTES,
) -> Reply:
    """Send one request with a DPoP proof; if the server wants its nonce in the proof, once more (RFC 9449 §8)."""

    async def send(nonce: str | None) -> Reply:
        proof = proving.headers(method, url, access_token=access_token, nonce=nonce)
        return await web.request(method, url, headers={**headers, **proof}, content=content, max_bytes=max_bytes)

    reply = await send(None)
    nonce = reply.headers.get("DPoP-Nonce")
    if reply.status in _ASKS_AGAIN and nonce and _wants_nonce(reply):
        return await send(nonce)
    return reply


def succeeded(reply: Reply) -> bool:
    """Tell whether an answer is what was asked for. A redirect is not: none of our protocols has one."""
    return reply.status in _OK


def read_object(reply: Reply, *, what: str, max_bytes: int = MAX_JSON_BYTES) -> Members:
    """Return the JSON object in an answer's body.

    Raises:
        Malformed: there is none.
    """
    return Members(strict_json.parse(reply.body, what=what, max_bytes=max_bytes), what=what)


def read_refusal(reply: Reply) -> str:
    """Return in words why another party said no: its own words if it has any that can be shown, else the status."""
    try:
        detail = parse_error(reply.body, status=reply.status).detail
        said = detail.partition("): ")[2]
        return _plain(detail if said in {"", _NO_REASON} else said)
    except HandstampError:
        pass
    try:
        problem = read_object(reply, what="refusal")
        return _plain(problem.optional_text("detail") or problem.text("title"))
    except Malformed:
        return f"it answered with status {reply.status}"


def read_cookies(reply: Reply) -> str:
    """Return the value of a `Cookie` field with every cookie that an answer set, or "" if it set none."""
    pairs = [field.partition(";")[0].strip() for field in reply.headers.get_list("set-cookie")]
    cookie = "; ".join(pair for pair in pairs if "=" in pair and pair.isascii() and pair.isprintable())
    return cookie if len(cookie) <= _MAX_COOKIE else ""


def _wants_nonce(reply: Reply) -> bool:
    if "use_dpop_nonce" in reply.headers.get("WWW-Authenticate", ""):
        return True  # RFC 9449 §9: how a protected resource says it
    try:
        return isinstance(parse_error(reply.body, status=reply.status), UseDpopNonce)
    except HandstampError:
        return False


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port: what two addresses of one service have in common (RFC 6454 §4)."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return (parts.scheme, (parts.hostname or "").lower(), port)


def _plain(words: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in words)[:_MAX_WORDS].rstrip(". ")

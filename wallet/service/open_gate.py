"""Open a gate from this device: be the browser that visits and the wallet that answers, and keep the grant.

The visit's cookie is the only thing that is sent back to the site beside the answer, and only to the origin that set
it. The grant is bound to a key made for this visit alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from credentials.encoding import base64url
from credentials.errors import Malformed
from credentials.keys.jws import parse_jws
from credentials.keys.signer import LocalSigner
from credentials.protocols.grants import TYP, Grant
from credentials.protocols.members import Members
from credentials.protocols.urls import check_leads_outward, host_of, parse_service_url
from plumbing.fetch import Reply
from wallet import words
from wallet.consent import Consent
from wallet.errors import SiteRefused
from wallet.links import GATE, expecting
from wallet.ports import Tools, Web
from wallet.service.answer_request import Answered, Asked, answer, read_request
from wallet.state import Delivery
from wallet.wire import JSON, Proving, origin_of, read_cookies, read_object, read_refusal, send_proven, succeeded

_MAX_GRANT: Final = 16_384
_MAX_WORDS: Final = 300
_MAX_TRACKS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A visit that began at a gate; nothing was shown yet.

    Attributes:
        url: the visit's own address at the site.
        cookie: what the site gave to the browser that began.
        asked: the request, and what would answer it.
    """

    url: str
    cookie: str
    asked: Asked

    @property
    def consent(self) -> Consent:
        """What the listener says yes or no to."""
        return self.asked.consent


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A visit at a site, before its request was read: its address and cookie, the request's link, and what opens."""

    url: str
    cookie: str
    link: str
    opens: str | None


async def begin_visit(gate_url: str, *, tools: Tools, uncertified: bool = False) -> Visit:
    """Begin a visit at a gate and read what it asks.

    Raises:
        SiteRefused, FetchFailed: there is no such gate, or it does not answer.
        HandstampError: as `read_request`.
    """
    with expecting(GATE, gate_url):
        gate = read_gate_address(gate_url)
    started = await start_visit(gate, tools=tools)
    asked = await read_request(started.link, tools=tools, first_party=gate, uncertified=uncertified)
    if asked.consent.site.lower() != host_of(gate):
        # Somebody who relays another site's request would get the listener to open that site's door for them.
        raise SiteRefused(host_of(gate), f"it asks in the name of {asked.consent.site}", shown=False)
    warnings = (*asked.consent.warnings, *_elsewhere(asked.consent, gate))
    asked = replace(asked, consent=replace(asked.consent, opens=started.opens, warnings=warnings))
    return Visit(url=started.url, cookie=started.cookie, asked=asked)


async def start_visit(gate: str, *, tools: Tools) -> Started:
    """Begin a visit at a gate, of which the site learns that somebody looks at it.

    Raises:
        SiteRefused, FetchFailed: there is no such gate, or it does not answer.
    """
    async with tools.web(gate) as web:
        reply = await web.request("POST", f"{gate}/visits", headers=JSON, content=b"")
    if not succeeded(reply):
        raise SiteRefused(host_of(gate), read_refusal(reply), shown=False)
    started = read_object(reply, what="answer of the gate")
    url = parse_service_url(started.required("visit"), what=started.named("visit"))
    if origin_of(url) != origin_of(gate):
        raise SiteRefused(host_of(gate), "its visit is at another address, which is refused", shown=False)
    link = started.text("same_device", max_chars=4096)
    return Started(url=url, cookie=read_cookies(reply), link=link, opens=_read_opens(started))


async def pass_gate(visit: Visit, *, tools: Tools) -> Delivery:
    """Show what the listener agreed to, return to the site as the browser that began, and take the grant.

    Raises:
        SiteRefused: the site did not take the answer, or leads elsewhere.
        HandstampError: as `answer`.
    """
    answered = await answer(visit.asked, tools=tools)
    async with tools.web(visit.url) as web:
        await _return(web, visit, answered)
        signer = LocalSigner.generate()
        reply = await _ask_for_grant(web, visit, Proving(signer=signer, clock=tools.clock, random=tools.random))
    delivery = _read_grant(reply, visit, signer, tools)
    tools.keeper.change(lambda wallet: (wallet.pruned(tools.clock()).with_delivery(delivery), None))
    return delivery


def read_gate_address(text: str) -> str:
    """Read the link of a gate, without what a page adds behind it.

    Raises:
        Malformed: it is none.
    """
    url = parse_service_url(text.strip().partition("#")[0], what="address of the gate")
    parts = urlsplit(url)
    if not parts.path.strip("/"):
        raise Malformed("address of the gate", "it names a site but no gate; copy the whole link from its page")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _elsewhere(consent: Consent, gate: str) -> tuple[str, ...]:
    """Warn of a number that is not this gate's own: whoever has one for several gates joins the visits to all."""
    domains = {shown.nym_domain for shown in consent.copies if shown.nym_domain}
    if all(domain.partition("#")[0] == gate for domain in domains):
        return ()
    return (
        f"The number that they ask for is not for this gate alone: {consent.site} knows you again by it elsewhere.",
    )


def _read_opens(started: Members) -> str | None:
    """Say what the gate says it opens; the site alone vouches for that, so it is shown and never relied on."""
    opens = started.optional_object("opens")
    if opens is None:
        return None
    kind = words.kind_in_words(opens.text("kind", max_chars=_MAX_WORDS))
    title, artist = opens.text("title", max_chars=_MAX_WORDS), opens.text("artist", max_chars=_MAX_WORDS)
    tracks = opens.integer("tracks", maximum=_MAX_TRACKS)
    many = f", {tracks} tracks" if tracks > 1 else ""
    return f"the {kind} “{title}” by {artist}{many}, {words.size(opens.integer('bytes'))}"


async def _return(web: Web, visit: Visit, answered: Answered) -> None:
    """Go where the site sends the browser (OpenID4VP 1.0 §8.2): only who began the visit has its cookie."""
    host = visit.consent.site
    if answered.redirect_uri is None:
        raise SiteRefused(host, "it took the answer and gave no way on", shown=True, used_up=visit.consent.uses_up)
    url = answered.redirect_uri.partition("#")[0]
    reply = await web.request("GET", url, headers={**JSON, **_cookie(visit, url)})
    if not succeeded(reply):
        raise SiteRefused(host, read_refusal(reply), shown=True, used_up=visit.consent.uses_up)
    if read_object(reply, what="answer of the gate").text("visit") != visit.url:
        raise SiteRefused(host, "it went on with another visit than yours", shown=True, used_up=visit.consent.uses_up)


async def _ask_for_grant(web: Web, visit: Visit, proving: Proving) -> Reply:
    url = f"{visit.url}/grant"
    reply = await send_proven(web, "POST", url, proving=proving, headers={**JSON, **_cookie(visit, url)}, content=b"")
    if not succeeded(reply):
        raise SiteRefused(visit.consent.site, read_refusal(reply), shown=True, used_up=visit.consent.uses_up)
    return reply


def _cookie(visit: Visit, url: str) -> Mapping[str, str]:
    return {"Cookie": visit.cookie} if visit.cookie and origin_of(url) == origin_of(visit.url) else {}


def _read_grant(reply: Reply, visit: Visit, signer: LocalSigner, tools: Tools) -> Delivery:
    members = read_object(reply, what="grant of the gate")
    text = members.text("grant", max_chars=_MAX_GRANT)
    trackserver = parse_service_url(members.required("trackserver"), what=members.named("trackserver"))
    check_leads_outward(trackserver, led_by=visit.url, what="address of the trackserver")
    # Only the trackserver can check the signature, with the keys that it pinned; the wallet checks what it would rely
    # on.
    grant = Grant.parse(parse_jws(text, what="grant", typ=TYP).claims())
    if grant.holder_key != signer.public_key.thumbprint:
        raise SiteRefused(
            visit.consent.site,
            "its permission is not bound to this wallet's key",
            shown=True,
            used_up=visit.consent.uses_up,
        )
    if grant.audience.rstrip("/") != trackserver.rstrip("/"):
        raise SiteRefused(
            visit.consent.site,
            "its permission is for another trackserver than it names",
            shown=True,
            used_up=visit.consent.uses_up,
        )
    return Delivery(
        id=base64url.encode(tools.random(16)),
        site=visit.consent.site,
        title=visit.consent.copies[0].title,
        received_at=tools.clock(),
        trackserver=trackserver,
        grant=text,
        key=signer.to_pem(None).decode(),
        expires_at=datetime.fromtimestamp(grant.expires_at, UTC),
    )

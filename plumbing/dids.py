"""Resolves DIDs: a closed table of methods, and for did:web a fetcher whose reach is limited (`plumbing/fetch.py`).

A document is remembered for a few minutes, so that a listener who comes back, or a busy gate, asks nobody twice. What
failed is forgotten after seconds: a host that is down is not asked by every request, and is found when it is up again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from credentials.dids import Did, DidDocument, parse_did, parse_did_document
from credentials.dids.did_jwk import read_did_jwk
from credentials.dids.did_key import read_did_key
from credentials.dids.did_web import build_did_web_address
from credentials.dids.document import MAX_DOCUMENT_BYTES
from credentials.dids.errors import DidMethodUnsupported, DidNotResolved
from credentials.errors import HandstampError
from plumbing.clock import Clock
from plumbing.fetch import Fetcher, FetchFailed, FetchRefused

DidMethod = Callable[[Did], Awaitable[DidDocument]]
"""Reads the document of a DID of one method."""

TTL_S: Final = 300
FAILURE_TTL_S: Final = 10
TIMEOUT_S: Final = 5.0
MAX_DOCUMENTS: Final = 256
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class _Remembered:
    until: datetime
    found: DidDocument | str
    """The document, or why there is none."""


class MethodResolver:
    """A `DidResolver` over a table of methods, with one cache for all."""

    def __init__(self, methods: Mapping[str, DidMethod], *, clock: Clock, timeout_s: float | None = None) -> None:
        """Take the table, which nothing is added to later."""
        self._methods = dict(methods)
        self._clock = clock
        self._timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    async def resolve(self, did: str) -> DidDocument:
        """Return the document of a DID, without keys that have ended by now; see `DidResolver.resolve`."""
        parsed = parse_did(did, what="DID")
        method = self._methods.get(parsed.method)
        if method is None:
            raise DidMethodUnsupported(parsed.method, tuple(self._methods))
        remembered = self._remembered.get(did)
        if remembered is None or self._clock() >= remembered.until:
            remembered = await self._read(method, parsed)
        if isinstance(remembered.found, str):
            raise DidNotResolved(did, remembered.found)
        return remembered.found.as_of(self._clock())

    async def _read(self, method: DidMethod, did: Did) -> _Remembered:
        found: DidDocument | str
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await method(did)
        except TimeoutError:
            found = f"no answer within {self._timeout_s:g} seconds"
        except DidNotResolved as error:
            found = error.reason
        except HandstampError as error:
            found = error.detail.removesuffix(".")
        ttl_s = FAILURE_TTL_S if isinstance(found, str) else TTL_S
        remembered = _Remembered(until=self._clock() + timedelta(seconds=ttl_s), found=found)
        self._remembered[did.text] = remembered
        self._remembered.move_to_end(did.text)
        while len(self._remembered) > MAX_DOCUMENTS:
            self._remembered.popitem(last=False)
        return remembered


def build_resolver(fetcher: Fetcher, *, clock: Clock) -> MethodResolver:
    """Build the resolver for the methods that Handstamp knows: did:key, did:jwk and did:web."""

    async def read_web(did: Did) -> DidDocument:
        return await fetch_did_web(did, fetcher)

    return MethodResolver({"key": _at_once(read_did_key), "jwk": _at_once(read_did_jwk), "web": read_web}, clock=clock)


async def fetch_did_web(did: Did, fetcher: Fetcher) -> DidDocument:
    """Fetch the document of a did:web; redirects are not followed.

    Raises:
        Malformed: the DID or the document cannot be read.
        DidNotResolved: there is none, or its host is out of reach.
    """
    address = build_did_web_address(did)
    try:
        reply = await fetcher.request(
            "GET", address, headers={"Accept": "application/did+json, application/json"}, max_bytes=MAX_DOCUMENT_BYTES
        )
    except (FetchFailed, FetchRefused) as error:
        raise DidNotResolved(did.text, error.detail.removesuffix(".")) from error
    if reply.status != _OK:
        raise DidNotResolved(did.text, f"its host answered with status {reply.status}")
    return parse_did_document(reply.body, did=did.text)


def _at_once(read: Callable[[Did], DidDocument]) -> DidMethod:
    async def resolve(did: Did) -> DidDocument:
        return read(did)

    return resolve

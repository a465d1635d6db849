"""What the tests of `handstamp verify` have in common."""

from __future__ import annotations

import secrets
from typing import Any

import httpx

from credentials.dids import build_did_document, parse_did_document
from credentials.encoding.strict_json import dump
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt.issuing import build_sd_jwt_vc
from credentials.sd_jwt.presenting import build_presentation
from credentials.sd_jwt.reading import parse_sd_jwt
from credentials.status import StatusReference
from handstamp.verifying.checking import Asked
from handstamp.verifying.gathering import Sources, verify_file
from handstamp.verifying.reading import read_file
from handstamp.verifying.report import Outcome, Report
from plumbing.dids import build_resolver
from plumbing.fetch import FetchRefused, Reply
from tests.credentials.conftest import make_world
from tests.credentials.verify_linked.conftest import DID, KIND, NOW, URL, Town

TOWN = Town()
CERTIFIED = make_world()
LIST = "https://coop.example/lists/1"
HOLDER = LocalSigner.generate()
DOCUMENT = parse_did_document(
    dump(
        build_did_document(
            DID,
            [CERTIFIED.issuer.public_key],
            multikeys=[TOWN.signer.public_key],
            type_keys=TOWN.type_keys,
        )
    ),
    did=DID,
)
FILES = Sources(documents={DID: DOCUMENT})


class Host:
    """The co-op's host, as far as the network shows it."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    async def request(self, method: str, url: str, **_: Any) -> Reply:
        self.asked.append(url)
        if url not in self.pages:
            raise FetchRefused("coop.example", f"{method} of what is not there")
        return Reply(status=200, headers=httpx.Headers(), body=self.pages[url])


def online(**pages: bytes) -> Sources:
    document = build_did_document(DID, [], multikeys=[TOWN.signer.public_key], type_keys=TOWN.type_keys)
    host = Host({f"{URL}/.well-known/did.json": dump(document), LIST: pages.get("status", b"")})
    return Sources(fetcher=host, resolver=build_resolver(host, clock=lambda: NOW))


async def check(data: Any, sources: Sources = FILES, **asked: Any) -> Report:
    written = data.encode() if isinstance(data, str) else dump(data)
    return await verify_file(read_file(written), sources=sources, asked=Asked(**asked), at=NOW)


def went(report: Report) -> dict[int, str]:
    return {each.step.number: each.outcome.value for each in report.steps}


def notes(report: Report) -> dict[int, str]:
    return {each.step.number: each.note for each in report.steps if each.outcome is Outcome.NOT_COMPARED}


def sd_jwt(**changes: Any) -> str:
    options: dict[str, Any] = {
        "vct": KIND.vct,
        "issuer": URL,
        "holder_key": HOLDER.public_key,
        "issued_at": int(NOW.replace(day=1, hour=0).timestamp()),
        "disclosable": {name: KIND.example[name] for name in KIND.claim_names},
        "digest_count": KIND.digest_count,
        "status": StatusReference(uri=LIST, index=7),
        "signer": CERTIFIED.issuer,
        "x5c": CERTIFIED.x5c,
        "random": secrets.token_bytes,
    }
    return build_sd_jwt_vc(**(options | changes))


def shown_sd_jwt(credential: str | None = None) -> str:
    return build_presentation(
        parse_sd_jwt(credential or sd_jwt()),
        disclose=["track"],
        nonce="the-nonce-of-a-request",
        audience="x509_san_dns:shop.example",
        issued_at=int(NOW.timestamp()),
        signer=HOLDER,
    )

"""What can be wrong with what a co-op states to others: its keys, its status lists, its catalogue."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from credentials.encoding import base64url, strict_json
from credentials.errors import HandstampError, Malformed
from credentials.keys.jwk import PublicKey
from credentials.status.token import MEDIA_TYPE, verify_status_list
from credentials.trust import TrustedIssuer
from handstamp.composition.issuer import KEY_NAME
from handstamp.doctor.case import Case, NotToBeSeen
from handstamp.doctor.checks.asking import KEY_DOCUMENT, OK, ask_releases, kids_of
from handstamp.doctor.checks.keys import key_files
from handstamp.doctor.kinds import ISSUER, Finding, Kind, error, warning
from handstamp.doctor.web import Answer

_NEARLY_OVER: Final = timedelta(hours=6)
_BATCHES: Final = 6
_STALE: Final = timedelta(hours=1)
_RELEASES: Final = "SELECT DISTINCT source_url FROM release ORDER BY source_url"
_LISTS: Final = "/statuslists"


def _own_key(case: Case) -> PublicKey:
    if not any(path.stem.startswith(KEY_NAME) for path in key_files(case)):
        raise NotToBeSeen
    try:
        return case.keys.signer(KEY_NAME).public_key
    except HandstampError as refused:
        raise NotToBeSeen from refused


async def _keys_differ(case: Case) -> Iterable[Finding]:
    answer, own = await case.public(f"/.well-known/{KEY_DOCUMENT}"), _own_key(case).thumbprint
    if own in kids_of(answer):
        return []
    return [
        error(
            "The public address states other keys than the one that signs here; what is signed is refused.",
            where=f"{case.url}/.well-known/{KEY_DOCUMENT}",
            do="Start the service again. If several run, let them share one key folder; empty caches on the way.",
        )
    ]


async def _did_differs(case: Case) -> Iterable[Finding]:
    answer, own = await case.public("/.well-known/did.json"), _own_key(case).thumbprint
    methods = answer.json().get("verificationMethod")
    named = [str(each.get("id")) for each in methods if isinstance(each, dict)] if isinstance(methods, list) else []
    if any(name.endswith(f"#{own}") for name in named):
        return []
    return [
        error(
            "The DID document is missing or states other keys than the one that signs here; linked credentials are "
            "refused.",
            where=f"{case.url}/.well-known/did.json",
            do="Start the service again, and let the proxy lead everything below /.well-known/ to it.",
        )
    ]


def _publishing_behind(case: Case) -> Iterator[Finding]:
    late = int((case.now + _NEARLY_OVER).timestamp())
    ((ending,),) = case.rows("SELECT count(*) FROM status_list WHERE expires_at < :late", late=late)
    batch = timedelta(minutes=case.settings.issuer.status_batch_minutes)
    since = int((case.now - _BATCHES * batch).timestamp())
    ((waiting,),) = case.rows("SELECT count(*) FROM status_end WHERE NOT settled AND ended_at < :since", since=since)
    if ending:
        yield error(
            f"{ending} status lists end soon or have ended, and were not signed again: sites then admit nobody.",
            where="the co-op's status lists",
            do="Start the service, or run `handstamp issuer publish`; look at its log for why it did not.",
        )
    if waiting:
        yield warning(
            f"What was taken back of {waiting} copies has waited for more than {_BATCHES} batches.",
            where="the co-op's status lists",
            do="Start the service, or run `handstamp issuer publish`; look at its log for why it did not.",
        )


def _lists_moved(case: Case) -> Iterable[Finding]:
    for (token,) in case.rows("SELECT token FROM status_list WHERE token IS NOT NULL ORDER BY signed_at LIMIT 1"):
        with suppress(Malformed, IndexError, ValueError):
            claims = strict_json.parse_object(
                base64url.decode(token.split(".")[1], what="status list"), what="status list", max_bytes=1 << 20
            )
            uri = str(claims.get("sub"))
            if not uri.startswith(f"{case.url}{_LISTS}/"):
                was = f"{urlsplit(uri).scheme}://{urlsplit(uri).netloc}"
                yield error(
                    f"Records were issued under {was}; they name status lists there, and sites ask for them there.",
                    where="issuer.base_url",
                    do=f"Set it back to {was}, or keep {was}{_LISTS} leading here until the last record has ended.",
                )


async def _first_list(case: Case) -> tuple[str, Answer] | None:
    named = (await case.public(_LISTS)).json().get("status_lists")
    uris = [str(each) for each in named] if isinstance(named, list) else []
    if not uris or not uris[0].startswith(f"{case.url}/"):
        return None
    return uris[0], await case.other(uris[0], Accept=MEDIA_TYPE)  # the same list is there as a credential, too


async def _list_unreachable(case: Case) -> Iterable[Finding]:
    answer = await case.public(_LISTS)
    uris = answer.json().get("status_lists")
    if answer.status == OK and isinstance(uris, list):
        first = await case.web.ask("GET", str(uris[0]), headers={"Accept": MEDIA_TYPE}) if uris else answer
        if not isinstance(first, str) and first.status == OK:
            return []
    return [
        error(
            "Status lists cannot be fetched from outside: sites then admit nobody, or everybody, as they chose.",
            where=f"{case.url}{_LISTS}",
            do="Let the proxy lead everything to the service, and look at its log.",
        )
    ]


async def _list_foreign(case: Case) -> Iterable[Finding]:
    found, own = await _first_list(case), _own_key(case)
    if found is None or found[1].status != OK:
        return []
    us = TrustedIssuer(issuer=case.url, name="us", keys=frozenset({own.thumbprint}))
    try:
        verify_status_list(found[1].body.decode("ascii", "replace").strip(), uri=found[0], issuer=us, at=case.now)
    except HandstampError as refused:
        return [
            error(
                f"A status list as it comes from outside is refused: {refused.detail.rstrip('.')}.",
                where=found[0],
                do="Empty caches on the way, run `handstamp issuer publish`, and see that only one key folder is in "
                "use.",
            )
        ]
    return []


async def _catalogue_unreachable(case: Case) -> Iterable[Finding]:
    return await ask_releases(case, [str(url) for (url,) in case.rows(_RELEASES)], whose="the co-op sells")


KINDS: Final = (
    Kind(id="keys_differ", title="Published keys differ from ours", roles=ISSUER, ask=_keys_differ),
    Kind(id="did_differs", title="DID document missing or of other keys", roles=ISSUER, ask=_did_differs),
    Kind(id="publishing_behind", title="Status lists not published in time", roles=ISSUER, look=_publishing_behind),
    Kind(id="status_moved", title="Status lists moved", roles=ISSUER, look=_lists_moved),
    Kind(id="status_unreachable", title="Status lists unreachable", roles=ISSUER, ask=_list_unreachable),
    Kind(id="status_refused", title="Status list stale or of another key", roles=ISSUER, ask=_list_foreign),
    Kind(
        id="catalogue_unreachable",
        title="Releases missing at the trackserver",
        roles=ISSUER,
        ask=_catalogue_unreachable,
    ),
)

"""Questions that checks of several parties ask of others."""

from collections.abc import Mapping
from typing import Final

from handstamp.doctor.case import Case
from handstamp.doctor.kinds import Finding, error, warning
from handstamp.doctor.web import Answer

MOST_ASKED: Final = 20
OK: Final = 200
KEY_DOCUMENT: Final = "jwt-vc-issuer"
_GONE: Final = frozenset({404, 410})


def kids_of(answer: Answer) -> set[str]:
    """Return the ids of the keys in a JWK Set, or in what holds one under `jwks`."""
    members = answer.json()
    inner = members.get("jwks")
    keys = (inner if isinstance(inner, Mapping) else members).get("keys")
    return {str(key.get("kid")) for key in keys if isinstance(key, Mapping)} if isinstance(keys, list) else set()


async def ask_releases(case: Case, urls: list[str], *, whose: str) -> list[Finding]:
    """Ask trackservers for releases, and say which are gone or silent."""
    found = []
    for url in urls[:MOST_ASKED]:
        answer = await case.web.ask("GET", url)
        if isinstance(answer, str):
            found.append(
                warning(
                    f"The trackserver of a release that {whose} does not answer: {answer}.",
                    where=url,
                    do="Start it, or look at its address; until then nobody downloads that.",
                )
            )
        elif answer.status in _GONE:
            found.append(
                error(
                    f"A release that {whose} is no longer at its trackserver.",
                    where=url,
                    do="Add it there again (`handstamp tracks add`), or take it off here.",
                )
            )
    return found

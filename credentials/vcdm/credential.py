"""What every credential must be (VCDM 2.0 §4, §5; VCDM 1.1 §4 for those that came before).

The `@context` says which of the two it is. A member that is not named here may stand in a credential; whether it means
anything is decided by its context.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final

from credentials.encoding.date_time import parse_date_time
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.refusals import Expired, NotYetValid
from credentials.vcdm.values import (
    Check,
    as_items,
    check_id,
    check_object,
    check_url,
    check_words,
    each,
    read_types,
    typed,
)

TYPE: Final = "VerifiableCredential"
_WHAT: Final = "credential"
_DIGESTS: Final = ("digestSRI", "digestMultibase")


class Version(Enum):
    """Which data model a document follows; the value is the context that must stand first."""

    V2_0 = "https://www.w3.org/ns/credentials/v2"
    V1_1 = "https://www.w3.org/2018/credentials/v1"

    @property
    def valid_from(self) -> str:
        """The member that says when a credential begins to count."""
        return "validFrom" if self is Version.V2_0 else "issuanceDate"

    @property
    def valid_until(self) -> str:
        """The member that says when it ends."""
        return "validUntil" if self is Version.V2_0 else "expirationDate"


def read_version(document: Mapping[str, Json], *, what: str = _WHAT) -> Version:
    """Read which data model a credential or presentation follows (VCDM 2.0 §4.3).

    Raises:
        Malformed: `@context` is not an array that begins with one of the two.
    """
    contexts = document.get("@context")
    # 1.1 §4.1 says set, and its examples begin with a text alone.
    if isinstance(contexts, str) and contexts == Version.V1_1.value:
        return Version.V1_1
    if not isinstance(contexts, list) or not contexts:
        raise Malformed(what, "`@context` is not an array")
    for item in contexts[1:]:
        if not isinstance(item, dict):
            check_url(item, f"`@context` of the {what}")
    for version in Version:
        if contexts[0] == version.value:
            return version
    raise Malformed(what, f"its `@context` does not begin with {Version.V2_0.value}")


def check_credential(
    document: Mapping[str, Json], *, at: datetime | None = None, clock_skew_s: int = 0, what: str = _WHAT
) -> Version:
    """Check the form of a credential, and its dates if a time is given; return its version.

    Args:
        document: the credential, its proof beside it or not.
        at: the time of the check; None to check the form alone.
        clock_skew_s: how far clocks may differ.
        what: which credential it is, for the words of errors.

    Raises:
        Malformed: it breaks a rule of its data model.
        NotYetValid, Expired: it does not count at this time.
    """
    version = read_version(document, what=what)
    if TYPE not in read_types(document, what):
        raise Malformed(what, f"its `type` does not name {TYPE}")
    required, rules = _RULES[version]
    for name in required:
        if name not in document:
            raise Malformed(what, f"`{name}` is missing")
    for name, check in rules.items():
        if name in document:
            check(document[name], f"`{name}` of the {what}")
    check_id(document, what)
    _check_order(document, version, what)
    if at is not None:
        check_valid_at(document, at=at, clock_skew_s=clock_skew_s)
    return version


def check_valid_at(document: Mapping[str, Json], *, at: datetime, clock_skew_s: int = 0) -> None:
    """Check that a credential has begun and has not ended (VCDM 2.0 §4.9).

    Raises:
        NotYetValid, Expired: it does not count at this time.
        Malformed: one of its dates cannot be read.
    """
    version, skew = read_version(document), timedelta(seconds=clock_skew_s)
    start, end = (_read_moment(document, name) for name in (version.valid_from, version.valid_until))
    if start is not None and at + skew < start:
        raise NotYetValid(_WHAT)
    # The last moment still counts: `validUntil` is the latest at which it is valid.
    if end is not None and at - skew > end:
        raise Expired(_WHAT)


def read_issuer(document: Mapping[str, Json]) -> str:
    """Return who a credential says issued it, whether it names them alone or with more about them (VCDM 2.0 §4.7).

    Raises:
        Malformed: it does not say.
    """
    return read_party(document, "issuer", _WHAT)


def read_party(document: Mapping[str, Json], name: str, what: str) -> str:
    """Return the URL of a party: the member itself, or its `id`."""
    value = document.get(name)
    url = value.get("id") if isinstance(value, dict) else value
    check_url(url, f"`{name}` of the {what}")
    return str(url)


def _read_moment(document: Mapping[str, Json], name: str) -> datetime | None:
    # VCDM 2.0 §7.4: what comes without a zone is in UTC.
    return parse_date_time(document[name], what=f"`{name}` of the credential") if name in document else None


def _check_order(document: Mapping[str, Json], version: Version, what: str) -> None:
    start, end = (_read_moment(document, name) for name in (version.valid_from, version.valid_until))
    if start is not None and end is not None and end < start:
        raise Malformed(what, f"`{version.valid_until}` is before `{version.valid_from}`")


def _check_issuer(value: Json, what: str) -> None:
    if isinstance(value, dict):
        check_id(value, what, required=True)
        for name in ("name", "description"):
            if name in value:
                check_words(value[name], f"`{name}` in {what}")
    else:
        check_url(value, what)


def _check_subject(value: Json, what: str) -> None:
    # A subject of which only the `id` is left says nothing, but the W3C's own schema and derived credentials have it.
    members = check_object(value, what)
    if not members:
        raise Malformed(what, "it has no claims")
    check_id(members, what)


def _check_moment(value: Json, what: str) -> None:
    parse_date_time(value, what=what)


def _check_resources(value: Json, what: str) -> None:
    # VCDM 2.0 §5.3.
    ids: list[Json] = []
    for item in as_items(value, what):
        members = check_object(item, what)
        check_id(members, what, required=True)
        ids.append(members["id"])
        digests = [members[name] for name in _DIGESTS if name in members]
        texts = [text for digest in digests for text in as_items(digest, what)]
        if not texts or not all(isinstance(text, str) and text for text in texts):
            raise Malformed(what, "one of the resources has no digest")
    if len(set(map(str, ids))) != len(ids):
        raise Malformed(what, "two of the resources have one `id`")


_SHARED: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "issuer": _check_issuer,
        "credentialSubject": each(_check_subject),
        "termsOfUse": each(typed()),
        "evidence": each(typed()),
        "credentialSchema": each(typed(identified=True)),
    }
)
_RULES: Final[Mapping[Version, tuple[tuple[str, ...], Mapping[str, Check]]]] = MappingProxyType(
    {
        Version.V2_0: (
            ("issuer", "credentialSubject"),
            {
                **_SHARED,
                "name": check_words,
                "description": check_words,
                "validFrom": _check_moment,
                "validUntil": _check_moment,
                "credentialStatus": each(typed()),
                "refreshService": each(typed()),
                "relatedResource": _check_resources,
            },
        ),
        Version.V1_1: (
            ("issuer", "credentialSubject", "issuanceDate"),
            {
                **_SHARED,
                "issuanceDate": _check_moment,
                "expirationDate": _check_moment,
                "credentialStatus": each(typed(identified=True)),
                "refreshService": each(typed(identified=True)),
            },
        ),
    }
)
"""For each version the members that must be there, and the check of each that is."""

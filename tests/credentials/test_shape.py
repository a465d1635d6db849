"""Ends and statuses of credentials are those of all others of their type, or they could tag the holder."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from credentials.keys.certificates import load_chain_pem
from credentials.months import months_after, start_of_month
from credentials.refusals import Recognisable
from credentials.sd_jwt import parse_sd_jwt
from credentials.shape import check_shape
from credentials.status.reference import StatusReference

if TYPE_CHECKING:
    from tests.credentials.conftest import World

STATUS = StatusReference(uri="http://coop.localhost:8701/statuslists/7", index=93_810)


def check(world: World, credential: str, **changes: Any) -> None:
    arguments: dict[str, Any] = {
        "issuer_key": world.issuer.public_key.thumbprint,
        "at": world.now,
        "digest_count": 12,
        "claim_names": frozenset(world.claims),
        "clock_skew_s": 60,
    }
    check_shape(parse_sd_jwt(credential), **(arguments | changes))


def marked(words: str, world: World, credential: str, **changes: Any) -> None:
    with pytest.raises(Recognisable) as refusal:
        check(world, credential, **changes)
    assert refusal.value.code == "recognisable"
    assert words in refusal.value.detail


def test_an_end_and_a_status_are_fine_where_the_type_has_them(world: World) -> None:
    end = months_after(world.month_s, 2)
    check(world, world.issue(expires_at=end), lifetime_months=2)
    check(world, world.issue(expires_at=end, status=STATUS), lifetime_months=2, has_status=True)
    check(world, world.issue(status=STATUS))
    check(world, world.issue(), has_status=False)


def test_an_end_of_its_own_could_tag_the_holder(world: World) -> None:
    end = months_after(world.month_s, 2)
    for odd in (end + 1, end - 86_400, months_after(world.month_s, 3), 2**52, -1):
        marked("it does not end when others do", world, world.issue(expires_at=odd), lifetime_months=2)
    marked("it always shows other claims", world, world.issue(expires_at=end))
    marked("it always shows other claims", world, world.issue(), lifetime_months=2)


def test_a_status_too_many_or_too_few_could_tag_the_holder(world: World) -> None:
    marked("it always shows other claims", world, world.issue(status=STATUS), has_status=False)
    marked("it always shows other claims", world, world.issue(), has_status=True)


@pytest.mark.parametrize(
    "uri", ["https://tracker.example/1", "http://coop.localhost:87012/1", "http://coop.localhost:8701", ""]
)
def test_a_status_kept_elsewhere_could_tag_the_holder(world: World, uri: str) -> None:
    marked("its status is kept elsewhere", world, world.issue(status=StatusReference(uri=uri, index=1)))


@pytest.mark.parametrize(
    "status",
    [
        {"status_list": {"uri": STATUS.uri, "idx": 1}},
        {"status_list": {"idx": 1, "uri": STATUS.uri, "holder": "7"}},
        {"status_list": {"idx": -1, "uri": STATUS.uri}},
        {"status_list": {"idx": True, "uri": STATUS.uri}},
        {"status_list": {"idx": "1", "uri": STATUS.uri}},
        {"status_list": {"idx": 1, "uri": 1}},
        {"status_list": []},
        {"status_list": {"idx": 1, "uri": STATUS.uri}, "other": 1},
        "good",
    ],
    ids=str,
)
def test_a_status_written_otherwise_could_tag_the_holder(world: World, status: Any) -> None:
    class Odd(StatusReference):
        @override
        def to_json(self) -> Any:
            return status

    marked("its status is kept elsewhere, or written otherwise", world, world.issue(status=Odd(uri="", index=0)))


def chain_with_spare_bits(authority: trustme.CA) -> list[str]:
    """A chain whose leaf has a length that base64 fills up; serial numbers and signatures make it differ each time."""
    while True:
        leaf = authority.issue_cert("coop.localhost", key_type=trustme.KeyType.ECDSA)
        x5c = load_chain_pem(leaf.cert_chain_pems[0].bytes()).x5c()
        if x5c[0].endswith("="):
            return x5c


def with_spare_bits_set(certificate: str) -> str:
    bare = certificate.rstrip("=")
    return bare[:-1] + chr(ord(bare[-1]) + 1) + "=" * (len(certificate) - len(bare))


@pytest.mark.parametrize(
    "mark",
    [
        lambda mine, stranger: [*mine, stranger],
        lambda mine, _: [*mine, mine[0]],
        lambda mine, stranger: [*mine, stranger, stranger],
        lambda mine, _: [with_spare_bits_set(mine[0]), *mine[1:]],
    ],
    ids=["a certificate beside it", "twice the same", "several beside it", "spare bits of its base64"],
)
def test_a_chain_with_more_than_it_needs_could_tag_the_holder(world: World, mark: Any) -> None:
    own = chain_with_spare_bits(trustme.CA(key_type=trustme.KeyType.ECDSA))
    stranger = base64.b64encode(
        x509.load_pem_x509_certificate(trustme.CA().cert_pem.bytes()).public_bytes(Encoding.DER)
    )
    check(world, world.issue(x5c=own))
    marked("its certificates are more", world, world.issue(x5c=mark(own, stranger.decode())))


@given(
    at=st.datetimes(datetime(1970, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    months=st.integers(0, 600),
)
def test_months_are_counted_from_first_second_to_first_second(at: datetime, months: int) -> None:
    end = datetime.fromtimestamp(months_after(start_of_month(at), months), UTC)
    assert (end.day, end.hour, end.minute, end.second) == (1, 0, 0, 0)
    assert (end.year * 12 + end.month) - (at.year * 12 + at.month) == months

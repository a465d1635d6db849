import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackserver.ranges import Answer, Part, Unchanged, Unsatisfiable, Whole, choose_answer


def ask(range_header: str | None = None, *, size: int = 100, **headers: str) -> Answer:
    return choose_answer(
        size=size,
        etag="abc",
        range_header=range_header,
        if_range=headers.get("if_range"),
        if_none_match=headers.get("if_none_match"),
    )


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        (None, Whole()),
        ("bytes=0-9", Part(0, 10)),
        ("bytes=90-", Part(90, 100)),
        ("bytes=-5", Part(95, 100)),
        ("bytes=-500", Part(0, 100)),
        ("bytes=50-5000", Part(50, 100)),
        ("BYTES=0-0", Part(0, 1)),
        ("bytes=100-", Unsatisfiable()),
        ("bytes=-0", Unsatisfiable()),
        ("bytes=9-3", Whole()),
        ("bytes=0-1,5-6", Whole()),
        ("lines=0-9", Whole()),
        ("bytes=a-b", Whole()),
        ("bytes=-", Whole()),
        ("bytes=\u0661-", Whole()),
        ("bytes=" + "1" * 5000 + "-", Whole()),
        ("bytes=" + "9" * 30 + "-", Whole()),
    ],
)
def test_a_range_is_answered_as_http_says(header: str | None, answer: Answer) -> None:
    assert ask(header) == answer


def test_nothing_of_an_empty_file_can_be_a_part() -> None:
    assert ask("bytes=0-", size=0) == Unsatisfiable()
    assert ask("bytes=-1", size=0) == Unsatisfiable()


@pytest.mark.parametrize("tag", ['"abc"', 'W/"abc"', '"x", "abc"', "*", ' "abc" '])
def test_what_the_client_has_is_not_sent_again(tag: str) -> None:
    assert ask(if_none_match=tag) == Unchanged()


@pytest.mark.parametrize("tag", ['"ab"', "abc", '"x", "y"', ""])
def test_another_version_is_sent(tag: str) -> None:
    assert ask(if_none_match=tag) == Whole()


def test_a_download_goes_on_only_with_the_same_version() -> None:
    assert ask("bytes=5-", if_range='"abc"') == Part(5, 100)
    assert ask("bytes=5-", if_range='"old"') == Whole()
    assert ask("bytes=5-", if_range='W/"abc"') == Whole()
    assert ask("bytes=5-", if_range="Sat, 21 Nov 2026 09:00:00 GMT") == Whole()


@given(st.text(max_size=40), st.integers(0, 1000))
def test_no_header_leads_beyond_the_file(text: str, size: int) -> None:
    for header in (text, f"bytes={text}"):
        match ask(header, size=size):
            case Part(start=start, stop=stop):
                assert 0 <= start < stop <= size
            case _:
                pass

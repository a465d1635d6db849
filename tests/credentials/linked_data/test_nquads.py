"""N-Quads: read as the grammar has them, written in one way."""

from __future__ import annotations

import pytest

from credentials.errors import Malformed
from credentials.linked_data import OversizedLinkedData, Quad, canonicalize_nquads, parse_nquads

S, P = "<urn:s>", "<urn:p>"


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (f'{S} {P} "a" .', f'{S} {P} "a" .\n'),
        (f'{S}{P}"a".', f'{S} {P} "a" .\n'),
        (f'\t{S} {P} "a"@en-GB <urn:g> . # said so', f'{S} {P} "a"@en-GB <urn:g> .\n'),
        (f'{S} {P} "1"^^<http://www.w3.org/2001/XMLSchema#string> .', f'{S} {P} "1" .\n'),
        (f'{S} {P} "1"^^<urn:t> .', f'{S} {P} "1"^^<urn:t> .\n'),
        (rf'{S} {P} "\u00e9\t\'\"\\\U0001F600" .', f'{S} {P} "é\\t\'\\"\\\\😀" .\n'),
        (f'{S} {P} "\u2028\u0085\x00\x7f" .', f'{S} {P} "\u2028\u0085\\u0000\\u007F" .\n'),
        (rf"<urn:\u00e9> {P} <urn:o> .", f"<urn:é> {P} <urn:o> .\n"),
        ("# nothing", ""),
        ("", ""),
    ],
)
def test_a_line_is_written_canonically(line: str, written: str) -> None:
    assert canonicalize_nquads(line).text == written


def test_what_is_stated_twice_is_stated_once() -> None:
    assert parse_nquads(f'{S} {P} "a" .\r\n{S} {P} "\\u0061" .') == (Quad(S, P, '"a"'),)


@pytest.mark.parametrize(
    "line",
    [
        f"{S} {P} .",
        f'"a" {P} {S} .',
        f"{S} _:p {S} .",
        f'{S} {P} "a"',
        f'{S} {P} "a" "g" .',
        f"{S} {P} <relative> .",
        rf"<urn:\u0020> {P} {S} .",
        f"<urn:a b> {P} {S} .",
        rf'{S} {P} "\q" .',
        rf'{S} {P} "\ud800" .',
        rf'{S} {P} "\UFFFFFFFF" .',
        f'{S} {P} "a"@ .',
        f"{S} {P} _:a. .x",
        f"{S} {P} _: .",
    ],
)
def test_what_is_no_statement_is_refused(line: str) -> None:
    with pytest.raises(Malformed):
        parse_nquads(line)


def test_a_text_beyond_every_need_is_not_read() -> None:
    with pytest.raises(Malformed, match="longer than"):
        parse_nquads("#" * 4_000_001)


def test_more_statements_than_anybody_needs_are_refused() -> None:
    with pytest.raises(OversizedLinkedData, match="statements"):
        parse_nquads("".join(f"{S} {P} <urn:{number}> .\n" for number in range(5_001)))

"""The benchmark itself works: every figure can be taken. How large it is, is no business of a test."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from benchmarks.chart import draw_chart
from benchmarks.measure import Figure, Goal, measure_rates
from benchmarks.run import Effort, describe_machine, measure_all, write_results

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Effort(rounds=1, seconds=0, flows=1, served_flows=1, zip_bytes=100_003, large_zip_bytes=1_000_000)


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = tmp_path / "handstamp.toml"
    empty.touch()
    monkeypatch.setenv("HANDSTAMP_CONFIG", str(empty))


def test_every_action_is_measured_in_every_round() -> None:
    done: list[str] = []
    rates = measure_rates({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, rounds=2, seconds=0)
    assert set(rates) == {"a", "b"}
    assert done == ["a", "a", "b", "b"] * 2


@pytest.mark.slow
@pytest.mark.usefixtures("no_settings")
def test_every_figure_can_be_taken_and_stands_in_the_results() -> None:
    figures = list(measure_all(SMALL))
    written = write_results(figures, machine="Here.", took_s=1.0)
    assert [line for line in written.splitlines() if line.startswith("| ")][2:] == [
        f"| {figure.name} | {figure.rate} | {figure.limit} | {figure.ratio} | {figure.goal or ''} |"
        for figure in figures
    ]
    assert all(figure.value > 0 for figure in figures[:-1])


def test_the_results_say_what_machine_they_are_from() -> None:
    figure = Figure(name="Zip", rate="1 MB/s", limit="one plain file: 2 MB/s", ratio="0.50", value=0.5)
    written = write_results([figure], machine=describe_machine(), took_s=7.0)
    assert "cores" in written
    assert "Python" in written
    assert "| Zip | 1 MB/s | one plain file: 2 MB/s | 0.50 |  |" in written


FAST = Figure(name="Sign <fast>", rate="2/s", limit="raw: 10/s", ratio="0.20", value=0.2, goal=Goal(value=0.15))
SLOW = Figure(name="Flow", rate="2/s", limit="raw: 10/s", ratio="300", value=300, goal=Goal(value=100, at_most=True))
PLAIN = Figure(name="Raw", rate="10/s", limit="is a limit itself", ratio="", value=1.0)


def test_the_chart_says_in_words_what_it_shows() -> None:
    chart = draw_chart([FAST, SLOW, PLAIN])
    ET.fromstring(chart)  # noqa: S314  # our own
    assert '<title id="title">1 of 2 figures are as wanted; not so: Flow.</title>' in chart
    assert "Sign &lt;fast&gt;: 0.2, at least 0.15: met. Flow: 300, at most 100: missed." in chart
    assert "prefers-color-scheme: dark" in chart
    assert "Raw" not in chart


def test_the_results_show_the_chart_with_its_words() -> None:
    written = write_results([FAST, PLAIN], machine="Here.", took_s=1.0)
    assert "![1 of 1 figures are as wanted.](RESULTS.svg)" in written
    assert "| Sign <fast> | 2/s | raw: 10/s | 0.20 | at least 0.15 |" in written

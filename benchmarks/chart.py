"""Draws the figures that have a goal: each bar beside the line that it shall reach, or not pass.

The chart is one SVG file without a script or a font of its own. It follows the reader's light or dark colours, says the
same in words (`title`, `desc` and the text beside each bar), and marks what is met by a word, not by colour alone.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from benchmarks.measure import Figure, Goal

_WIDTH: Final = 960
_ROW: Final = 26
_TOP: Final = 64
_LEFT: Final = 400
_GOAL: Final = 240
"""How far right of the bars' beginning the line of each goal is."""
_LONGEST: Final = 330
_STYLE: Final = """
  .back { fill: #ffffff } text { font: 13px system-ui, sans-serif; fill: #1a1a1a } .head { font-size: 16px }
  .met { fill: #2a6f97 } .missed { fill: #b3541e } .line { stroke: #1a1a1a; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #14171a } text { fill: #f0f0f0 } .met { fill: #6cb6dd } .missed { fill: #f0965c }
    .line { stroke: #f0f0f0 }
  }
"""


def describe_chart(figures: Sequence[Figure]) -> str:
    """Say in a sentence what the chart shows."""
    known = [(figure, figure.goal) for figure in figures if figure.goal is not None]
    missed = [figure.name for figure, goal in known if not goal.is_met_by(figure.value)]
    words = f"{len(known) - len(missed)} of {len(known)} figures are as wanted"
    return f"{words}; not so: {'; '.join(missed)}." if missed else f"{words}."


def draw_chart(figures: Sequence[Figure]) -> str:
    """Draw the chart as SVG."""
    known = [(figure, figure.goal) for figure in figures if figure.goal is not None]
    height = _TOP + _ROW * len(known) + 16
    rows = "\n".join(_draw_row(figure, goal, _TOP + _ROW * n) for n, (figure, goal) in enumerate(known))
    told = escape(" ".join(f"{figure.name}: {_words(figure, goal)}." for figure, goal in known))
    line = _LEFT + _GOAL
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"
  aria-labelledby="title desc">
<title id="title">{escape(describe_chart(figures))}</title>
<desc id="desc">{told}</desc>
<style>{_STYLE}</style>
<rect class="back" width="{_WIDTH}" height="{height}"/>
<text class="head" x="16" y="28">Each figure beside what is wanted</text>
<text x="16" y="50">Of "at least", a bar shall reach the line; of "at most", it shall not pass it.</text>
{rows}
<line class="line" x1="{line}" y1="{_TOP - 6}" x2="{line}" y2="{height - 12}"/>
</svg>
"""


def _draw_row(figure: Figure, goal: Goal, y: int) -> str:
    length = min(max(2.0, _GOAL * figure.value / goal.value), _LONGEST)
    kind = "met" if goal.is_met_by(figure.value) else "missed"
    name = f'<text x="{_LEFT - 10}" y="{y + 14}" text-anchor="end">{escape(_short(figure.name))}</text>'
    bar = f'<rect class="{kind}" x="{_LEFT}" y="{y + 2}" width="{length:.1f}" height="16" rx="2"/>'
    words = f'<text x="{_LEFT + _LONGEST + 8}" y="{y + 14}">{escape(_words(figure, goal))}</text>'
    return f"{name}\n{bar}\n{words}"


def _words(figure: Figure, goal: Goal) -> str:
    value = f"{figure.value:.3g}" if figure.value < _WHOLE else f"{figure.value:.0f}"
    return f"{value}, {goal}: {'met' if goal.is_met_by(figure.value) else 'missed'}"


def _short(name: str) -> str:
    return name if len(name) <= _MOST_CHARACTERS else f"{name[: _MOST_CHARACTERS - 1]}…"


_WHOLE: Final = 10
_MOST_CHARACTERS: Final = 58

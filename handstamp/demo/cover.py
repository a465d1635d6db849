"""The cover of the demo's EP, drawn: a road home at night, printed in the colours of a rubber stamp."""

import math
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

_SIZE: Final = 1400
_SCALE: Final = 2
_PAPER: Final = "#faf7f0"
_INK: Final = "#1c1b2e"
_DUSK: Final = "#3a384a"
_STAMP: Final = "#b3124a"
_GLOW: Final = "#f2c14e"
_LINE: Final = "#d9d3c5"
_Point = tuple[float, float]


def draw_cover(path: Path, *, title: str, artist: str) -> None:
    """Draw the cover as a PNG of 1400 x 1400 pixels."""
    image = Image.new("RGB", (_SIZE * _SCALE, _SIZE * _SCALE), _PAPER)
    draw = ImageDraw.Draw(image)
    _draw_night(draw)
    _draw_road(draw)
    _draw_words(draw, title, artist)
    image = image.resize((_SIZE, _SIZE), Image.Resampling.LANCZOS)
    _press_stamp(image)
    image.quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)


def _at(*points: _Point) -> list[_Point]:
    return [(x * _SCALE, y * _SCALE) for x, y in points]


def _draw_night(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle(_at((90, 90), (1310, 1010)), fill=_INK)
    draw.ellipse(_at((890, 190), (1110, 410)), fill=_STAMP)
    for index in range(46):
        # The golden angle spreads stars without a pattern and without chance.
        angle, reach = index * 2.39996, 90 + 17 * index
        x, y = 560 + reach * math.cos(angle), 360 + 0.6 * reach * math.sin(angle)
        if 120 < x < 1280 and 120 < y < 600 and math.hypot(x - 1000, y - 300) > 150:  # noqa: PLR2004  # the sky's edges
            size = 1.6 + index % 3
            draw.ellipse(_at((x - size, y - size), (x + size, y + size)), fill=_LINE)
    for height, swing, colour in ((640, 60, _DUSK), (740, 46, "#2a2940"), (850, 38, "#232238")):
        ridge = [(float(x), height + swing * math.sin(x / 170 + height)) for x in range(90, 1311, 8)]
        draw.polygon(_at(*ridge, (1310, 1010), (90, 1010)), fill=colour)


def _draw_road(draw: ImageDraw.ImageDraw) -> None:
    steps = [step / 120 for step in range(121)]
    middle = [(700 + 250 * math.sin(4.4 * part) * part, 1010 - 303 * (1 - (1 - part) ** 1.7)) for part in steps]
    widths = [150 * (1 - part) ** 2 + 5 for part in steps]
    left = [(x - width, y) for (x, y), width in zip(middle, widths, strict=True)]
    right = [(x + width, y) for (x, y), width in zip(middle, widths, strict=True)]
    draw.polygon(_at(*left, *reversed(right)), fill=_PAPER)
    for first in range(2, 112, 8):
        dash = middle[first : first + 4]
        draw.line(_at(*dash), fill=_STAMP, width=max(2, round(9 * (1 - first / 120))) * _SCALE)
    x, y = middle[-1]
    draw.polygon(_at((x - 34, y), (x - 34, y - 34), (x, y - 62), (x + 34, y - 34), (x + 34, y)), fill=_PAPER)
    draw.rectangle(_at((x - 11, y - 28), (x + 9, y - 8)), fill=_GLOW)


def _draw_words(draw: ImageDraw.ImageDraw, title: str, artist: str) -> None:
    big, small = ImageFont.load_default(104 * _SCALE), ImageFont.load_default(46 * _SCALE)
    draw.text((86 * _SCALE, 1070 * _SCALE), title, font=big, fill=_INK)
    draw.text((92 * _SCALE, 1222 * _SCALE), artist, font=small, fill=_STAMP)


def _press_stamp(image: Image.Image) -> None:
    """Press a round stamp onto the lower corner, tilted, and paler where the rubber met no paper."""
    side = 560
    stamp = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(stamp)
    draw.ellipse((14, 14, side - 14, side - 14), outline=225, width=16)
    draw.ellipse((52, 52, side - 52, side - 52), outline=225, width=6)
    for text, size, y in (("OWNED", 96, 0.43), ("FOR GOOD", 50, 0.62)):
        font = ImageFont.load_default(size)
        draw.text((side / 2, side * y), text, font=font, fill=225, anchor="mm")
    for index in range(900):
        angle, reach = index * 2.39996, math.sqrt(index) * side / 62
        x, y = side / 2 + reach * math.cos(angle * 1.7), side / 2 + reach * math.sin(angle)
        draw.ellipse((x, y, x + 2 + index % 3, y + 2 + index % 2), fill=0)
    stamp = stamp.rotate(14, resample=Image.Resampling.BICUBIC).resize((250, 250), Image.Resampling.LANCZOS)
    image.paste(Image.new("RGB", stamp.size, _STAMP), (1080, 1090), stamp)

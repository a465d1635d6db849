"""How pages write sizes, durations and dates, in the reader's language.

Every filter reads the page's language from the template variable ``language``, a global of each
language's template environment (`plumbing.web.pages`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import format_decimal
from jinja2 import pass_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2.runtime import Context

DEFAULT_LANGUAGE: Final = "en"
_STEP: Final = 1000
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_WHOLE_FROM: Final = 100
_NO_BREAK_SPACE: Final = "\u00a0"
_MINUTE_S: Final = 60
_GROUP: Final = 3
# A compressed format has one usual spelling; anything else is shown in capitals.
_FORMAT_NAMES: Final = {"opus": "Opus", "vorbis": "Ogg Vorbis", "ogg": "Ogg Vorbis"}


def locale_of(context: Mapping[str, object] | Context) -> Locale:
    """Return the locale of the page that is being rendered; an unknown language falls back to English."""
    language = str(context.get("language") or DEFAULT_LANGUAGE)
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(DEFAULT_LANGUAGE)


@pass_context
def file_size(context: Context, size_bytes: int) -> str:
    """Write a number of bytes as people compare it: ``31.2 MB``, with a space that does not break."""
    value, unit = float(size_bytes), 0
    # 999.95 would be written as 1000.0, so the next unit begins where rounding does.
    while value >= _STEP - 0.05 and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    pattern = "#,##0" if unit == 0 or value >= _WHOLE_FROM - 0.05 else "#,##0.#"
    return f"{format_decimal(value, format=pattern, locale=locale_of(context))}{_NO_BREAK_SPACE}{_UNITS[unit]}"


def duration(length_s: float) -> str:
    """Write a playing time: ``3:05``, or ``1:02:03`` from one hour on."""
    minutes, seconds = divmod(round(length_s), _MINUTE_S)
    hours, minutes = divmod(minutes, _MINUTE_S)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@pass_context
def month(context: Context, value: date | str) -> str:
    """Write a month, given as ``2026-11`` or as a date: ``November 2026``."""
    first = date.fromisoformat(f"{value}-01") if isinstance(value, str) else value
    return str(format_skeleton("yMMMM", first, locale=locale_of(context)))


@pass_context
def day(context: Context, value: date | str) -> str:
    """Write a day, given as ``2026-11-21`` or as a date: ``November 21, 2026``."""
    moment = date.fromisoformat(value) if isinstance(value, str) else value
    return str(format_date(moment, format="long", locale=locale_of(context)))


@pass_context
def clock(context: Context, value: datetime) -> str:
    """Write a moment in UTC and say so: ``Nov 21, 8:05 PM UTC``; script shows it in the reader's own zone."""
    locale, moment = locale_of(context), value.astimezone(UTC)
    text = f"{format_skeleton('MMMd', moment, locale=locale)}, {format_time(moment, format='short', locale=locale)} UTC"
    return text.replace(" ", _NO_BREAK_SPACE)


@pass_context
def number(context: Context, value: float) -> str:
    """Write a number with the language's own separators: ``1,022``."""
    return str(format_decimal(value, locale=locale_of(context)))


@pass_context
def credits_of(context: Context, milli: int) -> str:
    """Write milli-credits as credits, always with three digits after the separator: ``0.960``."""
    return str(format_decimal(Decimal(milli) / _STEP, format="#,##0.000", locale=locale_of(context)))


@pass_context
def word_list(context: Context, words: list[str] | tuple[str, ...]) -> str:
    """Join words as the language does: ``FLAC, MP3 and Opus``."""
    return str(format_list(list(words), locale=locale_of(context)))


def format_name(name: str) -> str:
    """Write the name of an audio format as people know it: ``FLAC``."""
    return _FORMAT_NAMES.get(name.lower(), name.upper())


def code_groups(code: str) -> str:
    """Write a code to type in groups of three, with spaces that do not break: ``482 913``."""
    return _NO_BREAK_SPACE.join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def iso_time(value: datetime) -> str:
    """Write a moment for a ``datetime`` attribute."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "clock": clock,
    "code_groups": code_groups,
    "credits": credits_of,
    "day": day,
    "duration": duration,
    "file_size": file_size,
    "format_name": format_name,
    "iso_time": iso_time,
    "month": month,
    "number": number,
    "word_list": word_list,
}

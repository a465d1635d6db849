"""The JSON Canonicalization Scheme (RFC 8785): one byte string for each JSON value, whoever writes it.

For what both sides build for themselves from the same values, such as the header of a presentation. What arrived signed
is checked as it arrived, and never written again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import rfc8785

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed


def canonicalize(value: Mapping[str, Json] | Sequence[Json] | float | None) -> bytes:
    """Write a JSON value in its one canonical form, as UTF-8.

    Raises:
        Malformed: it holds `NaN`, an infinity, an integer beyond 53 bits, a lone surrogate, a name that is not text,
            something that JSON does not know, or too many levels.
    """
    try:
        return rfc8785.dumps(cast("Any", value))
    # A lone surrogate in a name is a UnicodeEncodeError, which is a ValueError, as are the library's own.
    except (ValueError, RecursionError) as error:
        raise Malformed("value to write", "JSON has no canonical form for it") from error

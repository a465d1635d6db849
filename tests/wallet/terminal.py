"""What the tests of the wallet's commands have in common."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import Result

from credentials.errors import HandstampError

Run = Callable[..., Result]


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return str(result.output)


def refused(result: Result) -> HandstampError:
    assert isinstance(result.exception, HandstampError), result.output + repr(result.exception)
    return result.exception

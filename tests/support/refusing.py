"""What a test says of a refusal of the kernel."""

from collections.abc import Callable
from typing import Any

import pytest

from credentials.errors import HandstampError


def refused(code: str, action: Callable[..., object], *arguments: Any, **named: Any) -> HandstampError:
    with pytest.raises(HandstampError) as refusal:
        action(*arguments, **named)
    assert refusal.value.code == code, refusal.value
    # Whole sentences, for whoever has to act.
    assert refusal.value.detail.endswith(".")
    return refusal.value

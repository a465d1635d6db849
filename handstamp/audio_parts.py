"""The extra `audio`, which a machine that adds no music does without."""

import importlib.util
from typing import Final

from credentials.errors import OperatorError

_MODULES: Final = ("av", "mutagen")


class AudioPartsMissing(OperatorError):
    """The optional libraries that read audio are not installed."""

    code = "audio_parts_missing"

    def __init__(self) -> None:
        super().__init__("Reading audio files needs the extra parts: pip install 'handstamp[audio]'.")


def check_audio_parts() -> None:
    """Refuse to begin what needs them.

    Raises:
        AudioPartsMissing: one is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in _MODULES):
        raise AudioPartsMissing

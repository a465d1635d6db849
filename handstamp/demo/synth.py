"""A small synthesiser in plain Python: plucked notes, a pad, a bass, a kick and a brush, an echo between two speakers.

Sound is a list of floats per channel. Notes come from tables of one wave each, so a song takes a moment to make.
"""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, repeat
from operator import add, mul
from typing import Final

SAMPLE_RATE_HZ: Final = 22_050
"""Half of what the files have: nothing here sounds above 8 kHz, and plain Python is slow enough."""
_TABLE: Final = 4096
_MASK: Final = _TABLE - 1
_POINT: Final = 16
_A4_MIDI: Final = 69
_A4_HZ: Final = 440.0
_LOUDEST: Final = 28_000
_FADE_S: Final = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How an instrument sounds.

    Attributes:
        partials: strength of each harmonic of the part that lasts.
        bright: strength of each harmonic of the part that dies first.
        attack_s: until full strength.
        half_life_s: of the lasting part; the bright one has a quarter of it.
    """

    partials: tuple[float, ...]
    bright: tuple[float, ...]
    attack_s: float
    half_life_s: float


PLUCK: Final = Voice(
    partials=(1.0, 0.35, 0.12), bright=(0, 0.4, 0.35, 0.3, 0.2, 0.12), attack_s=0.004, half_life_s=0.28
)
BASS: Final = Voice(partials=(1.0, 0.5, 0.16, 0.06), bright=(0, 0.3, 0.2), attack_s=0.012, half_life_s=0.5)
PAD: Final = Voice(partials=(1.0, 0.3, 0.2, 0.06, 0.05), bright=(0.0, 0.05), attack_s=0.7, half_life_s=4.0)


def hertz(midi: float) -> float:
    """Return the frequency of a MIDI note number in equal temperament."""
    return _A4_HZ * math.exp2((midi - _A4_MIDI) / 12)


@lru_cache(maxsize=32)
def _wave(partials: tuple[float, ...]) -> list[float]:
    turns = [2 * math.pi * place / _TABLE for place in range(_TABLE)]
    return [sum(strength * math.sin(number * turn) for number, strength in enumerate(partials, 1)) for turn in turns]


@lru_cache(maxsize=512)
def note(voice: Voice, midi: float, length_s: float) -> tuple[float, ...]:
    """Play one note, with a short release so that it does not click."""
    count = round(length_s * SAMPLE_RATE_HZ)
    # The place in the wave as a fixed-point number, because plain integers are what Python counts fastest.
    step = round(hertz(midi) * _TABLE / SAMPLE_RATE_HZ * (1 << _POINT))
    lasting, bright = _wave(voice.partials), _wave(voice.bright)
    decay = 0.5 ** (1 / (voice.half_life_s * SAMPLE_RATE_HZ))
    body = accumulate(repeat(decay, count - 1), mul, initial=1.0)
    ping = accumulate(repeat(decay**4, count - 1), mul, initial=1.0)
    places = range(0, step * count, step)
    sound = [
        lasting[place >> _POINT & _MASK] * one + bright[place >> _POINT & _MASK] * other
        for place, one, other in zip(places, body, ping, strict=True)
    ]
    _shape(sound, round(voice.attack_s * SAMPLE_RATE_HZ))
    return tuple(sound)


def _shape(sound: list[float], attack: int) -> None:
    attack, release = min(attack, len(sound) // 2), min(SAMPLE_RATE_HZ // 20, len(sound) // 2)
    sound[:attack] = [value * index / attack for index, value in enumerate(sound[:attack])]
    sound[-release:] = [value * (release - index) / release for index, value in enumerate(sound[-release:])]


@lru_cache(maxsize=1)
def kick() -> tuple[float, ...]:
    """A soft bass drum: a sine that falls from 130 to 45 hertz."""
    count, phase, sound = round(0.3 * SAMPLE_RATE_HZ), 0.0, []
    for index in range(count):
        moment = index / SAMPLE_RATE_HZ
        phase += 2 * math.pi * (45 + 85 * math.exp(-moment * 28)) / SAMPLE_RATE_HZ
        sound.append(math.sin(phase) * math.exp(-moment * 11))
    _shape(sound, 40)
    return tuple(sound)


@lru_cache(maxsize=1)
def brush() -> tuple[float, ...]:
    """A brush on a snare: noise, from a shift register, that dies away."""
    state, previous, sound = 0xACE1, 0.0, []
    for index in range(round(0.16 * SAMPLE_RATE_HZ)):
        for _ in range(7):
            state = (state >> 1) ^ (0xB400 if state & 1 else 0)
        value = state / 32768 - 1
        sound.append((value - previous) * 0.5 * math.exp(-index / SAMPLE_RATE_HZ * 30))
        previous = value
    _shape(sound, 60)
    return tuple(sound)


class Tape:
    """A stereo recording of a fixed length that sounds are laid onto."""

    def __init__(self, length_s: float) -> None:
        self._count = round(length_s * SAMPLE_RATE_HZ)
        self._channels = ([0.0] * self._count, [0.0] * self._count)

    def lay(self, sound: Sequence[float], at_s: float, *, gain: float, pan: float = 0.0) -> None:
        """Add a sound at a moment; `pan` goes from -1 (left) to 1 (right)."""
        start = round(at_s * SAMPLE_RATE_HZ)
        angle = (pan + 1) * math.pi / 4
        for channel, share in zip(self._channels, (math.cos(angle), math.sin(angle)), strict=True):
            stop = min(start + len(sound), self._count)
            loud = map(mul, sound[: stop - start], repeat(gain * share))
            channel[start:stop] = map(add, channel[start:stop], loud)

    def echo(self, delay_s: float, feedback: float) -> None:
        """Let every sound come back from the other side, weaker each time."""
        delay = round(delay_s * SAMPLE_RATE_HZ)
        left, right = self._channels
        for start in range(delay, self._count, delay):
            stop = min(start + delay, self._count)
            before = start - delay
            from_right = map(mul, right[before : before + stop - start], repeat(feedback))
            from_left = map(mul, left[before : before + stop - start], repeat(feedback))
            mixed = list(map(add, left[start:stop], from_right)), list(map(add, right[start:stop], from_left))
            left[start:stop], right[start:stop] = mixed

    def samples(self) -> bytes:
        """Return interleaved signed 16-bit samples, faded out at the end and as loud as they can be."""
        fade = round(_FADE_S * SAMPLE_RATE_HZ)
        for channel in self._channels:
            channel[-fade:] = [value * (1 - index / fade) ** 1.5 for index, value in enumerate(channel[-fade:])]
        peak = max(extreme for channel in self._channels for extreme in (max(channel), -min(channel))) or 1.0
        mixed = array("h", bytes(4 * self._count))
        for place, channel in enumerate(self._channels):
            mixed[place::2] = array("h", map(int, map(mul, channel, repeat(_LOUDEST / peak))))
        return mixed.tobytes()

"""The songs of the demo's two records, as notes."""

from dataclasses import dataclass, field, replace
from typing import Final

from handstamp.demo.synth import BASS, PAD, PLUCK, Tape, brush, kick, note

_TAIL_S: Final = 3.0
_OCTAVE_DOWN: Final = -12


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """One song.

    Attributes:
        chords: one per bar, as MIDI numbers from the bottom.
        pattern: which note of the chord is plucked when: (beat within the bar, place in the chord, octaves up).
        melody: (beat from the start, MIDI number, beats).
    """

    title: str
    isrc: str
    beats_per_minute: float
    beats_per_bar: int
    chords: tuple[tuple[int, ...], ...]
    pattern: tuple[tuple[float, int, int], ...]
    melody: tuple[tuple[float, int, float], ...]
    drums: bool = field(default=False)

    @property
    def beat_s(self) -> float:
        """The length of one beat in seconds."""
        return 60 / self.beats_per_minute

    @property
    def length_s(self) -> float:
        """The whole length, with the time to fade out."""
        return len(self.chords) * self.beats_per_bar * self.beat_s + _TAIL_S


def perform(song: Song) -> bytes:
    """Play a song; return interleaved signed 16-bit stereo samples."""
    tape = Tape(song.length_s)
    bar_s = song.beats_per_bar * song.beat_s
    for bar, chord in enumerate(song.chords):
        _play_bar(tape, song, chord, bar * bar_s)
    for number, (beat, midi, beats) in enumerate(song.melody):
        sound = note(PLUCK, midi, beats * song.beat_s + 0.6)
        tape.lay(sound, beat * song.beat_s, gain=0.75, pan=0.2 if number % 2 else -0.2)
    tape.echo(song.beat_s * 0.75, 0.24)
    return tape.samples()


def _play_bar(tape: Tape, song: Song, chord: tuple[int, ...], start_s: float) -> None:
    bar_s = song.beats_per_bar * song.beat_s
    for place, midi in enumerate(chord):
        # A little out of tune with each other, as two players would be.
        drift = 0.05 * (-1) ** place
        tape.lay(note(PAD, midi + drift, bar_s + 0.5), start_s, gain=0.2, pan=0.6 - 1.2 * place / len(chord))
    tape.lay(note(BASS, chord[0] + _OCTAVE_DOWN, bar_s * 0.9), start_s, gain=0.6)
    for beat, place, octaves in song.pattern:
        midi = chord[place % len(chord)] + 12 * octaves
        sound = note(PLUCK, midi, song.beat_s * 1.5)
        tape.lay(sound, start_s + beat * song.beat_s, gain=0.34, pan=0.7 - 0.35 * (place % 5))
    if song.drums:
        for beat in range(song.beats_per_bar):
            tape.lay(brush() if beat % 2 else kick(), start_s + beat * song.beat_s, gain=0.5 if beat % 2 else 0.9)


_AM, _F, _C, _G, _EM = (57, 60, 64), (53, 57, 60), (55, 60, 64), (55, 59, 62), (52, 55, 59)
_D, _BM, _GM, _A = (50, 57, 62, 66), (47, 54, 59, 62), (55, 59, 62, 67), (45, 52, 57, 61)

SONGS: Final = (
    Song(
        title="Last Bus",
        isrc="XXHST2600001",
        beats_per_minute=96,
        beats_per_bar=4,
        chords=(_AM, _F, _C, _G, _AM, _F),
        pattern=((0, 0, 1), (0.5, 1, 1), (1, 2, 1), (1.5, 1, 1), (2, 0, 2), (2.5, 2, 1), (3, 1, 1), (3.5, 2, 1)),
        melody=(
            (4, 76, 1.5),
            (6, 72, 1),
            (8, 79, 2),
            (11, 76, 1),
            (12, 74, 3),
            (16, 76, 1.5),
            (18, 81, 1.5),
            (20, 84, 3),
        ),
    ),
    Song(
        title="Rain on the Upper Deck",
        isrc="XXHST2600002",
        beats_per_minute=104,
        beats_per_bar=3,
        chords=(_D, _BM, _GM, _A, _D, _BM, _GM, _A, _D),
        pattern=((0, 1, 1), (0.5, 3, 1), (1, 2, 1), (1.5, 3, 1), (2, 1, 1), (2.5, 2, 1)),
        melody=(
            (3, 78, 2),
            (5, 76, 1),
            (6, 74, 2),
            (9, 73, 2),
            (11, 76, 1),
            (12, 78, 3),
            (15, 83, 2),
            (18, 81, 2),
            (20, 79, 1),
        ),
    ),
    Song(
        title="Walking the Rest",
        isrc="XXHST2600003",
        beats_per_minute=112,
        beats_per_bar=4,
        chords=(_C, _G, _AM, _F, _C, _EM, _F),
        pattern=((0, 0, 1), (0.75, 2, 1), (1.5, 1, 1), (2, 0, 2), (2.75, 2, 1), (3.5, 1, 1)),
        melody=(
            (4, 79, 1),
            (5, 76, 1),
            (6, 74, 2),
            (8, 72, 1),
            (9, 74, 1),
            (10, 76, 2),
            (12, 77, 1.5),
            (14, 76, 2),
            (20, 79, 3),
        ),
        drums=True,
    ),
)

KITCHEN_TAKE: Final = replace(
    SONGS[0],
    title="Last Bus (Kitchen Take)",
    isrc="XXHST2600004",
    beats_per_minute=84,
    chords=SONGS[0].chords[:4],
    pattern=((0, 0, 1), (1, 2, 1), (2, 0, 2), (3, 1, 1)),
    melody=SONGS[0].melody[:4],
)

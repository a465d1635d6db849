"""Compose the demo's records: short songs as real FLAC files, tagged, with a cover. The same files every time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handstamp.demo.cover import draw_cover
from handstamp.demo.songs import KITCHEN_TAKE, SONGS, Song, perform
from handstamp.demo.synth import SAMPLE_RATE_HZ

ARTIST: Final = "The Long Way Home"
FILE_RATE_HZ: Final = 44_100
_BLOCK_SAMPLES: Final = 2048
_SAMPLE_BYTES: Final = 4
_FRONT_COVER: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What stands on a sleeve."""

    title: str
    date: str
    barcode: str
    kind: str
    songs: tuple[Song, ...]


NIGHT_BUS_SONGS: Final = Record(
    title="Night Bus Songs", date="2026-11-06", barcode="2000000000015", kind="EP", songs=SONGS
)
KITCHEN_TAKE_SINGLE: Final = Record(
    title="Kitchen Take", date="2026-11-13", barcode="2000000000022", kind="Single", songs=(KITCHEN_TAKE,)
)
"""The extra that the artist keeps for members of the co-op."""


def compose_album(folder: Path, record: Record = NIGHT_BUS_SONGS) -> Path:
    """Write a record into `folder` (made if missing) and return it; what is complete already stays as it is.

    It takes a few seconds the first time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cover = folder / "cover.png"
    if not cover.exists():
        draw_cover(cover, title=record.title, artist=ARTIST)
    for number, song in enumerate(record.songs, start=1):
        path = folder / f"{number:02} {song.title}.flac"
        if not path.exists():
            temporary = path.with_suffix(".part")
            _write_flac(perform(song), temporary)
            _write_tags(record, song, number, temporary, cover)
            temporary.replace(path)
    return folder


def _write_flac(samples: bytes, path: Path) -> None:
    import av  # noqa: PLC0415  # of the extra `audio`: the other commands work without it

    resampler = av.AudioResampler(format="s16", layout="stereo", rate=FILE_RATE_HZ)
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=FILE_RATE_HZ)
        stream.layout = "stereo"
        stream.format = "s16"
        for start in range(0, len(samples), _BLOCK_SAMPLES * _SAMPLE_BYTES):
            block = samples[start : start + _BLOCK_SAMPLES * _SAMPLE_BYTES]
            frame = av.AudioFrame(format="s16", layout="stereo", samples=len(block) // _SAMPLE_BYTES)
            frame.sample_rate = SAMPLE_RATE_HZ
            frame.pts = start // _SAMPLE_BYTES
            frame.planes[0].update(block)
            for resampled in resampler.resample(frame):
                container.mux(stream.encode(resampled))
        for resampled in resampler.resample(None):
            container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))


def _write_tags(record: Record, song: Song, number: int, path: Path, cover: Path) -> None:
    from mutagen.flac import FLAC, Picture  # noqa: PLC0415  # of the extra `audio`

    file = FLAC(path)  # type: ignore[no-untyped-call]  # mutagen has no types
    file.delete()
    file["title"] = song.title
    file["artist"] = file["albumartist"] = ARTIST
    file["album"] = record.title
    file["tracknumber"], file["tracktotal"] = str(number), str(len(record.songs))
    file["date"] = record.date
    file["isrc"] = song.isrc
    file["barcode"] = record.barcode
    file["releasetype"] = record.kind
    picture = Picture()  # type: ignore[no-untyped-call]  # mutagen has no types
    picture.type, picture.mime, picture.data = _FRONT_COVER, "image/png", cover.read_bytes()
    file.add_picture(picture)  # type: ignore[no-untyped-call]  # mutagen has no types
    file.save()

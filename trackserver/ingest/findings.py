"""What was noticed in a folder, and what its owner can do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """How much a finding matters."""

    STOPS = "stops"
    """Nothing is added until this is mended."""
    LEFT_OUT = "left out"
    """This file is not added; the others are."""
    MISSING = "missing"
    """Added, but listeners will notice."""
    NOTE = "note"
    """Added; good to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was noticed.

    Attributes:
        code: stable, for programs and tests.
        where: the file, relative to the folder, or "" for the folder as a whole.
        what: in words.
        advice: what to do, in words.
    """

    weight: Weight
    code: str
    where: str
    what: str
    advice: str


def symlink_outside(where: str) -> Finding:
    """Build the finding for a link that leads out of the folder."""
    return Finding(
        weight=Weight.LEFT_OUT,
        code="symlink_outside",
        where=where,
        what="It is a link that leads out of the folder.",
        advice="Copy the file into the folder, or leave it out.",
    )


def unsupported_format(where: str, extension: str) -> Finding:
    """Build the finding for audio that is not read yet."""
    return Finding(
        weight=Weight.LEFT_OUT,
        code="unsupported_format",
        where=where,
        what=f"{extension.upper()} files are not read yet.",
        advice="Export it as FLAC, WAV or MP3.",
    )


def empty_file(where: str) -> Finding:
    """Build the finding for a file without bytes or without sound."""
    return Finding(
        weight=Weight.LEFT_OUT,
        code="empty_file",
        where=where,
        what="It holds no sound.",
        advice="Export it again.",
    )


def unreadable_file(where: str, extension: str) -> Finding:
    """Build the finding for a file that is damaged or not what its name says."""
    return Finding(
        weight=Weight.LEFT_OUT,
        code="unreadable_file",
        where=where,
        what=f"It cannot be read as {extension.upper()}.",
        advice="Check that it plays and that its name ends in what it is; else export it again.",
    )


def no_title(where: str, title: str) -> Finding:
    """Build the finding for a file without a title tag."""
    return Finding(
        weight=Weight.MISSING,
        code="no_title",
        where=where,
        what=f"It has no title; its file name stands in: {title}.",
        advice="Write the title into the file's tags and add the folder again.",
    )


def no_track_number(where: str) -> Finding:
    """Build the finding for a file that says nothing of its place."""
    return Finding(
        weight=Weight.MISSING,
        code="no_track_number",
        where=where,
        what="It has no track number, so it is placed by its file name, after those that have one.",
        advice="Write the track number into the file's tags.",
    )


def same_track_number(where: str, other: str, number: int) -> Finding:
    """Build the finding for two files that claim one place."""
    return Finding(
        weight=Weight.MISSING,
        code="same_track_number",
        where=where,
        what=f"It is track {number}, and so is {other}. They are ordered by file name.",
        advice="Give each its own track number.",
    )


def no_isrc(where: str) -> Finding:
    """Build the finding for a recording without its international number."""
    return Finding(
        weight=Weight.NOTE,
        code="no_isrc",
        where=where,
        what="It has no ISRC.",
        advice="If the recording has one, write it into the tags: shops and societies count by it.",
    )


def bad_isrc(where: str) -> Finding:
    """Build the finding for an ISRC that cannot be one."""
    return Finding(
        weight=Weight.MISSING,
        code="bad_isrc",
        where=where,
        what="Its ISRC is not two letters, three letters or digits and seven digits, so it is not used.",
        advice="Write the ISRC as in XXHST2600001.",
    )


def mixed_albums(albums: tuple[str, ...], *, chosen: str | None) -> Finding:
    """Build the finding for files of several albums in one folder; `chosen` is the title that was given by hand."""
    named = ", ".join(albums)
    return Finding(
        weight=Weight.NOTE if chosen else Weight.STOPS,
        code="mixed_albums",
        where="",
        what=f"The files name several albums: {named}.",
        advice="They become one release, with the title that you gave."
        if chosen
        else "Give each album its own folder, or say with --title that they are one release.",
    )


def no_album_title(title: str) -> Finding:
    """Build the finding for files that name no album."""
    return Finding(
        weight=Weight.MISSING,
        code="no_album_title",
        where="",
        what=f"No file names its album; the folder's name stands in: {title}.",
        advice="Give it with --title, or write it into the tags.",
    )


def no_artist(artist: str) -> Finding:
    """Build the finding for files that name nobody."""
    return Finding(
        weight=Weight.MISSING,
        code="no_artist",
        where="",
        what=f"No file names an artist; shown as {artist}.",
        advice="Give it with --artist, or write it into the tags.",
    )


def no_cover() -> Finding:
    """Build the finding for a release without a picture."""
    return Finding(
        weight=Weight.MISSING,
        code="no_cover",
        where="",
        what="There is no cover, neither as a file nor inside the audio files.",
        advice="Put a cover.jpg or cover.png of at least 1400 x 1400 pixels into the folder.",
    )


def bad_cover(where: str) -> Finding:
    """Build the finding for a picture that cannot be read."""
    return Finding(
        weight=Weight.MISSING,
        code="bad_cover",
        where=where,
        what="It cannot be read as a PNG, JPEG or WebP picture of sensible size, so it is not used.",
        advice="Export the cover again as JPEG or PNG.",
    )

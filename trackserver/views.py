"""Releases and downloads as JSON, for verifiers and wallets."""

from urllib.parse import quote

from credentials.encoding.strict_json import Json
from trackserver.catalogue import Master, Release, Track
from trackserver.packages import ORIGINAL, Package, PackageFile, ZipLayouts, build_whole_package


def release_json(release: Release, base_url: str, zip_layouts: ZipLayouts) -> dict[str, Json]:
    """Build the public description of a release: what there is, in which formats, how large. Durations in seconds."""
    zip_bytes = zip_layouts.of(build_whole_package(release)).size
    return {
        "id": release.id,
        "title": release.title,
        "artist": release.artist,
        "release_type": release.release_type,
        "date": release.date,
        "gtin": release.gtin,
        "cover": f"{base_url}/releases/{release.id}/cover" if release.cover else None,
        "tracks": [_track_json(track) for track in release.tracks],
        "packages": [{"format": ORIGINAL, "bytes": zip_bytes}],
    }


def _track_json(track: Track) -> dict[str, Json]:
    return {
        "id": track.id,
        "disc": track.disc,
        "number": track.number,
        "title": track.title,
        "artist": track.artist,
        "isrc": track.isrc,
        "duration_s": round(track.duration_ms / 1000, 3),
        "files": [_master_json(master) for master in track.masters],
    }


def _master_json(master: Master) -> dict[str, Json]:
    codec = master.codec
    return {
        "format": codec.format,
        "bytes": master.file.size,
        "sample_rate_hz": codec.sample_rate_hz,
        "bits": codec.bits,
        "channels": codec.channels,
        "bitrate_bps": codec.bitrate_bps,
    }


def download_json(download_id: str, package: Package, base_url: str, zip_bytes: int) -> dict[str, Json]:
    """Build what a wallet needs to fetch everything and to check what it got."""
    address = f"{base_url}/downloads/{download_id}"
    return {
        "release": package.release.id,
        "title": package.release.title,
        "artist": package.release.artist,
        "files": [
            {
                "name": file.name,
                "bytes": file.file.size,
                "sha256": file.file.sha256,
                "media_type": file.media_type,
                "url": f"{address}/{file_path(file)}",
            }
            for file in package.files
        ],
        "zip": {"name": package.zip_name, "bytes": zip_bytes, "url": f"{address}/release.zip"},
    }


def file_path(file: PackageFile) -> str:
    """Return the address of a file below its download's."""
    return f"files/{quote(file.id, safe='')}"

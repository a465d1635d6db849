"""The pages that people see: the single-use link and the download."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from trackserver.grants import DOWNLOAD_TTL, Download
from trackserver.packages import Package, PackageFile
from trackserver.parts import TrackserverParts
from trackserver.service.open_ticket import open_ticket
from trackserver.store.passes import SqlPasses
from trackserver.views import file_path

_COOKIE: Final = "handstamp_download"


def cookie_name(parts: TrackserverParts) -> str:
    """Return the name of a download's cookie; with `__Secure-`, browsers refuse it from anybody who speaks plain http.

    Not `__Host-`: each download has a cookie of its own, for its own path.
    """
    return f"__Secure-{_COOKIE}" if _is_https(parts) else _COOKIE


def _is_https(parts: TrackserverParts) -> bool:
    return parts.base_url.startswith("https:")


def build_web_router(parts: TrackserverParts) -> APIRouter:
    """Build the route of the single-use link."""
    router = APIRouter()

    async def open_link(request: Request, ticket: Annotated[str, Query(max_length=200)] = "") -> Response:
        """Open a single-use link: the browser gets a cookie for its download, and goes there."""
        if "prefetch" in request.headers.get("sec-purpose", ""):
            # A browser that looks ahead must not use the link up; it asks again when the listener really comes.
            return Response(status_code=503, headers={"Cache-Control": "no-store"})
        now = parts.clock()
        opened = await parts.database.writing(
            lambda session: open_ticket(
                SqlPasses(session), ticket, new_secret=parts.new_secret, new_id=parts.new_id, now=now
            ),
            f"ticket:{ticket}",
        )
        path = f"/downloads/{opened.download.id}"
        response = RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
        response.set_cookie(
            cookie_name(parts),
            opened.secret,
            max_age=int(DOWNLOAD_TTL.total_seconds()),
            path=path,
            secure=_is_https(parts),
            httponly=True,
            # Not strict: the listener arrives from the artist's site.
            samesite="lax",
        )
        return response

    router.add_api_route("/open", open_link, methods=["GET"])
    return router


def download_page(parts: TrackserverParts, request: Request, download: Download, package: Package) -> Response:
    """Show what can be had, with sizes before the click, and how long the page lasts."""
    path = f"/downloads/{download.id}"
    release = package.release
    values = {
        "title": release.title,
        "artist": release.artist,
        "cover": f"/releases/{release.id}/cover" if release.cover else None,
        "zip_href": f"{path}/release.zip",
        "zip_bytes": parts.zip_layouts.of(package).size,
        "zip_files": len(package.files) + 1,
        "tracks": _tracks(package, path),
        "cover_file": next((_link(file, path) for file in package.files if file.track is None), None),
        "formats": sorted({file.codec.format for file in package.files if file.codec}),
        "expires_at": download.expires_at,
    }
    return parts.pages.render(request, "download.html", values)


def _tracks(package: Package, path: str) -> list[dict[str, object]]:
    tracks: dict[str, dict[str, object]] = {}
    links: dict[str, list[dict[str, object]]] = {}
    for file in package.files:
        if file.track is None:
            continue
        track = file.track
        links.setdefault(track.id, []).append(_link(file, path))
        tracks[track.id] = {
            "number": track.number,
            "title": track.title,
            "artist": track.artist if track.artist != package.release.artist else None,
            "duration_s": track.duration_ms / 1000,
            "files": links[track.id],
        }
    return list(tracks.values())


def _link(file: PackageFile, path: str) -> dict[str, object]:
    return {
        "href": f"{path}/{file_path(file)}",
        "bytes": file.file.size,
        "format": file.codec.format if file.codec else file.name.rpartition(".")[2],
    }

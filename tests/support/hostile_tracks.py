"""A trackserver that hands out one download, and lies about it when a test tells it to."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.hostile_site import TRACKS
from tests.support.outside import Outside, Routes, says

ONE = b"fLaC" + bytes(range(256)) * 40
TWO = b"ID3" + bytes(range(255, -1, -1)) * 30


@dataclass(slots=True)
class HostileTracks:
    """Serves `content` by ranges; `listing` is what it says there is."""

    content: dict[str, bytes] = field(default_factory=lambda: {"1": ONE, "2": TWO})
    names: dict[str, str] = field(default_factory=lambda: {"1": "01 Night Bus.flac", "2": "02 Last Bus.mp3"})
    etags: dict[str, str] = field(default_factory=lambda: {"1": '"one"', "2": '"two"'})
    cut_after: int | None = None
    ranges_asked: list[str] = field(default_factory=list)
    routes: Routes = field(default_factory=Routes)

    @classmethod
    def open(cls, outside: Outside) -> "HostileTracks":
        tracks = cls()
        tracks.routes.answers |= {
            "POST /grants": says(tracks.opened(), 201),
            "GET /downloads/d": lambda _: httpx.Response(200, json=tracks.listing()),
            "GET /downloads/d/files/1": lambda request: tracks.send(request, "1"),
            "GET /downloads/d/files/2": lambda request: tracks.send(request, "2"),
        }
        outside.parties["tracks.localhost:8702"] = tracks.routes
        return tracks

    def opened(self, **changes: Any) -> dict[str, Any]:
        answer = {"download": f"{TRACKS}/downloads/d", "access_token": "t", "token_type": "DPoP", "expires_in": 86400}
        return answer | changes

    def listing(self, **changes: Any) -> dict[str, Any]:
        files = [self.entry(each) for each in self.content]
        return {"title": "Night Bus EP", "artist": "The Long Way Home", "files": files} | changes

    def entry(self, file_id: str, **changes: Any) -> dict[str, Any]:
        data = self.content[file_id]
        entry = {
            "name": self.names[file_id],
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "url": f"{TRACKS}/downloads/d/files/{file_id}",
        }
        return entry | changes

    def send(self, request: httpx.Request, file_id: str) -> httpx.Response:
        data, etag = self.content[file_id], self.etags[file_id]
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        self.ranges_asked.append(request.headers.get("Range", ""))
        start = int(wanted[1]) if wanted and request.headers.get("If-Range") == etag else 0
        headers = {"ETag": etag, "Content-Length": str(len(data) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        body = data[start:] if self.cut_after is None else data[start : start + self.cut_after]
        return httpx.Response(206 if start else 200, headers=headers, content=_pieces(body))


async def _pieces(body: bytes):  # type: ignore[no-untyped-def]  # noqa: ANN202
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]

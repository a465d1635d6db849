"""What the trackserver's endpoints take and say, for its OpenAPI."""

from typing import Any, Final

from plumbing.web.openapi import HTML, JSON, Operation, members

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_BYTES: Final[dict[str, Any]] = {"type": "string", "format": "binary"}
_PICTURES: Final = dict.fromkeys(("image/jpeg", "image/png", "image/webp"), _BYTES)
_ENTERING: Final = (401, 403, 410)


def _file(**types: dict[str, Any]) -> Operation:
    return Operation(answers={200: types, 206: types, 304: {}, 416: {}}, refuses=_ENTERING)


OPERATIONS: Final = {
    "GET /releases/{release_id}": Operation(answers={200: {JSON: members("id", "title", "artist", "tracks")}}),
    "GET /releases/{release_id}/cover": _file(**_PICTURES),
    "POST /grants": Operation(
        answers={201: {JSON: members("expires_in", expires_in={"type": "integer"})}},
        refuses=(401, 403, 409, 422),
        takes={JSON: members("grant", grant=_TEXT)},
    ),
    "GET /downloads/{download_id}": Operation(answers={200: {JSON: members("files"), HTML: _TEXT}}, refuses=_ENTERING),
    "GET /downloads/{download_id}/release.zip": _file(**{"application/zip": _BYTES}),
    "GET /downloads/{download_id}/files/{file_id}": _file(
        **dict.fromkeys(("audio/flac", "audio/wav", "audio/x-wav", "audio/mpeg", *_PICTURES), _BYTES)
    ),
    "GET /open": Operation(answers={303: {}, 503: {}}, refuses=(410,)),
}
"""Every operation that stands in the OpenAPI."""

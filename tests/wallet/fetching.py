"""What the tests of downloads have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from tests.support.hostile_tracks import ONE, TWO
from wallet.service.download import Listing, fetch_files, list_files, open_download

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wallet.ports import Tools
    from wallet.state import Delivery


async def look(delivery: Delivery, tools: Tools) -> Listing:
    return await list_files(await open_download(delivery, tools=tools), tools=tools)


async def fetch(delivery: Delivery, tools: Tools, folder: Path, **options: Any) -> tuple[Path, ...]:
    opened = await open_download(delivery, tools=tools)
    listing = await list_files(opened, tools=tools)
    return await fetch_files(opened, listing.files, folder, tools=tools, **options)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


WHOLE = {"01 Night Bus.flac": ONE, "02 Last Bus.mp3": TWO}


def other(data: bytes, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(int(headers.pop("status", "200")), content=data, headers=headers)

"""A record whose tags are hostile: what a download is called, inside the zip and in front of it."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from typing import TYPE_CHECKING

from tests.hostile.asking import Scene, case

if TYPE_CHECKING:
    import asyncio

_ZIP = case("", "GET /downloads/<<download>>/release.zip", "", cookie="<<cookie>>")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def test_no_name_in_the_zip_leaves_its_folder_or_hides_what_it_is(trackserver: Scene, runner: asyncio.Runner) -> None:
    answer = trackserver.ask(runner, _ZIP)
    names = zipfile.ZipFile(io.BytesIO(answer.body)).namelist()
    assert len(names) == 5
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in names}) == 5
    assert len({name.partition("/")[0] for name in names}) == 1
    for name in names:
        folder, slash, file = name.partition("/")
        for part in (folder, file):
            assert slash
            assert not re.search(r'[/\\:*?"<>|\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]', part), name
            assert part.strip(" .") == part
            assert not _DEVICES.match(part)


def test_no_title_ends_the_header_that_names_a_download(trackserver: Scene, runner: asyncio.Runner) -> None:
    one = case("", "GET /downloads/<<download>>/files/<<file>>", "", cookie="<<cookie>>")
    for row in (_ZIP, one):
        header = trackserver.ask(runner, row).header("content-disposition")
        assert re.fullmatch(r"attachment; filename=\"[A-Za-z0-9 ._()\-!&+,]+\"; filename\*=UTF-8''[\w%.\-~]+", header)

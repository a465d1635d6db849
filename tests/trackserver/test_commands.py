import asyncio
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from credentials.errors import HandstampError
from credentials.keys.signer import LocalSigner
from handstamp.commands import tracks
from handstamp.commands.adding import add_folder
from handstamp.composition.trackserver_service import build_app, compose_service
from handstamp.settings import load_settings
from plumbing.fetch import FetchFailed
from tests.support.recording import free_port
from tests.support.waiting import PATIENCE_S
from trackserver.errors import AlbumRefused, NothingToAdd, ReleaseNotFound
from trackserver.service.allow_verifier import NothingToAllowAgain
from trackserver.service.disallow_verifier import NothingToDisallow

pytestmark = pytest.mark.database

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a subcommand on a data folder of its own; a refusal is raised, as for `cli.main`."""
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(tmp_path / "home"))
    (tmp_path / "empty.toml").touch()
    monkeypatch.setenv("HANDSTAMP_CONFIG", str(tmp_path / "empty.toml"))
    monkeypatch.setenv("COLUMNS", "160")

    def runner(*arguments: str, answer: str | None = None) -> Result:
        result = CliRunner().invoke(tracks.app, list(arguments), input=answer)
        if isinstance(result.exception, HandstampError):
            raise result.exception
        return result

    return runner


@pytest.fixture
def verifier() -> Iterator[tuple[str, str]]:
    """A site that publishes its key; gives its address and the key's fingerprint."""
    key = LocalSigner.generate().public_key

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"keys": [key.jwk]}).encode()
            found = self.path == "/.well-known/jwks.json"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(body if found else b"")

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://artist.localhost:{server.server_port}", key.thumbprint
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_folder_without_music_is_refused_without_advice_on_what_is_not_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToAdd, match="empty holds no FLAC, WAV or MP3 file"):
        run("add", str(tmp_path / "empty"))
    notes = io.StringIO()
    parts = compose_service(load_settings())
    with pytest.raises(NothingToAdd):
        add_folder(parts, tmp_path / "empty", title=None, artist=None, notes=Console(file=notes))
    assert notes.getvalue() == ""
    parts.database.close()


def test_a_folder_is_added_listed_and_shown(run: Run, album_folder: Path) -> None:
    assert "No release yet" in run("list").output
    added = run("add", str(album_folder))
    assert added.exit_code == 0
    assert "Added: Süd: Nord by Die Heimfahrt" in added.stdout
    assert "handstamp tracks allow VERIFIER" in added.stdout
    assert "What was noticed" not in added.output
    assert "Here already, nothing new" in run("add", str(album_folder)).stdout
    listed = json.loads(run("list", "--json").stdout)
    assert [release["title"] for release in listed] == ["Süd: Nord"]
    assert listed[0]["id"] in run("list").stdout
    shown = run("show", listed[0]["id"]).stdout
    assert "Nobody may open it yet" in shown
    assert "FLAC, 8 kHz, 16 bit" in shown
    (album_folder / "02.flac").unlink()
    assert "changed or gone" in run("show", listed[0]["id"]).stdout
    assert "stays listed" in run("add", str(album_folder)).stdout


def test_what_is_missing_is_a_table_with_what_to_do(run: Run, tmp_path: Path, audio: Callable[..., Path]) -> None:
    for name in ("a.mp3", "b.mp3"):
        audio(tmp_path / "x" / name, album="[bold]Brackets[/]")
    (tmp_path / "x" / "c.ogg").write_bytes(b"x")
    result = run("add", str(tmp_path / "x"), "--json")
    release = json.loads(result.stdout)
    assert release["title"] == "[bold]Brackets[/]"
    assert {"no_title", "no_cover", "no_isrc", "unsupported_format"} <= {found["code"] for found in release["findings"]}
    assert release["outcome"] == "added"
    assert "What to do" in result.stderr
    assert "Put a cover.jpg or cover.png" in result.stderr


def test_mixed_albums_need_a_word_from_their_owner(run: Run, tmp_path: Path, audio: Callable[..., Path]) -> None:
    audio(tmp_path / "x" / "a.flac", album="A")
    audio(tmp_path / "x" / "b.flac", album="B")
    with pytest.raises(AlbumRefused, match="--title"):
        run("add", str(tmp_path / "x"))
    assert json.loads(run("add", str(tmp_path / "x"), "--title", "Both", "--json").stdout)["title"] == "Both"


def test_a_verifier_is_asked_about_and_pinned(run: Run, album_folder: Path, verifier: tuple[str, str]) -> None:
    address, fingerprint = verifier
    release = json.loads(run("add", str(album_folder), "--json").stdout)["id"]
    refused = run("allow", address, "--release", release, answer="n\n")
    assert refused.exit_code == 1
    assert fingerprint in refused.output
    assert json.loads(run("show", release, "--json").stdout)["allowed"] == []
    assert "can open Süd: Nord" in run("allow", f"{address}/", "--release", release, "--yes").output
    assert run("allow", address).exit_code == 2
    assert "can open Süd: Nord" in run("allow", address, "--again", "--yes").output
    allowed = json.loads(run("show", release, "--json").stdout)["allowed"]
    assert allowed == [{"verifier": address, "fingerprint": fingerprint}]
    assert fingerprint in run("show", release).output
    with pytest.raises(ReleaseNotFound):
        run("allow", address, "--release", "nowhere", "--yes")


def test_a_verifier_is_unpinned_after_a_yes(run: Run, album_folder: Path, verifier: tuple[str, str]) -> None:
    address, _ = verifier
    release = json.loads(run("add", str(album_folder), "--json").stdout)["id"]
    run("allow", address, "--release", release, "--yes")
    assert run("disallow", address, answer="n\n").exit_code == 1
    assert json.loads(run("show", release, "--json").stdout)["allowed"] != []
    output = run("disallow", f"{address}/", answer="y\n").output
    assert "can no longer open:\n  Süd: Nord" in output
    assert "within a day" in output
    assert json.loads(run("show", release, "--json").stdout)["allowed"] == []
    with pytest.raises(NothingToDisallow, match="any release"):
        run("disallow", address, "--yes")
    with pytest.raises(NothingToDisallow, match=release):
        run("disallow", address, "--release", release, "--yes")
    with pytest.raises(ReleaseNotFound):
        run("disallow", address, "--release", "nowhere", "--yes")


def test_a_site_that_cannot_be_reached_is_said(run: Run, album_folder: Path) -> None:
    release = json.loads(run("add", str(album_folder), "--json").stdout)["id"]
    with pytest.raises(FetchFailed):
        run("allow", "http://artist.localhost:9", "--release", release, "--yes")


def test_without_the_extra_parts_the_command_says_what_to_install(
    run: Run, album_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "handstamp.commands.adding", None)
    monkeypatch.delattr("handstamp.commands.adding", raising=False)
    with pytest.raises(tracks.AudioPartsMissing, match=re.escape("handstamp[audio]")):
        run("add", str(album_folder))


@pytest.mark.sqlite  # a process of its own knows only the settings, not which engine this run is on
@pytest.mark.slow
def test_a_served_cover_goes_on_from_the_middle(run: Run, album_folder: Path, tmp_path: Path) -> None:
    release = json.loads(run("add", str(album_folder), "--json").stdout)
    port = free_port()
    environment = {**os.environ, "HANDSTAMP_TRACKSERVER__PORT": str(port), "HANDSTAMP_LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "handstamp", "tracks", "serve"]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, env=environment, stderr=log) as service:
        try:
            cover = f"http://127.0.0.1:{port}/releases/{release['id']}/cover"
            whole = _once_it_answers(cover)
            rest = httpx.get(
                cover, headers={"Range": "bytes=10-", "If-Range": whole.headers["etag"]}, timeout=PATIENCE_S
            )
        finally:
            service.terminate()
    assert rest.status_code == 206
    assert whole.content[:10] + rest.content == whole.content == (album_folder / "cover.png").read_bytes()
    assert "server" not in whole.headers


def _once_it_answers(url: str) -> httpx.Response:
    for _ in range(int(5 * PATIENCE_S)):
        try:
            return httpx.get(url, timeout=PATIENCE_S)
        except httpx.ConnectError:
            time.sleep(0.2)
    raise TimeoutError(url)


def test_what_cannot_be_allowed_is_refused_before_the_site_is_asked(run: Run) -> None:
    with pytest.raises(NothingToAllowAgain, match="so there is nothing to allow again"):
        run("allow", "http://artist.localhost:9", "--again")
    with pytest.raises(ReleaseNotFound):
        run("allow", "http://artist.localhost:9", "--release", "nowhere")


def test_a_site_without_keys_cannot_be_allowed(run: Run, album_folder: Path, verifier: tuple[str, str]) -> None:
    release = json.loads(run("add", str(album_folder), "--json").stdout)["id"]
    with pytest.raises(FetchFailed, match="404"):
        run("allow", f"{verifier[0]}/elsewhere", "--release", release, "--yes")


def test_what_is_not_here_cannot_be_shown(run: Run) -> None:
    with pytest.raises(ReleaseNotFound):
        run("show", "nowhere")


def test_the_composed_service_answers(run: Run) -> None:
    run("list")
    app = build_app(load_settings())

    async def ask() -> httpx.Response:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tracks.localhost:8702") as client,
        ):
            return await client.get("/health")

    assert asyncio.run(ask()).status_code == 200

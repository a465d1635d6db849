"""Build wheel and sdist, install the wheel into an empty environment, and try it there, away from the source tree.

1. The sdist builds the very same wheel, so nothing is missing in it.
2. Without the extras: every command explains itself, what needs an extra says so, and tests of ours pass, by the
   `pytest` script (`python -m pytest` would put the working folder first, and silently test the source tree).
3. With the extra `audio`: the whole story of the demo.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AUDIO = ("av", "mutagen")
TOOLS = ("pytest", "pytest-asyncio", "pytest-socket", "hypothesis", "iniconfig", "pluggy", "sortedcontainers")
"""What runs the tests, with what that needs beyond our own dependencies; from the same lock as everywhere."""
TESTS = (
    "issuer/test_types.py",
    "plumbing/test_keystore.py",
    "plumbing/test_pages.py",
    "verifier/test_flow.py",
    "wheel/installed.py",
)
"""Pages in both languages, pictures, migrations, keys, and a visit at a gate: what needs files beside the code."""


def main() -> int:
    """Return 0 if what a user installs works by itself."""
    with tempfile.TemporaryDirectory(prefix="handstamp-wheel-") as name:
        folder = Path(name)
        with ThreadPoolExecutor(2) as both:
            built = both.submit(_step, "Built wheel and sdist, the same from either", lambda: _build(folder))
            _step("An empty environment has what the wheel needs", lambda: _prepare(folder))
            wheel = built.result()
            _pip(folder, "--no-deps", str(wheel))
            _copied(folder)
            tested = both.submit(_step, "Our tests pass against what was installed", lambda: _test(folder))
            _step("Without extras, everything is there or says what is missing", lambda: _try_bare(folder))
            _install(folder, ROOT / "requirements" / "run.lock", only=AUDIO)
            _step("The whole story works", lambda: _run(_command(folder), "demo", "--check", cwd=_empty(folder)))
            tested.result()
    print("The wheel works by itself.", flush=True)
    return 0


def _step(words: str, work: Callable[[], Path | None]) -> Path:
    started = time.monotonic()
    done = work()
    print(f"{words} ({time.monotonic() - started:.0f} s).", flush=True)
    return done or Path()


def _build(folder: Path) -> Path:
    """Build both, and a wheel from the unpacked sdist; say what only one of the wheels has."""
    target = ("-m", "hatchling", "build", "-d")
    _run(sys.executable, *target, str(folder / "dist"), "-t", "wheel", "-t", "sdist", cwd=ROOT, quiet=True)
    wheel, sdist = (next((folder / "dist").glob(each)) for each in ("*.whl", "*.tar.gz"))
    with tarfile.open(sdist) as packed:
        packed.extractall(folder / "sdist", filter="data")
    unpacked = next((folder / "sdist").iterdir())
    _run(sys.executable, *target, str(folder / "again"), "-t", "wheel", cwd=unpacked, quiet=True)
    first, second = (_names(each) for each in (wheel, next((folder / "again").glob("*.whl"))))
    if first != second:
        raise SystemExit(f"Only one of the wheels has: {sorted(first ^ second)[:20]}")
    return wheel


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as packed:
        return {name for name in packed.namelist() if not name.endswith("/RECORD")}


def _prepare(folder: Path) -> None:
    venv.create(folder / "venv", with_pip=False)
    _install(folder, ROOT / "requirements" / "run.lock", but=AUDIO)
    _install(folder, ROOT / "requirements" / "dev.lock", only=TOOLS)


def _install(folder: Path, lock: Path, *, only: tuple[str, ...] = (), but: tuple[str, ...] = ()) -> None:
    """Install what a lock says, with its hashes; the whole of it, a part, or all but a part."""
    blocks = re.split(r"(?m)^(?=[a-z0-9])", lock.read_text("utf-8"))
    wanted = [
        each for each in blocks if (name := re.split(r"[=\[ ;]", each)[0]) not in but and (not only or name in only)
    ]
    part = folder / f"{lock.stem}.txt"
    part.write_text("".join(wanted), "utf-8")
    _pip(folder, "--require-hashes", "--no-deps", "-r", str(part))


def _try_bare(folder: Path) -> None:
    here = _empty(folder)
    _run(_command(folder), "--version", cwd=here)
    _run(str(folder / "venv" / "bin" / "python"), str(_copied(folder) / "tests" / "wheel" / "bare.py"), cwd=here)


def _test(folder: Path) -> None:
    tests = _copied(folder)
    named = [str(tests / "tests" / each) for each in TESTS]
    command = str(folder / "venv" / "bin" / "pytest")
    _run(command, "-q", "-p", "no:cacheprovider", "-c", str(tests / "pyproject.toml"), *named, cwd=tests, path=tests)


def _copied(folder: Path) -> Path:
    """Copy the tests and how pytest is set, and nothing else of the source tree."""
    place = folder / "tests-only"
    if not place.exists():
        left = shutil.ignore_patterns("__pycache__", "node_modules", "interop", "browser")
        shutil.copytree(ROOT / "tests", place / "tests", ignore=left)
        shutil.copy(ROOT / "pyproject.toml", place)
    return place


def _empty(folder: Path) -> Path:
    place = folder / "empty"
    place.mkdir(exist_ok=True)
    return place


def _command(folder: Path) -> str:
    return str(folder / "venv" / "bin" / "handstamp")


def _pip(folder: Path, *arguments: str) -> None:
    """Install with our own pip: the environment has none, and nothing else that the wheel does not bring."""
    # Compiled when it is used: most of what is installed never is.
    pip = ("-m", "pip", "--python", str(folder / "venv" / "bin" / "python"), "install", "--quiet")
    _run(sys.executable, *pip, "--disable-pip-version-check", "--no-compile", *arguments, cwd=folder)


def _run(*command: str, cwd: Path, path: Path | None = None, quiet: bool = False) -> None:
    dropped = {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"}
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    with _stdout(quiet=quiet) as out:
        subprocess.run(command, cwd=cwd, env=environment, check=True, stdout=out)


@contextlib.contextmanager
def _stdout(*, quiet: bool) -> Iterator[int | None]:
    yield subprocess.DEVNULL if quiet else None


if __name__ == "__main__":
    sys.exit(main())

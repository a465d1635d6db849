"""Run the tests that this machine can run, and say plainly which it cannot.

Browser tests need chromium, interop tests need Node.js. Without them the rest runs, and the last lines say `NOT RUN`.
With `--all-required` (or `CI=true`) anything that does not run is a failure.

There are three runs. `make test` leaves out what is marked `slow` (most flows, the demo). With `--coverage` branches
are measured and the floor is enforced; what is slow, runs in a browser, in Node.js or as a flow across services, and
what draws examples of a property, is left out, because it says little of coverage and takes two or three times as long
under it. `--outside` runs exactly that. So the last two together run everything once. Each says what it leaves to the
others. `--postgresql` runs what keeps something in a database once more, on PostgreSQL.
"""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The first is chromium without the windows that nobody sees, each of which costs as much again as the page in it.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
OLDEST_NODE = 20
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of the system, in which we make one of our own
ROOMY = 4 * 1024**3
OUTSIDE = ("slow", "browser", "node", "flow", "hypothesis")
"""Markers of what is not measured."""
ON_POSTGRESQL = [
    "tests/issuer",
    "tests/verifier",
    "tests/trackserver",
    "tests/plumbing",
    "tests/hostile",
    "tests/flows/test_two_workers.py",
]
"""Where tests stand that a run on PostgreSQL takes (`tests/conftest.py` says which of them)."""
_ELSEWHERE = {
    (False, False): "Slow tests: `make outside` runs them.",
    (True, False): "Slow tests, flows, properties, and tests in a browser and in Node.js: `make outside` runs them.",
    (False, True): "Everything else: `make check` runs it.",
}


def main() -> int:
    """Run pytest once with what is there, and return its exit code."""
    options = _options()
    if options.postgresql:
        return _run_on_postgresql(options)
    missing = {} if options.coverage else _missing()
    without_vectors = not _vectors().is_dir()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.scheduling", *options.pytest]
    # Pages wait for a browser, and what is outside for other processes: with two workers a core stands idle for a third
    # of the time. What is measured waits for nothing.
    command += ["-n", "2" if options.coverage else "3"]
    command += ["-m", _selection(missing, coverage=options.coverage, outside=options.outside)]
    if options.coverage:
        # Two hundred lines that nobody reads in a log would only stand between a failure and whoever looks for it.
        report = "" if _everything_is_required() else "term"
        command += ["--cov", f"--cov-report={report}", f"--cov-fail-under={_floor()}"]
    with _surroundings() as environment:
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # our own command
    print(_ELSEWHERE[options.coverage, options.outside], flush=True)
    for words in missing.values():
        print(words, flush=True)
    if without_vectors:
        print(f"published vectors: NOT RUN ({_vectors()} is not there; set VECTORS_DIR)", flush=True)
    if (missing or without_vectors) and (options.all_required or _everything_is_required()):
        print("Failed: something did not run, and everything was required.", flush=True)
        return code or 1
    return code


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--coverage", action="store_true", help="measure branch coverage and enforce the floor")
    kind.add_argument("--postgresql", action="store_true", help="only what keeps something in a database, on a server")
    kind.add_argument("--outside", action="store_true", help="slow, flows, properties, browser, Node.js")
    parser.add_argument("--all-required", action="store_true", help="fail if anything did not run")
    parser.add_argument("pytest", nargs="*", help="further arguments for pytest")
    return parser.parse_args()


def _run_on_postgresql(options: argparse.Namespace) -> int:
    """Run what keeps something in a database, and is not about SQLite itself, on a PostgreSQL server."""
    sys.path.insert(0, str(ROOT))
    postgres = importlib.import_module("tests.support.postgres")
    try:
        programs = postgres.find_programs()
    except postgres.NoServer as error:
        print(f"PostgreSQL tests: NOT RUN ({error})", flush=True)
        return int(options.all_required or _everything_is_required())
    print(f"PostgreSQL tests, by {programs}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.scheduling", "-n", "3", *options.pytest]
    command += ["--database=postgresql", "-m", "(not slow or exact) and not sqlite", *ON_POSTGRESQL]
    with _surroundings() as environment:
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # our own command


@contextmanager
def _surroundings() -> Iterator[dict[str, str]]:
    """Let no test wait for a disk that keeps what is thrown away, and let modules be compiled once.

    Temporary folders are in memory where the system has room there: SQLite waits for every commit to reach the disk.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOMY
    with tempfile.TemporaryDirectory(prefix="hs-", dir=MEMORY if roomy else None, ignore_cleanup_errors=True) as folder:
        yield {**environment, "TMPDIR": folder}


def _selection(missing: dict[str, str], *, coverage: bool, outside: bool) -> str:
    left_out = OUTSIDE if coverage else missing if outside else ("slow", *missing)
    chosen = [f"not {marker}" for marker in left_out]
    return " and ".join([f"({' or '.join(OUTSIDE)})", *chosen] if outside else chosen)


def _missing() -> dict[str, str]:
    missing: dict[str, str] = {}
    if not any(shutil.which(name) for name in BROWSERS):
        missing["browser"] = "browser tests: NOT RUN (no chromium here; on Debian: apt install chromium)"
    if not _has_node():
        missing["node"] = f"interop tests: NOT RUN (no Node.js {OLDEST_NODE} or newer with npm here)"
    return missing


def _has_node() -> bool:
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    asked = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    major = asked.stdout.strip().lstrip("v").partition(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NODE


def _everything_is_required() -> bool:
    return os.environ.get("CI") == "true"


def _vectors() -> Path:
    return Path(os.environ.get("VECTORS_DIR", ROOT.parent / "shared" / "vectors"))


def _floor() -> int:
    """Return the coverage floor of pyproject.toml."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    floor: int = settings["tool"]["coverage"]["report"]["fail_under"]
    return floor


if __name__ == "__main__":
    sys.exit(main())

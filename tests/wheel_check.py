"""Build the wheel, install it into an empty environment, run the whole story from there, away from the source tree."""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Return 0 if what a user installs works by itself."""
    with tempfile.TemporaryDirectory(prefix="handstamp-wheel-") as name:
        folder = Path(name)
        print("Building the wheel ...", flush=True)
        _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
        wheel = next(folder.glob("handstamp-*.whl"))
        print(f"Installing {wheel.name} into an empty environment ...", flush=True)
        venv.create(folder / "venv", with_pip=True)
        python = str(folder / "venv" / "bin" / "python")
        pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(*pip, "--require-hashes", "-r", str(ROOT / "requirements" / "run.lock"), cwd=folder)
        _run(*pip, "--no-deps", str(wheel), cwd=folder)
        command = str(folder / "venv" / "bin" / "handstamp")
        _run(command, "--version", cwd=folder)
        _run(command, "demo", "--check", cwd=folder)
    print("The wheel works by itself.", flush=True)
    return 0


def _run(*command: str, cwd: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    subprocess.run(command, cwd=cwd, env=environment, check=True)


if __name__ == "__main__":
    sys.exit(main())

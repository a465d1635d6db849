"""Fetch what draws the diagrams of the documentation site: one file of one npm package, pinned by its hash.

Without npm, or without a network, the site shows their text instead, which can be read as it is.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "mermaid@11.17.2"
INTEGRITY = "sha512-V6K3C8EBdEsPFZXSKMJe6ppQOENxuHARr9GvHX4hh47lAbhMRD9qf4oEK7LoaRQxULMa80/qt5gHO73aCleBBg=="
# Without a network npm would ask again and again for five minutes; what it has once fetched, it need not ask for.
_IMPATIENTLY = ("--prefer-offline", "--fetch-retries=1", "--fetch-timeout=120000")
SCRIPT = Path(__file__).parent / "_build" / "diagrams" / "mermaid.min.js"


def main() -> None:
    """Fetch it once."""
    if SCRIPT.is_file():
        return
    if npm := shutil.which("npm"):
        with tempfile.TemporaryDirectory() as folder:
            command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", folder, *_IMPATIENTLY]
            done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603  # our own command
            for packed in Path(folder).glob("*.tgz") if done.returncode == 0 else ():
                _unpack(packed)
    if not SCRIPT.is_file():
        print(f"Diagrams stay text: {PACKAGE} could not be fetched with npm.")  # noqa: T201  # a command of its own
        sys.exit(os.environ.get("CI") == "true")  # where everything is required, so are they


def _unpack(packed: Path) -> None:
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise SystemExit(f"{PACKAGE} is not what it was when it was chosen: sha512-{digest}")
    SCRIPT.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(packed) as package:
        member = package.extractfile("package/dist/mermaid.min.js")
        assert member  # noqa: S101  # a file, not a folder: the hash says so
        SCRIPT.write_bytes(member.read())


if __name__ == "__main__":
    main()

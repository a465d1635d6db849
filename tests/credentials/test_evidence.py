"""Who may make evidence: the pipelines that take every step, and nobody else."""

import ast
from pathlib import Path

import credentials

ROOT = Path(next(iter(credentials.__path__))).parent
PACKAGES = ("credentials", "plumbing", "issuer", "verifier", "wallet", "trackserver", "handstamp")
PIPELINES = ("credentials/verify.py", "credentials/verify_linked/", "credentials/door_pass/")


def names_the_seal(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    if "credentials.evidence" not in text and "credentials import evidence" not in text:
        return False
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom | ast.Import)]
    whole = [each for each in imports if isinstance(each, ast.Import) and "evidence" in ast.unparse(each)]
    named = [
        each
        for each in imports
        if isinstance(each, ast.ImportFrom)
        and (
            (each.module == "credentials.evidence" and any(name.name == "SEAL" for name in each.names))
            or (each.module == "credentials" and any(name.name == "evidence" for name in each.names))
        )
    ]
    return bool(whole or named)


def test_only_pipelines_of_the_kernel_hold_the_seal() -> None:
    holders = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if names_the_seal(path)
    }
    assert "credentials/verify.py" in holders
    assert [each for each in holders if not each.startswith(PIPELINES)] == []

"""Where the verifier's own files lie."""

from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).parent / "web" / "templates"
MIGRATIONS: Final = Path(__file__).parent / "migrations"

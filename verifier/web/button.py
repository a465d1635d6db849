"""A button for other people's pages: one plain link, so that any editor takes it and no script of ours runs there."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from verifier.gates import Gate

# A pasted link has no stylesheet of ours, so it brings its few rules along; WordPress keeps each of these in a link.
_STYLE: Final = (
    "display:inline-block;padding:12px 20px;border-radius:12px;background-color:#b3124a;color:#ffffff;"
    "font-weight:600;text-decoration:none"
)


def build_button(gate: Gate, *, url: str, label: str | None = None) -> str:
    """Return the link as one line of HTML, no script, everything escaped; paste it as "Custom HTML"."""
    words = label or f"Own “{gate.opens.title}”? Get your files"
    return f'<a href="{escape(url)}" style="{_STYLE}" rel="noopener noreferrer">{escape(words)}</a>'

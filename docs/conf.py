"""How the documentation site is built (`make docs`): Markdown as it lies in `docs/`, offline, no warning let pass."""

import re
import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from diagrams import SCRIPT  # noqa: E402  # beside this file

project = "Handstamp"
author = copyright = "The Handstamp founders"  # noqa: A001  # Sphinx's own name
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "**/node_modules"]
myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_use_type_comments = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
napoleon_use_ivar = True
default_role = "code"  # docstrings write names as Markdown does

highlight_language = "none"  # what names no language is drawn or typed, not code

html_theme = "furo"
html_title = "Handstamp"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

_STEP = re.compile(r"^ {4,}(\d+\.) (.*)$")
_OUT_OF_DOCS = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+)([^)\s]*)\)")


class Mermaid(Directive):
    """A diagram: its text, which the script draws where it is there."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Keep the text as it stands."""
        text = "\n".join(self.content)
        return [nodes.literal_block(text, text, classes=["mermaid"], language="none")]


def _name_what_is_not_here(_app: object, name: str, source: list[str]) -> None:
    """Write out the path of a file of the project that is no page of this site."""
    depth = name.count("/")

    def path_of(found: re.Match[str]) -> str:
        leaves = found.group(2).count("../") > depth
        return f"{found.group(1)} (`{found.group(3)}`)" if leaves else found.group(0)

    source[0] = _OUT_OF_DOCS.sub(path_of, source[0])


def _straighten_steps(
    _app: object, _kind: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Let numbered steps begin at one column, with their further lines below their words: docstrings align the dots."""
    words = 0
    for at, line in enumerate(lines):
        if step := _STEP.match(line):
            words = len(step[1]) + 1
            lines[at] = f"{step[1]} {step[2]}"
        elif line.startswith("    ") and words:
            lines[at] = " " * words + line.lstrip()
        elif line:
            words = 0


def setup(app: Sphinx) -> None:
    """Add diagrams, drawn by a script of this site if it was fetched."""
    app.add_directive("mermaid", Mermaid)
    app.connect("source-read", _name_what_is_not_here)
    app.connect("autodoc-process-docstring", _straighten_steps, priority=100)
    if SCRIPT.is_file():
        app.config.html_static_path.append(str(SCRIPT.parent))
        app.add_js_file(SCRIPT.name)
        app.add_js_file("draw.js")

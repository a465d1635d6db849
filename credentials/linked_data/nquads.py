"""N-Quads: a dataset as quads of terms, each term already in its canonical writing (rdf-canon §5).

A term is text: `<iri>`, `_:name`, or a literal that begins with a quotation mark. So terms compare by their text, and
a statement is its terms with spaces between them.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from credentials.errors import Malformed
from credentials.linked_data.errors import OversizedLinkedData

MAX_STATEMENTS: Final = 5_000
_MAX_CHARACTERS: Final = 4_000_000
_WHAT: Final = "N-Quads document"
XSD_STRING: Final = "http://www.w3.org/2001/XMLSchema#string"

# RDF 1.1 N-Quads §4. Comments and blank space between terms are allowed; what a canonical line never has is read too.
_UCHAR = r"\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}"
_IRI = rf'<(?:[^\x00-\x20<>"{{}}|^`\\]|{_UCHAR})*>'
_PN_START = (
    "A-Za-z_:0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_PN = _PN_START + "\u00b7\u0300-\u036f\u203f\u2040\\-"
_BLANK = rf"_:[{_PN_START}](?:[{_PN}.]*[{_PN}])?"
_STRING = rf'"(?:[^\x22\x5c\x0a\x0d]|\\[tbnrf"\'\\]|{_UCHAR})*"'
_TAG = r"@[A-Za-z]+(?:-[A-Za-z0-9]+)*"
_LINE: Final = re.compile(
    rf"[ \t]*(?:(?P<subject>{_IRI}|{_BLANK})[ \t]*(?P<predicate>{_IRI})[ \t]*"
    rf"(?P<object>{_IRI}|{_BLANK}|(?P<string>{_STRING})(?:\^\^(?P<datatype>{_IRI})|(?P<tag>{_TAG}))?)[ \t]*"
    rf"(?P<graph>{_IRI}|{_BLANK})?[ \t]*\.[ \t]*)?(?:#[^\r\n]*)?"
)
_ESCAPE: Final = re.compile(rf"{_UCHAR}|\\.", re.DOTALL)
_SHORT: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ABSOLUTE: Final = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:")

# rdf-canon §5.2: these have short escapes, every other control character and DEL a long one, nothing else is escaped.
_WRITTEN: Final = str.maketrans(
    {chr(code): f"\\u{code:04X}" for code in (*range(0x20), 0x7F)}
    | {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
)


class Quad(NamedTuple):
    """One statement. The graph is the empty text for the default graph."""

    subject: str
    predicate: str
    object: str
    graph: str = ""

    @property
    def line(self) -> str:
        """The statement as a line, with its line feed."""
        return write_line(*self)


def write_line(subject: str, predicate: str, target: str, graph: str) -> str:
    """Write a statement as a line, with its line feed."""
    return f"{subject} {predicate} {target} {graph} .\n" if graph else f"{subject} {predicate} {target} .\n"


def is_blank(term: str) -> bool:
    """Whether a term is a blank node; no other begins with an underscore."""
    return term[:1] == "_"


def write_literal(value: str, *, datatype: str = XSD_STRING, language: str = "") -> str:
    """Write a literal canonically (rdf-canon §5.2)."""
    quoted = f'"{value.translate(_WRITTEN)}"'
    if language:
        return f"{quoted}@{language}"
    return quoted if datatype == XSD_STRING else f"{quoted}^^<{datatype}>"


def parse_nquads(text: str) -> tuple[Quad, ...]:
    """Read an N-Quads document; what it states twice is returned once, in the order of its first statement.

    Raises:
        Malformed: a line is no statement, or the text is too long.
        OversizedLinkedData: it has more statements than 5,000.
    """
    if len(text) > _MAX_CHARACTERS:
        raise Malformed(_WHAT, f"it is longer than {_MAX_CHARACTERS} characters")
    quads = tuple(dict.fromkeys(_read_lines(text)))
    check_statement_count(quads)
    return quads


def check_statement_count(quads: tuple[Quad, ...]) -> None:
    """Refuse a dataset of more than 5,000 statements.

    Raises:
        OversizedLinkedData: it is one.
    """
    if len(quads) > MAX_STATEMENTS:
        raise OversizedLinkedData("statements", MAX_STATEMENTS)


def write_nquads(quads: Iterable[Quad]) -> tuple[str, ...]:
    """Write statements as lines in code point order, each once (rdf-canon §5.1)."""
    return tuple(sorted({quad.line for quad in quads}))


def _read_lines(text: str) -> Iterator[Quad]:
    # Only these two end a line in N-Quads; `splitlines` would cut literals at characters that are text.
    for number, line in enumerate(re.split(r"[\r\n]", text), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise Malformed(_WHAT, f"line {number} is not a statement")
        if match["subject"] is not None:
            yield Quad(_resource(match["subject"]), _resource(match["predicate"]), _object(match), _graph(match))


def _graph(match: re.Match[str]) -> str:
    return _resource(match["graph"]) if match["graph"] else ""


def _object(match: re.Match[str]) -> str:
    if match["string"] is None:
        return _resource(match["object"])
    value = _unescape(match["string"][1:-1])
    if match["tag"]:
        return write_literal(value, language=match["tag"][1:])
    return write_literal(value, datatype=_resource(match["datatype"])[1:-1] if match["datatype"] else XSD_STRING)


def _resource(term: str) -> str:
    if term.startswith("_:"):
        return term
    iri = _unescape(term)
    if _ABSOLUTE.match(iri) is None or not _is_written_iri(iri):
        raise Malformed(_WHAT, "an IRI in it is relative, or holds a character that IRIs cannot have")
    return iri


def _is_written_iri(iri: str) -> bool:
    return re.fullmatch(r'<[^\x00-\x20<>"{}|^`\\]*>', iri) is not None


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    escape = match[0]
    if escape[1] not in "uU":
        return _SHORT[escape[1]]
    try:
        character = chr(int.from_bytes(bytes.fromhex(escape[2:])))
        character.encode()
    except (ValueError, OverflowError) as error:
        raise Malformed(_WHAT, "an escape in it is no character") from error
    return character

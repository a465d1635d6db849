"""Why linked data is refused: one class for each reason, with a code that does not change."""

from credentials.errors import HandstampError


class UnsafeLinkedData(HandstampError):
    """JSON-LD that two readers could take for different statements, or that says what no statement would hold."""

    code = "unsafe_linked_data"


class DroppedTerm(UnsafeLinkedData):
    """A member, value or node that would silently be left out of the statements, and so out of the signature."""

    code = "dropped_term"

    def __init__(self, what: str) -> None:
        """Say in own words which part (`what`) would be dropped."""
        super().__init__(f"The document holds {what}, which no signature would cover; define it in a context.")


class RelativeReference(UnsafeLinkedData):
    """An identifier, type or property that means something else depending on where the document lies."""

    code = "relative_reference"

    def __init__(self, what: str) -> None:
        super().__init__(f"The document holds {what} that is not absolute; write it in full.")


class UnknownContext(UnsafeLinkedData):
    """A context that is not in the frozen table. It is never fetched."""

    code = "unknown_context"

    def __init__(self) -> None:
        super().__init__("The document names a context that is not known here; contexts are never fetched.")


class ProtectedTermRedefined(UnsafeLinkedData):
    """A context that gives another meaning to a term that an earlier one protects."""

    code = "protected_term_redefined"

    def __init__(self) -> None:
        super().__init__("A context of the document redefines a protected term; use other names.")


class InvalidLinkedData(UnsafeLinkedData):
    """JSON that is not JSON-LD 1.1."""

    code = "invalid_linked_data"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The document is not JSON-LD: {reason}.")


class BlankNodeNamed(UnsafeLinkedData):
    """A blank node that the document names itself: what is issued leaves them unnamed, so that a name cannot tag."""

    code = "blank_node_named"

    def __init__(self) -> None:
        super().__init__("The document names a blank node, or uses `urn:bnid:`; leave the identifier out.")


class OversizedLinkedData(UnsafeLinkedData):
    """A document with more levels, values or statements than anybody needs."""

    code = "oversized_linked_data"

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"The document has more {what} than the {most} that are read.")


class TooMuchWork(HandstampError):
    """A dataset whose blank nodes are so alike that naming them takes more steps than anybody honest needs."""

    code = "too_much_work"

    def __init__(self, max_work: int) -> None:
        super().__init__(
            f"The document's blank nodes cannot be told apart within {max_work} steps; give its parts identifiers."
        )

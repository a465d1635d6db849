"""The port through which everyone else gets DID documents; `plumbing/dids.py` has the one that fetches."""

from typing import Protocol

from credentials.dids.document import DidDocument


class DidResolver(Protocol):
    """Turns a DID into its document."""

    async def resolve(self, did: str) -> DidDocument:
        """Return the document of a DID.

        Raises:
            Malformed: it is no DID.
            DidMethodUnsupported: its method is not in the table.
            DidNotResolved: the document could not be had, or not be read.
        """
        ...

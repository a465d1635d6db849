"""Where messages stand when some were committed to: the signer's, the blind, the committed ones, the nym secrets."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from credentials.bbs.core import Proof
from credentials.bbs.curve import Scalar
from credentials.bbs.errors import BadBbsProof, UnknownMessage
from credentials.bbs.interface import Bases, Interface


@dataclass(frozen=True, slots=True)
class Layout:
    """How many messages of each kind there are; the blind is always one."""

    messages: int
    committed: int
    nyms: int = 0

    @classmethod
    def of_proof(cls, proof: Proof, *, shown: int, committed: int, nyms: int = 0) -> Self:
        """Take from a proof's length how many messages the signer signed.

        Raises:
            BadBbsProof: it is about fewer messages than were committed to, or shows what must stay hidden.
        """
        answers = len(proof.message_answers)
        messages = shown + answers - 1 - committed - nyms
        if messages < 0 or answers < nyms + 1:
            raise BadBbsProof
        return cls(messages, committed, nyms)

    def bases(self, interface: Interface) -> Bases:
        """Give the generators.

        Raises:
            Malformed: there are more than `MAX_MESSAGES` messages.
        """
        blind = 1 + self.committed + self.nyms
        return interface.bases_with_blind(self.messages, blind, what="list of messages")

    def place(self, disclosed: Collection[int], disclosed_committed: Collection[int]) -> list[int]:
        """Number what is shown, of both kinds, among all messages.

        Raises:
            UnknownMessage: a number is none of a message of its kind, so what must stay secret would be shown.
        """
        if not set(disclosed) <= set(range(self.messages)):
            raise UnknownMessage(self.messages)
        if not set(disclosed_committed) <= set(range(self.committed)):
            raise UnknownMessage(self.committed)
        return [*disclosed, *(self.messages + 1 + index for index in disclosed_committed)]

    def place_shown(
        self, interface: Interface, disclosed: Mapping[int, bytes], disclosed_committed: Mapping[int, bytes]
    ) -> dict[int, Scalar]:
        """Number and map what a proof shows.

        Raises:
            BadBbsProof: a number is none of a message of its kind.
        """
        try:
            indexes = self.place(disclosed, disclosed_committed)
        except UnknownMessage as error:
            raise BadBbsProof from error
        messages = [*disclosed.values(), *disclosed_committed.values()]
        return dict(zip(indexes, interface.map_messages(messages), strict=True))

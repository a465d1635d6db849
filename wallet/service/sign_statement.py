"""Speak as a persona: give out its published credential, and sign words that anybody can check."""

from collections.abc import Mapping

from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import HolderError
from credentials.keys.signer import LocalSigner
from credentials.statement import build_statement
from wallet.linked import LinkedCredential, LinkedKind
from wallet.ports import Tools
from wallet.state import Copy


class NoPersona(HolderError):
    """Something that speaks for nobody."""

    code = "no_persona"

    def __init__(self) -> None:
        super().__init__(
            "This is not the stamp of a verified artist or label that can be published, or it has ended. Ask your "
            "co-op for one, or fetch a new one with: handstamp wallet top-up"
        )


def read_published(copy: Copy, *, tools: Tools) -> Mapping[str, Json]:
    """Return the credential of a persona as it is to be published.

    Raises:
        NoPersona: there is none, or it has ended.
    """
    return _read(_find(copy, tools))


def sign_statement(copy: Copy, text: str, *, about: str | None, tools: Tools) -> Mapping[str, Json]:
    """Sign words as a persona.

    Args:
        copy: the verified artist or label in this wallet.
        text: what is said.
        about: the catalogue id of the release or track that it is about.
        tools: what the wallet needs of the world.

    Raises:
        NoPersona: the copy speaks for nobody.
        NotItsToSay: the persona was not verified for what it is about.
        Malformed: the text is empty, too long or holds control characters.
    """
    published = _find(copy, tools)
    signer = LocalSigner.from_pem(published.key.encode(), None)
    return build_statement(text, credential=_read(published), signer=signer, at=tools.clock(), about=about)


def _find(copy: Copy, tools: Tools) -> LinkedCredential:
    found = copy.linked_as(LinkedKind.SIGNED, tools.clock())
    if found is None:
        raise NoPersona
    return found


def _read(published: LinkedCredential) -> dict[str, Json]:
    return strict_json.parse_object(published.credential, what="credential in the wallet")

"""Listeners. What names a person stays in this type and its table; no message is ever built from it."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from credentials.errors import HolderError, Malformed

MAX_NAME: Final = 200
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class UnknownListener(HolderError):
    """Nobody by that id, e-mail address or name."""

    code = "unknown_listener"

    def __init__(self) -> None:
        super().__init__("No such listener, or several of that name; `handstamp issuer listener list` shows their ids.")


class ListenerExists(HolderError):
    """The e-mail address already belongs to a listener."""

    code = "listener_exists"

    def __init__(self) -> None:
        super().__init__("A listener with this e-mail address is already there.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A listener; all that names them is optional, and hidden when the object is printed."""

    id: str
    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    birth_date: date | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, *, listener_id: str, name: str | None, email: str | None, birth_date: str | None) -> "Listener":
        """Build a listener from what was typed.

        Raises:
            Malformed: the name is too long, the address is none, or the date is not written `1990-12-31`.
        """
        if name is not None and not (name.strip() and len(name) <= MAX_NAME and name.isprintable()):
            raise Malformed("name", f"it is not a line of 1 to {MAX_NAME} characters")
        if email is not None and not (_EMAIL.fullmatch(email) and email.isprintable()):
            raise Malformed("e-mail address", "it is not written like name@example.org")
        try:
            born = None if birth_date is None else date.fromisoformat(birth_date)
        except ValueError as error:
            raise Malformed("birth date", "it is not written like 1990-12-31") from error
        return cls(id=listener_id, name=name, email=email and email.lower(), birth_date=born)

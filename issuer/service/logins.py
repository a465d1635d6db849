"""Log in by a magic link: looking at it changes nothing, the button on its page uses it up."""

from datetime import datetime, timedelta
from typing import Final

from credentials.errors import HolderError
from issuer.ports import Logins
from issuer.secrets import stored
from plumbing.ids import new_secret

LINK_TTL: Final = timedelta(minutes=30)
SESSION_TTL: Final = timedelta(days=7)


class LinkUsedUp(HolderError):
    """A magic link that was used, is too old, or never was one."""

    code = "link_used_up"

    def __init__(self) -> None:
        super().__init__("This link was used already or is too old. Nothing is lost; ask the co-op for a new one.")


class NotLoggedIn(HolderError):
    """A page that only a logged-in listener may see."""

    code = "not_logged_in"

    def __init__(self) -> None:
        super().__init__("You are not logged in, or it was too long ago. Open the link that the co-op sent you.")


def make_login_link(logins: Logins, *, listener: str, now: datetime) -> str:
    """Make the secret of a new magic link."""
    token = new_secret()
    logins.add_login_link(stored(token), listener=listener, until=now + LINK_TTL)
    return token


def check_login_link(logins: Logins, token: str, *, now: datetime) -> None:
    """Refuse a link that cannot be used any more; using it is `log_in`."""
    if not logins.login_link(stored(token), now=now):
        raise LinkUsedUp


def log_in(logins: Logins, token: str, *, now: datetime) -> str:
    """Use a magic link up and return the secret of a browser's session."""
    listener = logins.use_login_link(stored(token), now=now)
    if listener is None:
        raise LinkUsedUp
    session = new_secret()
    logins.add_browser(stored(session), listener=listener, until=now + SESSION_TTL)
    return session


def whose_browser(logins: Logins, session: str | None, *, now: datetime) -> str:
    """Return the listener of a session, or refuse."""
    listener = logins.browser(stored(session), now=now) if session else None
    if listener is None:
        raise NotLoggedIn
    return listener


def log_out(logins: Logins, session: str) -> None:
    """Forget a browser's session."""
    logins.forget_browser(stored(session))

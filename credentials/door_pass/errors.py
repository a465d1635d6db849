"""What can be wrong with a door pass that could be read. The person at the door reads these words aloud."""

from credentials.errors import HandstampError, HolderError, IssuerError


class StalePass(HolderError):
    """A pass that was shown before: a photograph, or a clock that is behind."""

    code = "stale_pass"

    def __init__(self) -> None:
        super().__init__("This code is from earlier. Show it as it is now; if it is, the phone's clock is behind.")


class EarlyPass(HolderError):
    """A pass of a time that has not come."""

    code = "early_pass"

    def __init__(self) -> None:
        super().__init__("This code is from a time that has not come: the phone's clock is ahead, or this one behind.")


class WrongRecord(HolderError):
    """A pass of the right kind for another record, persona or co-op than the door asks for."""

    code = "wrong_record"

    def __init__(self) -> None:
        super().__init__("This is a valid stamp for something else than what is asked for here.")


class UnknownPassKey(HandstampError):
    """A pass signed with a key that nobody here trusts, or trusts no more."""

    code = "unknown_pass_key"

    def __init__(self) -> None:
        super().__init__("Nobody that this door trusts signed this; fetch the keys of the co-ops anew.")


class WrongVoice(IssuerError):
    """A co-op that vouches for the members of another."""

    code = "wrong_voice"

    def __init__(self) -> None:
        super().__init__("This membership is vouched for by another co-op than the one it names.")


class WrongPass(IssuerError):
    """On receipt: a door pass for something else than was asked for."""

    code = "wrong_pass"

    def __init__(self, difference: str) -> None:
        super().__init__(f"The door pass is refused: {difference}.")


class PosterUntrusted(HandstampError):
    """A poster that none of the keys signed which may speak for its gate's host."""

    code = "poster_untrusted"

    def __init__(self) -> None:
        super().__init__(
            "Nobody vouches for this poster: the site whose door it names did not sign it, as far as is known here. "
            "Ask at the door."
        )

"""Which numbers a site may ask for at once, and when: those of one gate, and of a month only while it lasts."""

from datetime import datetime, timedelta
from typing import Final

from credentials.protocols.openid4vp import AuthorizationRequest
from wallet.refused import QuestionRefused

_CLOCKS: Final = timedelta(minutes=5)
"""So far two clocks may differ at the turn of a month."""
_TELL: Final = "tell the site, the fault is not yours"


def check_numbers(request: AuthorizationRequest, *, at: datetime) -> None:
    """Check that what a site asks to count by joins nothing that was promised to stay apart.

    Whoever gets the numbers of two gates, or of two months, in one answer knows from then on that both are one
    listener's. A month that is over was promised to be forgotten, and one to come would be known beforehand. What a
    door without a limit was shown in one half minute has a domain of its own, too: asked for later, it would tell who
    stood there.

    Args:
        request: verified.
        at: now.

    Raises:
        QuestionRefused: it asks for numbers of several gates or months, or of anything but a gate and this month.
    """
    domains = set(request.nym_domains.values())
    if len(domains) > 1:
        raise QuestionRefused(request.host, "it asks for several numbers at once, and could join them", _TELL)
    now = {f"{moment:%Y-%m}" for moment in (at - _CLOCKS, at, at + _CLOCKS)}
    for domain in domains:
        _, marked, period = domain.partition("#")
        if marked and period not in now:
            raise QuestionRefused(request.host, "it asks for the number of another month or moment than this", _TELL)

"""What a site counts about itself: outcomes and forms, never which gate."""

from typing import Final

from plumbing.meter import Counted, Meter
from verifier.errors import AlreadyUsed
from verifier.forms import Form
from verifier.service.take_answer import AnswerFailed, AnswerTaken
from verifier.visits import Accepted, LiveVisit

DOOR: Final = "door"
FORMS: Final = frozenset({*(form.name.lower() for form in Form), DOOR})
PRESENTATIONS: Final = Counted(
    name="presentations",
    help="Answers of wallets and scanned passes that were judged, by what came of it; refused ones have no form.",
    labels={"outcome": frozenset({"accepted", "used_up", "refused"}), "form": frozenset({*FORMS, "none"})},
)
PASSAGES: Final = Counted(
    name="passages",
    help="Times that a gate opened (redemptions).",
    labels={"way": frozenset({"same_device", "other_device", "short_code", DOOR})},
)


def form_of(met: str) -> str:
    """Return in which form a gate's requirement was met, by the ids of the queries that were answered."""
    first = met.partition(",")[0]
    named = (form for form in Form if form.value and first.endswith(form.value))
    return next(named, Form.SD_JWT).name.lower()


def count_answer(meter: Meter, outcome: AnswerTaken | AnswerFailed) -> None:
    """Count an answer that was judged; a gate without a limit opens for another device at once."""
    match outcome:
        case AnswerTaken(redirect_uri=None):
            meter.add(PRESENTATIONS, "accepted", form_of(outcome.met))
            meter.add(PASSAGES, "other_device")
        case AnswerTaken():
            meter.add(PRESENTATIONS, "accepted", form_of(outcome.met))
        case AnswerFailed(error=AlreadyUsed()):
            meter.add(PRESENTATIONS, "used_up", "none")
        case AnswerFailed():
            meter.add(PRESENTATIONS, "refused", "none")


def count_passage(meter: Meter, visit: LiveVisit, way: str) -> None:
    """Count that a gate opened, if it did."""
    if isinstance(visit, Accepted):
        meter.add(PASSAGES, way)

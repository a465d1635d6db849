"""What was found out about a file: every step with how it went, and what the file says, in plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError
from handstamp.verifying.steps import Pipeline, Step


class Outcome(StrEnum):
    """How a step went."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_COMPARED = "not compared"
    """Nobody said with what, or the list was not at hand."""
    NOT_REACHED = "not reached"
    """A step before it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """How one step went, and what there is to say about it."""

    step: Step
    outcome: Outcome
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a pipeline left when every step passed."""

    says: Mapping[str, Json] = field(default_factory=dict)
    """What the file says, under names for people."""
    notes: Mapping[int, str] = field(default_factory=dict)
    """Steps that could not be compared with anything, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found out about one file."""

    pipeline: Pipeline
    steps: tuple[StepReport, ...]
    says: Mapping[str, Json]
    error: HandstampError | None = None

    @property
    def good(self) -> bool:
        """Whether no step failed. Steps that could not be compared are said beside it."""
        return self.error is None

    def to_json(self) -> dict[str, Json]:
        """Write it for programs."""
        error = self.error
        return {
            "what": self.pipeline.what,
            "good": self.good,
            "steps": [
                {
                    "number": each.step.number,
                    "title": each.step.title,
                    "why": each.step.why,
                    "outcome": each.outcome.value,
                    "note": each.note,
                }
                for each in self.steps
            ],
            "error": None if error is None else {"code": error.code, "detail": error.detail},
            "says": dict(self.says),
        }


def report_success(pipeline: Pipeline, found: Found) -> Report:
    """Say that every step passed, or could not be compared with anything."""
    steps = tuple(
        StepReport(
            step=step,
            outcome=Outcome.NOT_COMPARED if step.number in found.notes else Outcome.PASSED,
            note=found.notes.get(step.number, ""),
        )
        for step in pipeline.steps
    )
    return Report(pipeline=pipeline, steps=steps, says=found.says)


def report_failure(pipeline: Pipeline, error: HandstampError) -> Report:
    """Say which step failed, and why."""
    failed = pipeline.step_of(error.code)
    order = [step.number for step in pipeline.steps]

    def report(step: Step) -> StepReport:
        if step.number == failed:
            return StepReport(step=step, outcome=Outcome.FAILED, note=error.detail)
        before = order.index(step.number) < order.index(failed)
        return StepReport(step=step, outcome=Outcome.PASSED if before else Outcome.NOT_REACHED)

    return Report(pipeline=pipeline, steps=tuple(map(report, pipeline.steps)), says={}, error=error)

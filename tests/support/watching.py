"""A service that is watched as an operator watches it, and what stands on its page of metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prometheus_client import generate_latest

from plumbing.meter import METHODS, error_codes
from plumbing.metrics import PrometheusMeter
from plumbing.observing import Observing
from plumbing.runs import ITEMS, LAST_SUCCESS, RUNS, Runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fastapi import FastAPI

    from plumbing.meter import Counted

_OURS = "handstamp_"


def _templates(routes: Iterable[Any]) -> Iterator[str]:
    """Yield the template of every route, those of included routers too."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from _templates(route.original_router.routes)
        else:
            yield route.path


@dataclass
class Watched:
    """What counts for one service; its page of metrics is new each time that it is asked for."""

    service: str
    meter: PrometheusMeter = field(init=False)

    def __post_init__(self) -> None:
        self.meter = PrometheusMeter(self.service, version="0.0.0", held_s=0.0)

    @property
    def observing(self) -> Observing:
        return Observing(meter=self.meter, prometheus=self.meter, runs=Runs(self.meter))

    @property
    def page(self) -> str:
        """The page as a collector reads it, without the sentences that explain it."""
        text = generate_latest(self.meter.registry).decode()
        return "\n".join(line for line in text.splitlines() if not line.startswith("#"))

    def count(self, name: str, **labels: str) -> float:
        """Return one count, 0 if it is not there."""
        found = self.meter.registry.get_sample_value(f"{_OURS}{name}_total", {"service": self.service, **labels})
        return found or 0.0

    def open_labels(self, app: FastAPI, counted: Iterable[Counted]) -> set[tuple[str, str, str]]:
        """Return every label whose value is in no closed table."""
        tables = {_OURS + each.name: each.labels for each in (*counted, RUNS, ITEMS, LAST_SUCCESS)}
        edge = {
            "service": {self.service},
            "version": {"0.0.0"},
            "method": METHODS | {"other"},
            "route": {*_templates(app.routes), "none"},
            "status_class": {"2xx", "3xx", "4xx", "5xx"},
            "code": error_codes() | {"other"},
            "kind": {"OperationalError"},
            "state": {"in_use", "idle"},
        }
        return {
            (metric.name, label, value)
            for metric in self.meter.registry.collect()
            if metric.name.startswith(_OURS)
            for sample in metric.samples
            for label, value in sample.labels.items()
            if label != "le" and value not in {**edge, **tables.get(metric.name, {})}.get(label, ())
        }

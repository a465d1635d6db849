"""The page for operators names every metric that there is, and no other."""

import re
from pathlib import Path

from issuer import counted as of_issuer
from plumbing import meter, observing, runs
from plumbing.health import LIVE, READY
from plumbing.metrics import PrometheusMeter
from trackserver import counted as of_trackserver
from verifier import counted as of_verifier

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "observing.md").read_text("utf-8")


def named(counted: meter.Counted) -> str:
    return f"handstamp_{counted.name}" if isinstance(counted, meter.Measured) else f"handstamp_{counted.name}_total"


def test_the_page_names_every_metric_with_its_labels_and_no_other() -> None:
    modules = (of_issuer, of_verifier, of_trackserver, runs, observing)
    declared = {
        named(each): tuple(each.labels)
        for module in modules
        for each in vars(module).values()
        if isinstance(each, meter.Counted)
    }
    own = PrometheusMeter("issuer", version="1")
    own.end(meter.Asked(method="GET", route="/", status=200, seconds=0, sent_bytes=1, refusal="malformed"))
    for metric in own.registry.collect():
        if metric.name.startswith("handstamp_"):
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            declared[name] = tuple(each for each in metric.samples[0].labels if each not in {"service", "le"})
    rows = dict(re.findall(r"^\| `(handstamp_\w+)` \|([^|]*)\|", PAGE, re.MULTILINE))
    assert {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows.items()} == declared


def test_the_page_names_the_addresses_of_health_and_every_work() -> None:
    for word in (LIVE, READY, *runs.WORKS, "metrics_port", "metrics_host", "tracing_endpoint"):
        assert f"`{word}" in PAGE or word in PAGE

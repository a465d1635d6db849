"""Measure, each figure beside its limit; write `benchmarks/RESULTS.md` and a chart. Run by `make bench`."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Final

HERE: Final = Path(__file__).resolve().parent
if not __package__:  # Run as a script, Python knows this folder only; `benchmarks` is found from the one above.
    sys.path[0] = str(HERE.parent)

from benchmarks.bbs import measure_bbs  # noqa: E402
from benchmarks.chart import describe_chart, draw_chart  # noqa: E402
from benchmarks.flows import measure_flows  # noqa: E402
from benchmarks.kernel import measure_kernel  # noqa: E402
from benchmarks.linked import measure_linked  # noqa: E402
from benchmarks.measure import ROUNDS, SECONDS_PER_ROUND, Figure  # noqa: E402
from benchmarks.postgresql import postgresql_urls  # noqa: E402
from benchmarks.served import measure_served  # noqa: E402
from benchmarks.zip_stream import measure_zip  # noqa: E402
from plumbing.clock import system_clock  # noqa: E402

_COLUMNS: Final = ("figure", "rate", "beside its limit", "comes to", "wanted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured; `FULL` is what RESULTS.md is made with."""

    rounds: int
    seconds: float
    flows: int
    served_flows: int
    zip_bytes: int
    large_zip_bytes: int


FULL: Final = Effort(
    rounds=ROUNDS,
    seconds=SECONDS_PER_ROUND,
    flows=30,
    served_flows=12,
    zip_bytes=200_000_000,
    large_zip_bytes=2_000_000_000,
)


def main() -> int:
    """Measure everything, print a line as soon as it is known, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=HERE / "RESULTS.md", help="where the results are written; the chart beside them"
    )
    output: Path = parser.parse_args().output
    with TemporaryDirectory(prefix="handstamp-bench-") as folder:
        _forget_settings(Path(folder))
        _measure_and_write(output)
    return 0


def _measure_and_write(output: Path) -> None:
    began = time.monotonic()
    machine = describe_machine()
    print(f"{machine}\n", flush=True)
    figures = []
    for figure in measure_all(FULL):
        figures.append(figure)
        wanted = f"wanted: {figure.goal}" if figure.goal else ""
        print(f"  {figure.name:<62} {figure.rate:>14}  {figure.ratio:<24} {wanted:<22} {figure.limit}", flush=True)
    took_s = time.monotonic() - began
    output.write_text(write_results(figures, machine=machine, took_s=took_s), "utf-8")
    output.with_suffix(".svg").write_text(draw_chart(figures), "utf-8")
    print(f"\nWritten to {output} after {took_s:.0f} s.", flush=True)


def measure_all(effort: Effort) -> Iterator[Figure]:
    """Measure every figure, in the order of the table."""
    yield from measure_kernel(rounds=effort.rounds, seconds=effort.seconds)
    yield from measure_bbs(rounds=effort.rounds, seconds=effort.seconds)
    yield from measure_linked(rounds=effort.rounds, seconds=effort.seconds)
    with (
        TemporaryDirectory(prefix="handstamp-bench-") as folder,
        postgresql_urls("flows", "issuance", "presentation") as urls,
    ):
        place = Path(folder)
        yield from measure_flows(place, rounds=effort.rounds, flows=effort.flows, postgresql_url=urls.get("flows"))
        flows, both = effort.served_flows, (urls["issuance"], urls["presentation"]) if urls else None
        yield from measure_served(place, rounds=effort.rounds, flows=flows, postgresql=both)
    with TemporaryDirectory(prefix="handstamp-bench-") as folder:
        yield from measure_zip(
            Path(folder), rounds=effort.rounds, size_bytes=effort.zip_bytes, large_bytes=effort.large_zip_bytes
        )


def write_results(figures: Sequence[Figure], *, machine: str, took_s: float) -> str:
    """Write the results as a page."""
    lines = [_row(_COLUMNS), _row(["---"] * len(_COLUMNS))]
    lines += [_row((each.name, each.rate, each.limit, each.ratio, str(each.goal or ""))) for each in figures]
    about = (HERE / "METHOD.md").read_text("utf-8").strip()
    table = "\n".join(lines)
    chart = f"![{describe_chart(figures)}](RESULTS.svg)"
    return f"# Results\n\n{machine}\nMade by `make bench` in {took_s:.0f} s.\n\n{chart}\n\n{table}\n\n{about}\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def describe_machine() -> str:
    """Say when and where this is measured."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"{system_clock():%Y-%m-%d}, {_processor()}, {cores} cores (load {load:.1f} at the start), "
        f"{platform.system()} {platform.machine()}, {python}, data on {_filesystem(Path(gettempdir()))}."
    )


def _filesystem(folder: Path) -> str:
    """Say what keeps the data: where that is memory, nothing waits for a disk."""
    try:
        lines = Path("/proc/mounts").read_text("utf-8").splitlines()
    except OSError:
        return "an unknown file system"
    mounts = [(Path(where), kind) for _, where, kind, *_ in (line.split() for line in lines)]
    return max(
        ((where, kind) for where, kind in mounts if folder.resolve().is_relative_to(where)),
        key=lambda mount: len(mount[0].parts),
    )[1]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _forget_settings(folder: Path) -> None:
    """Keep the settings of the machine's owner away from what is measured."""
    for name in [name for name in os.environ if name.startswith("HANDSTAMP_")]:
        del os.environ[name]
    empty = folder / "handstamp.toml"
    empty.touch()
    os.environ["HANDSTAMP_CONFIG"] = str(empty)


if __name__ == "__main__":
    sys.exit(main())

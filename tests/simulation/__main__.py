"""`make simulate`: go through worlds for as long as there is time, and write what was found.

python -m tests.simulation --minutes 30 --report docs/reports/simulation.md
"""

import argparse
import gc
import logging
import platform
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import structlog

from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from tests.simulation.explore import Explored, at_random, in_every_way
from tests.simulation.mutants import MUTANTS, look_for
from tests.simulation.store import Rules
from tests.simulation.stories import three_records, two_records
from tests.simulation.worker import Makes
from tests.simulation.world import Plan

SEEDS_AT_ONCE = 500
MOST_WORLDS_FOR_A_MUTANT = 4_000


class Small(NamedTuple):
    """A small world that is gone through in every way."""

    name: str
    records: Callable[[], list[list[object]]]
    plan: Plan


SMALL = (
    Small("one range; names are forgotten", two_records, Plan(faults=1)),
    Small("one range; names are remembered", two_records, Plan(faults=1, store=Rules(remembers_all=True))),
    Small("two ranges and a copy; names are forgotten", three_records, Plan(faults=1)),
    Small("one range, one worker; names are forgotten", two_records, Plan(workers=1, faults=2)),
    Small("one range; names are forgotten", two_records, Plan(faults=2)),
)


def main() -> None:
    arguments = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    makes = Makes(read_policies(ROOT / "policies"))
    lines = [*_head(), *_small(makes, arguments.small), *_large(makes, arguments), *_mutants(makes)]
    text = "\n".join(lines) + "\n"
    if arguments.report is not None:
        arguments.report.write_text(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to go through large worlds")
    parser.add_argument("--first-seed", type=int, default=0, help="the seed of the first large world")
    parser.add_argument("--small", type=int, default=len(SMALL), help="how many small worlds to go through")
    parser.add_argument("--report", type=Path, help="where to write the report")
    return parser.parse_args()


def _head() -> Iterator[str]:
    yield "# Simulation of the range protocol"
    yield ""
    yield (
        f"Made by `make simulate` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python"
        f" {platform.python_version()}. What is simulated, and what is relied on, is told in"
        " docs/decisions/0016-inserts-that-refuse-themselves.md."
    )
    yield ""


def _small(makes: Makes, how_many: int) -> Iterator[str]:
    yield "## Small worlds, in every way"
    yield ""
    yield "Two workers, or one. Of runs that lead to the same state one goes on; the others end there."
    yield ""
    yield "| world | things that go wrong | runs | states | steps | seconds | outcome |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for small in SMALL[:how_many]:
        began = time.monotonic()
        found = in_every_way(small.records, makes, small.plan)
        yield _said(
            f"| {small.name} | {small.plan.faults} | {found.runs:,} | {found.states:,} | {found.steps:,}"
            f" | {time.monotonic() - began:.0f} | {_outcome(found)} |"
        )
    yield ""


def _large(makes: Makes, arguments: argparse.Namespace) -> Iterator[str]:
    yield "## Large worlds, at random"
    yield ""
    yield (
        "Two or three workers, two partitions of 14 records on two days, up to ten things that go wrong."
        " Ids are up to a day ahead, five minutes old, or of no time; the broker's clock jumps back an hour;"
        " a filter of copies forgets once it holds more than one to nine."
    )
    yield ""
    ends = time.monotonic() + arguments.minutes * 60
    seed, steps, began = arguments.first_seed, 0, time.monotonic()
    while time.monotonic() < ends:
        found = at_random(range(seed, seed + SEEDS_AT_ONCE), makes, Plan(faults=10))
        seed, steps = seed + found.runs, steps + found.steps
        if found.failure is not None:
            _said("\n".join(found.failure.story))
            yield _said(f"Seed {found.failure.again}: {found.failure.error}")
            return
    went = f"Seeds {arguments.first_seed} to {seed - 1}, {steps:,} steps, {time.monotonic() - began:.0f} s"
    yield _said(f"{went}: nothing lost, nothing twice, nothing unaccounted for, nothing untold.")
    yield ""


def _mutants(makes: Makes) -> Iterator[str]:
    yield "## Broken protocols"
    yield ""
    yield "| what is broken | found after | as |"
    yield "| --- | --- | --- |"
    for mutant in MUTANTS:
        found = look_for(makes, mutant, MOST_WORLDS_FOR_A_MUTANT)
        error = "-" if found.failure is None else found.failure.error.split(":", maxsplit=1)[-1].strip()[:90]
        kind = "runs of a small world" if mutant.small else "worlds at random"
        yield _said(f"| {mutant.name} | {found.runs:,} {kind} | {error.replace('|', '/')} |")


def _outcome(found: Explored) -> str:
    return "holds" if found.failure is None else f"fails: {found.failure.error}"


def _said(line: str) -> str:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return line


if __name__ == "__main__":
    main()

"""What exactly-once costs: the worker beside the same worker without it, by turns, in one run.

Run from the root of the repository: python -m benchmarks.exactly_once.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks import arena
from benchmarks.arena import Contender, Round, median
from benchmarks.keeping import keep

RESULTS: Final = Path(__file__).parent / "results" / "exactly-once.json"
WITHOUT: Final = Contender(
    "at_least_once", ("-m", "benchmarks.at_least_once"), "access_log", ("exactly once", "copies", "ledger")
)
CONTENDERS: Final = (arena.WORKER, WITHOUT)


def main() -> int:
    """Measure both, print and keep what the difference is."""
    asked = _arguments()
    with arena.opened(asked.events, asked.evidence, Console(stderr=True).print) as place:
        results = arena.compete(place, CONTENDERS, asked.rounds, Console(stderr=True).print)
    medians = {name: median(rounds) for name, rounds in results.items()}
    price = _price(results[arena.WORKER.name], results[WITHOUT.name])
    kept = {
        "settings": {"events": place.events, "evidence": asked.evidence, "rounds": asked.rounds},
        "contenders": {name: figures._asdict() for name, figures in medians.items()},
        "rounds": {name: [each._asdict() for each in rounds] for name, rounds in results.items()},
        "price": price,
    }
    keep(RESULTS, kept)
    table = Table(title=f"the price of exactly-once, {place.events:,} accesses, {asked.rounds} rounds")
    for heading in ("worker", "events/s", "events per CPU-second"):
        table.add_column(heading, justify="left" if heading == "worker" else "right")
    for name, figures in medians.items():
        table.add_row(name, f"{figures.events_per_s:,.0f}", f"{figures.events_per_cpu_s:,.0f}")
    table.add_row("price", f"{price['of_events_per_s']:.1%}", f"{price['of_events_per_cpu_s']:.1%}")
    Console().print(table)
    return 0


def _price(with_it: Sequence[Round], without: Sequence[Round]) -> dict[str, float]:
    """Give the median over rounds of what each lost beside its neighbour: a machine's pace drifts."""
    pairs = list(zip(with_it, without, strict=True))
    return {
        f"of_{figure}": 1
        - statistics.median(getattr(one, figure) / getattr(other, figure) for one, other in pairs)
        for figure in ("events_per_s", "events_per_cpu_s")
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exactly_once", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--evidence", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

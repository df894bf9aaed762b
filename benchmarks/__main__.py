"""`make bench`: events per second from topic to table, each contender alone, in turn, in one run."""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks import arena, faust_idiomatic, judge, storage
from benchmarks.arena import Contender, Round, median
from benchmarks.judge import Judged
from benchmarks.storage import Storage

RESULTS: Final = Path(__file__).parent / "results" / "latest.json"
PAGE_COLUMNS: Final = 120
WORTH_NAMING_BYTES: Final = 0.5
WORTH_NAMING_SHARE: Final = 0.01
LIBRARIES: Final = ("faust-streaming", "aiokafka", "clickhouse-driver", "pydantic", "msgspec", "chdb-core")


CONTENDERS: Final = (
    arena.WORKER,
    Contender(
        "faust_idiomatic",
        ("-m", "benchmarks.faust_idiomatic"),
        faust_idiomatic.TABLE,
        ("exactly once", "copies", "dead letters", "findings"),
    ),
)


def main() -> int:
    """Start a stack of its own, publish once, let each contender work it off, print and keep the results."""
    asked = _arguments()
    say = Console(stderr=True).print
    say(f"judging with {asked.evidence:,} evidence records")
    judged = judge.measure(asked.evidence)
    with arena.opened(asked.events, asked.evidence, say) as place:
        place.client.execute(f"CREATE TABLE {faust_idiomatic.TABLE} AS access_log")
        results = arena.compete(place, CONTENDERS, asked.rounds, say)
        stored = storage.measure(place.client, "access_log")
        events = place.events
    _keep(results, stored, judged, events, asked.evidence)
    _show(results, events, asked.evidence)
    _show_storage(stored)
    _show_judged(judged)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--evidence", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args()


def _keep(
    results: dict[str, list[Round]], stored: Storage, judged: Judged, events: int, evidence: int
) -> None:
    kept = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu_count": os.cpu_count(),
            "platform": platform.platform(),
            "python": platform.python_version(),
        },
        "versions": {name: version(name) for name in LIBRARIES},
        "settings": {"events": events, "evidence": evidence, "rounds": max(map(len, results.values()))},
        "contenders": {
            contender.name: {**median(results[contender.name])._asdict(), "cannot": contender.cannot}
            for contender in CONTENDERS
        },
        "judge": judged._asdict(),
        "storage_bytes_per_event": {**stored.columns, "indexes": stored.indexes, "total": stored.total},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def _show(results: dict[str, list[Round]], events: int, evidence: int) -> None:
    table = Table(title=f"{events:,} accesses, {evidence:,} evidence records, topic to table")
    for heading in (
        "contender",
        "events/s",
        "× idiomatic",
        "events per CPU-second*",
        "resident MB",
        "can't do",
    ):
        table.add_column(heading, justify="left" if heading in {"contender", "can't do"} else "right")
    slowest = median(results["faust_idiomatic"]).events_per_s
    for contender in CONTENDERS:
        figures = median(results[contender.name])
        table.add_row(
            contender.name,
            f"{figures.events_per_s:,.0f}",
            f"{figures.events_per_s / slowest:.1f}",
            f"{figures.events_per_cpu_s:,.0f}",
            f"{figures.resident_mb:,.0f}",
            ", ".join(contender.cannot) or "–",
        )
    Console(width=PAGE_COLUMNS).print(table)
    print("* of the contender, Kafka and ClickHouse together")


def _show_storage(stored: Storage) -> None:
    """Print what an access costs on disk; columns that cost next to nothing are added up."""
    dear = {name: size for name, size in stored.columns.items() if size >= WORTH_NAMING_BYTES}
    rest = sum(stored.columns.values()) - sum(dear.values())
    table = Table(title=f"on disk: {stored.total:.1f} bytes an access")
    table.add_column("column")
    table.add_column("bytes", justify="right")
    for name, size in dear.items():
        table.add_row(name, f"{size:.1f}")
    table.add_row(f"{len(stored.columns) - len(dear)} more", f"{rest:.1f}")
    table.add_row("indexes", f"{stored.indexes:.1f}")
    Console(width=PAGE_COLUMNS).print(table)


def _show_judged(judged: Judged) -> None:
    """Print what a judgement takes, and on which mix; kinds that hardly occur are added up."""
    frequent = {kind: share for kind, share in judged.mix.items() if share >= WORTH_NAMING_SHARE}
    table = Table(
        title=f"the judge: {judged.ns_per_access / 1000:.1f} µs an access,"
        f" {judged.evidence_records:,} evidence records"
    )
    table.add_column("access")
    table.add_column("of the mix", justify="right")
    for kind, share in frequent.items():
        table.add_row(kind, f"{share:.1%}")
    table.add_row(
        f"{len(judged.mix) - len(frequent)} more kinds",
        f"{sum(judged.mix.values()) - sum(frequent.values()):.1%}",
    )
    Console(width=PAGE_COLUMNS).print(table)


if __name__ == "__main__":
    sys.exit(main())

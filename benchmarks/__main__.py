"""`make bench`: events per second from topic to table, each contender alone, in turn, in one run."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks import arena, clickhouse_kafka_engine, faust_idiomatic, judge, storage
from benchmarks.arena import Contender, Round, median
from benchmarks.judge import Judged
from benchmarks.keeping import keep
from benchmarks.storage import Storage
from earwitness.devstack.lock_jars import KAFKA
from earwitness.settings import ROOT

RESULTS: Final = Path(__file__).parent / "results" / "latest.json"
PAGE_COLUMNS: Final = 120
WORTH_NAMING_BYTES: Final = 0.5
WORTH_NAMING_SHARE: Final = 0.01
LIBRARIES: Final = ("faust-streaming", "aiokafka", "clickhouse-driver", "pydantic", "msgspec", "chdb-core")
QUIX: Final = ROOT / ".venv-quix"
"""The environment of a contender that wants other versions than the worker; `make bench` makes it."""

CONTENDERS: Final = (
    arena.WORKER,
    Contender(
        "faust_idiomatic",
        ("-m", "benchmarks.faust_idiomatic"),
        faust_idiomatic.TABLE,
        ("exactly once", "copies", "dead letters", "findings"),
    ),
    Contender(
        "quix",
        ("-m", "benchmarks.quix"),
        "access_log_quix",
        ("exactly once", "copies", "dead letters", "findings"),
        python=str(QUIX / "bin" / "python"),
    ),
    Contender(
        "clickhouse_kafka_engine",
        ("-m", "benchmarks.clickhouse_kafka_engine"),
        clickhouse_kafka_engine.TABLE,
        (
            "exactly once",
            "copies",
            "dead letters",
            "findings",
            "derivation",
            "policy",
            "validation",
            "new evidence",
        ),
        lives_in="clickhouse",
    ),
)


def main() -> int:
    """Start a stack of its own, publish once, let each contender work it off, print and keep the results."""
    asked = _arguments()
    contenders = [each for each in CONTENDERS if each.name in asked.only]
    _check(contenders)
    say = Console(stderr=True).print
    say(f"judging with {asked.evidence:,} evidence records")
    judged = judge.measure(asked.evidence)
    with arena.opened(asked.events, asked.evidence, say) as place:
        results = arena.compete(place, contenders, asked.rounds, say)
        stored = storage.measure(place.client, arena.WORKER.table) if arena.WORKER in contenders else None
        settings = {"events": place.events, "evidence": asked.evidence, "rounds": asked.rounds}
    _keep(asked.results, contenders, results, settings, stored, judged)
    _show(contenders, results, settings)
    if stored:
        _show_storage(stored)
    _show_judged(judged)
    return 0


def _arguments() -> argparse.Namespace:
    names = [contender.name for contender in CONTENDERS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="accesses that each works off")
    parser.add_argument("--evidence", type=int, default=100_000, help="records in the registers")
    parser.add_argument("--rounds", type=int, default=3, help="by turns; medians are given")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="these contenders")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file that keeps them")
    return parser.parse_args()


def _check(contenders: Sequence[Contender]) -> None:
    """End before anything is measured where a contender can't be run."""
    for contender in contenders:
        if not Path(contender.python).exists():
            others = " ".join(each.name for each in CONTENDERS if each.python == sys.executable)
            raise SystemExit(
                f"{contender.name} needs {contender.python}, which `make bench` installs; without it:"
                f" python -m benchmarks --only {others}"
            )


def _keep(  # noqa: PLR0913, PLR0917 - what there is to keep
    where: Path,
    contenders: Sequence[Contender],
    results: Mapping[str, Sequence[Round]],
    settings: Mapping[str, int],
    stored: Storage | None,
    judged: Judged,
) -> None:
    kept = {
        "versions": _versions(contenders),
        "settings": settings,
        "contenders": {
            contender.name: {**median(results[contender.name])._asdict(), "cannot": contender.cannot}
            for contender in contenders
        },
        "rounds": {name: [each._asdict() for each in rounds] for name, rounds in results.items()},
        "judge": judged._asdict(),
    }
    if stored:
        sizes = {**stored.columns, "indexes": stored.indexes, **stored.projections, "total": stored.total}
        kept["storage_bytes_per_event"] = sizes
    where.parent.mkdir(exist_ok=True)
    keep(where, kept)


def _versions(contenders: Sequence[Contender]) -> dict[str, str]:
    """Name what was measured: our libraries, the servers, and what a contender has of its own."""
    versions = {name: version(name) for name in LIBRARIES} | {"kafka": KAFKA.rpartition(":")[2]}
    if any(contender.name == "quix" for contender in contenders):
        where = [str(path) for path in QUIX.glob("lib/python*/site-packages")]
        versions |= {each.name: each.version for each in distributions(name="quixstreams", path=where)}
    return versions


def _show(
    contenders: Sequence[Contender], results: Mapping[str, Sequence[Round]], settings: Mapping[str, int]
) -> None:
    table = Table(
        title=f"{settings['events']:,} accesses, {settings['evidence']:,} evidence records, topic to table;"
        f" medians of {settings['rounds']}"
    )
    for heading in (
        "contender",
        "events/s",
        "ratio",
        "events per CPU-s*",
        "ratio",
        "resident MB",
        "can't do",
    ):
        table.add_column(heading, justify="left" if heading in {"contender", "can't do"} else "right")
    medians = {contender: median(results[contender.name]) for contender in contenders}
    first = medians[contenders[0]]
    for contender, figures in medians.items():
        table.add_row(
            contender.name,
            f"{figures.events_per_s:,.0f}",
            f"{figures.events_per_s / first.events_per_s:.2f}",
            f"{figures.events_per_cpu_s:,.0f}",
            f"{figures.events_per_cpu_s / first.events_per_cpu_s:.2f}",
            f"{figures.resident_mb:,.0f}",
            ", ".join(contender.cannot) or "–",
        )
    Console(width=PAGE_COLUMNS).print(table)
    print(f"* of the contender, Kafka and ClickHouse together; ratios to {contenders[0].name}")


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
    for name, size in stored.projections.items():
        table.add_row(f"projection {name}", f"{size:.1f}")
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

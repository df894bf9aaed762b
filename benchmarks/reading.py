"""What the security team's ten questions take on a month of accesses: warm, cold, and what is read for them.

Run from the root of the repository: python -m benchmarks.reading. It fills 100 million accesses on the server
(with --data-dir into that folder, where a later run finds them, and goes on where one was cut off), then asks
each question through the readers' path, as the API does, of ever other customers, actors and ids.
"""

import argparse
import os
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from clickhouse_driver import Client
from rich.console import Console

from benchmarks.keeping import keep
from benchmarks.reading_month import DAYS, Month, Say, write_month
from earwitness.cli import wiring
from earwitness.devstack import control, lock, state
from earwitness.devstack.layout import layout_of
from earwitness.devstack.supervisor import Options
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.conditions import Parameter
from earwitness.query.counts import DAY, HOUR, Counts, whole
from earwitness.query.language import all_of, between, fixed, parse, quote
from earwitness.query.reports import Asked as Report
from earwitness.query.reports import Reports
from earwitness.query.rows import ROW_COLUMNS
from earwitness.query.store import Answer
from earwitness.query.trail import Search, Trail
from earwitness.settings import Settings

RESULTS: Final = Path(__file__).parent / "results" / "reading.json"
PLANS: Final = RESULTS.with_name("reading-plans.txt")
ROWS: Final = 100_000_000
PAGE: Final = 100
SEED: Final = 20130207
TIMEOUT_S: Final = 300
PART_LENGTH: Final = 7
"""Characters of a part of an id."""

STAFF: Final = ("employee", "affiliate", "vendor", "acquirer", "application")
MEASURED: Final = {
    "cpu_ms": "OSCPUVirtualTimeMicroseconds",
    "rows": "SelectedRows",
    "marks": "SelectedMarks",
    "read_mb": "CompressedReadBufferBytes",
}
_TOLD_OF_A_PLAN: Final = re.compile(r"ReadFrom|Parts:|Granules:|Name:|Condition:|Ranges:|Rows:|Marks:")


class Subjects(NamedTuple):
    """What is asked for, drawn at random from the accesses: what has many is asked for more often."""

    customers: Sequence[str]
    actors: Sequence[str]
    resources: Sequence[str]
    ids: Sequence[str]


class Question(NamedTuple):
    """A question, asked of another subject each time; and as a plain statement on the view, if it has one."""

    name: str
    ask: Callable[[], object]
    plain: str | None = None


class RecordingStore:
    """A store that remembers what it was asked: the plans are those of the very statements."""

    def __init__(self, store: ClickHouseStore) -> None:
        self._store = store
        self.asked: list[tuple[str, Mapping[str, Parameter] | None]] = []

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        limits: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Ask, and remember."""
        self.asked.append((sql, parameters))
        return self._store.ask(sql, parameters, limits=limits)

    def stream(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        limits: Mapping[str, Any] | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        """Ask, and remember."""
        self.asked.append((sql, parameters))
        return self._store.stream(sql, parameters, limits=limits)


def main() -> None:
    """Fill, measure, print, keep."""
    asked = _arguments()
    say = Console(stderr=True).print
    month = Month(asked.rows)
    with stack(asked.data_dir, say) as data_dir:
        client = Client(
            **wiring.clickhouse(state.settings_for(data_dir, "admin").clickhouse)._asdict(),
            send_receive_timeout=TIMEOUT_S,
        )
        write_month(client, month, say)
        if asked.fill_only:
            return
        arguments = wiring.clickhouse(state.settings_for(data_dir, "api").clickhouse)._asdict()
        with closing(ClickHouseStore(**arguments, query_timeout_s=TIMEOUT_S)) as store:
            bench = Bench(client, RecordingStore(store), month, data_dir, say)
            results = bench.measure(asked.times, asked.cold_times, plain=asked.plain)
    keep(RESULTS, {"rows": asked.rows, "days": DAYS, **results})
    PLANS.write_text("\n".join(bench.plans) + "\n")
    _print(results["questions"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--fill-only", action="store_true")
    parser.add_argument("--times", type=int, default=40, help="how often each question is asked, warm")
    parser.add_argument("--cold-times", type=int, default=5)
    parser.add_argument("--plain", action="store_true", help="also as a plain statement, without projections")
    return parser.parse_args()


@contextmanager
def stack(data_dir: Path | None, say: Say) -> Iterator[Path]:
    """Give a running stack without workers; one of a folder that was named stays there, and goes on."""
    if data_dir is not None:
        if not lock.is_held(layout_of(data_dir)):
            control.fetch_kafka(Settings().maven_url, say)
            control.start_detached(Options(data_dir=data_dir, workers=0))
        yield data_dir
        return
    with (
        tempfile.TemporaryDirectory(prefix="earwitness-reading-") as folder,
        stack(Path(folder), say) as made,
    ):
        try:
            yield made
        finally:
            control.stop(layout_of(made), say)


class Bench:
    """Asks, and watches what the server does for it."""

    def __init__(self, client: Client, store: RecordingStore, month: Month, data_dir: Path, say: Say) -> None:
        self._client, self._store, self._month, self._say = client, store, month, say
        self._data = layout_of(data_dir).clickhouse
        self.plans: list[str] = []

    def measure(self, times: int, cold_times: int, *, plain: bool) -> dict[str, Any]:
        """Ask every question, warm and cold."""
        self._say("waiting for merges")
        while self._client.execute("SELECT count() FROM system.merges")[0][0]:
            time.sleep(1)
        questions = ten_questions(
            self._store, self._month, drawn_subjects(self._client, self._month, times + cold_times + 5)
        )
        return {
            "later_verdicts": self._client.execute("SELECT count() FROM verdict_log")[0][0],
            "parts": self._client.execute(
                "SELECT count() FROM system.parts WHERE active AND table = 'access_log'"
            )[0][0],
            "storage": self._storage(),
            "questions": {
                question.name: self._measured(question, times, cold_times, plain=plain)
                for question in questions
            },
        }

    def _measured(self, question: Question, times: int, cold_times: int, *, plain: bool) -> dict[str, Any]:
        for _ in range(2):
            question.ask()
        self._store.asked.clear()
        before = self._counters()
        warm = [taken_ms(question.ask) for _ in range(times)]
        spent = {name: round((after - before[name]) / times, 1) for name, after in self._counters().items()}
        statements = self._store.asked[-(len(self._store.asked) // times) :]
        self._keep_plans(question.name, statements)
        cold = [self._cold_ms(question.ask) for _ in range(cold_times)]
        plain_ms = self._plain_ms(question.plain) if plain and question.plain else None
        found = {
            "warm_p50_ms": round(statistics.median(warm), 1),
            "warm_p95_ms": round(quantile(warm, 0.95), 1),
            "cold_p50_ms": round(statistics.median(cold), 1),
            "cold_max_ms": round(max(cold), 1),
            **spent,
            "statements": len(statements),
            **({} if plain_ms is None else {"plain_ms": plain_ms}),
        }
        self._say(f"{question.name}: {found}")
        return found

    def _counters(self) -> dict[str, float]:
        events = dict(
            self._client.execute(
                "SELECT event, value FROM system.events WHERE event IN %(events)s",
                {"events": tuple(MEASURED.values())},
            )
        )
        scale = {"cpu_ms": 1e3, "read_mb": 1e6}
        return {name: events.get(event, 0) / scale.get(name, 1) for name, event in MEASURED.items()}

    def _keep_plans(self, name: str, statements: Sequence[tuple[str, Any]]) -> None:
        for sql, parameters in statements:
            lines = self._store.ask(f"EXPLAIN indexes = 1, projections = 1 {sql}", parameters).rows
            told = [line.rstrip() for (line,) in lines if _TOLD_OF_A_PLAN.search(line)]
            self.plans += [f"== {name}: {' '.join(sql.split())[:200]}", *told, ""]

    def _cold_ms(self, ask: Callable[[], object]) -> float:
        """Drop what the server and the operating system hold of its files, and ask."""
        for cache in ("MARK", "INDEX MARK", "UNCOMPRESSED", "INDEX UNCOMPRESSED", "QUERY CONDITION", "MMAP"):
            self._client.execute(f"SYSTEM DROP {cache} CACHE")
        for folder, _, names in os.walk(self._data):
            for name in names:
                _forget(Path(folder, name))
        return taken_ms(ask)

    def _plain_ms(self, statement: str) -> float:
        """Ask once more as a plain statement over the view, with no projection."""
        off = {"optimize_use_projections": 0, "max_memory_usage": 0}
        return round(taken_ms(lambda: self._client.execute(statement, settings=off)), 1)

    def _storage(self) -> dict[str, float]:
        ((rows,),) = self._client.execute("SELECT count() FROM access_log")
        projections = self._client.execute(
            "SELECT name, sum(bytes_on_disk) FROM system.projection_parts"
            " WHERE active AND table = 'access_log' GROUP BY name ORDER BY name"
        )
        ((on_disk,),) = self._client.execute(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'access_log'"
        )
        return {
            "all": round(on_disk / rows, 2),
            **{name: round(size / rows, 2) for name, size in projections},
        }


def drawn_subjects(client: Client, month: Month, count: int) -> Subjects:
    """Draw what is asked for among the accesses of a day."""
    columns = ("customer_id", "actor_id", "resource_id", "toString(id)")
    conditions = ("customer_id != '*'", f"actor_type IN {STAFF}", "1", "1")
    drawn = (
        client.execute(
            f"SELECT {column} FROM access_log WHERE {condition}"  # noqa: S608 - constants
            f" AND received_day = '{month.since.date()}' AND cityHash64(id, 77) % 5000 = 0"
            f" ORDER BY cityHash64(id, 78) LIMIT {count}"
        )
        for column, condition in zip(columns, conditions, strict=True)
    )
    return Subjects(*([value for (value,) in rows] for rows in drawn))


def ten_questions(store: RecordingStore, month: Month, subjects: Subjects) -> list[Question]:
    """The questions, of the last 30 days."""
    trail, counts, reports = Trail(store), Counts(store), Reports(store)
    rng = random.Random(SEED)  # noqa: S311 - a repeatable choice
    since, until = month.since, month.until

    def search(query: str) -> Callable[[], object]:
        def ask() -> object:
            filled = re.sub(r"<(\w+)>", lambda found: quote(rng.choice(getattr(subjects, found[1]))), query)
            asked = all_of((fixed(parse(filled), until), between(since, until)))
            return trail.search(Search(asked, until, PAGE))

        return ask

    days, hours = whole(since, until, DAY), whole(since, until, HOUR)
    when = f"time >= '{since:%F}' AND time < '{until:%F}' AND received_day >= '{since:%F}'"
    return [
        Question(
            "who touched this customer",
            lambda: reports.make(
                Report("customer", rng.choice(subjects.customers), since, until, until, with_actors=True)
            ),
        ),
        Question("what did this actor do", search("actor:<actors>")),
        Question(
            "unjustified in 30 days", search("-verdict:justified"), _newest("verdict != 'justified'", when)
        ),
        Question("one access by id", lambda: trail.accesses(rng.choice(subjects.ids))),
        Question(
            "counts by clause a day",
            lambda: counts.by_clause(days),
            f"SELECT toDate(time) AS day, verdict, clause, count() FROM trail WHERE {when} GROUP BY ALL",  # noqa: S608 - ours
        ),
        Question(
            "histogram for a page",
            lambda: counts.by_hour(hours),
            f"SELECT toStartOfHour(time) AS hour, verdict, count() FROM trail WHERE {when} GROUP BY ALL",  # noqa: S608 - ours
        ),
        Question(
            "top actors",
            lambda: counts.top_actors(days, actor_types=STAFF, verdicts=("unjustified", "pending"), limit=20),
            "SELECT actor_id, count() AS accesses FROM trail"  # noqa: S608 - ours
            f" WHERE {when} AND actor_type IN {STAFF} AND verdict IN ('unjustified', 'pending')"
            " GROUP BY actor_id ORDER BY accesses DESC LIMIT 20",
        ),
        Question("one resource's history", search("resource:<resources>")),
        Question("the beginning of an id", _by_text(store, subjects.resources, rng, when, "startsWith")),
        Question("a text part of an id", _by_text(store, subjects.resources, rng, when, "hasSubstr")),
        Question("first byte of a day's export", lambda: next(_export(store, rng, month))),
    ]


def _newest(condition: str, when: str) -> str:
    return (
        f"SELECT {ROW_COLUMNS} FROM trail WHERE {when} AND {condition}"  # noqa: S608 - ours
        f" ORDER BY time DESC, id DESC, source DESC LIMIT {PAGE + 1}"
    )


def _by_text(
    store: RecordingStore, ids: Sequence[str], rng: random.Random, when: str, how: str
) -> Callable[[], object]:
    """Ask for resources by a part of their ids; nothing but the statement is the product's yet."""
    condition = {
        "startsWith": "startsWith(resource_id, {part:String})",
        "hasSubstr": "position(resource_id, {part:String}) > 0",
    }[how]

    def ask() -> object:
        resource = rng.choice(ids)
        part = resource[:-1] if how == "startsWith" else resource[-PART_LENGTH:]
        return store.ask(_newest(condition, when), {"part": part})

    return ask


def _export(store: RecordingStore, rng: random.Random, month: Month) -> Iterator[tuple[Any, ...]]:
    """Ask for all that was received on a day: it is a partition, and its later verdicts are another's."""
    day = (month.since + rng.randrange(DAYS - 2) * DAY).date().isoformat()
    rows = store.stream(f"SELECT {ROW_COLUMNS} FROM trail WHERE received_day = {{day:Date}}", {"day": day})  # noqa: S608 - names of ours
    with closing(rows):  # type: ignore[type-var]
        yield next(rows)


def taken_ms(ask: Callable[[], object]) -> float:
    """Give how long an answer takes."""
    begun = time.perf_counter()
    ask()
    return (time.perf_counter() - begun) * 1_000


def _forget(path: Path) -> None:
    """Have the operating system read the file from the disk again; it may have been merged away meanwhile."""
    try:
        number = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(number)


def quantile(values: Sequence[float], share: float) -> float:
    """Give what that share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _print(questions: Mapping[str, Mapping[str, float]]) -> None:
    names = ("warm_p50_ms", "warm_p95_ms", "cold_p50_ms", "cold_max_ms", *MEASURED, "plain_ms")
    print(f"{'':30}" + "".join(f"{name:>13}" for name in names))
    for question, found in questions.items():
        print(f"{question:30}" + "".join(f"{found.get(name, ''):>13}" for name in names))


if __name__ == "__main__":
    main()

"""The whole of what a query finds, however much it is, in the order in which the trail is stored.

That order (received day, customer, time, id, source) is read without sorting all of it, by ClickHouse with
the memory of one portion. A portion is some ten thousand rows that lie side by side; each is a statement
of its own, so none runs long, and an export goes on from any place between two rows.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from itertools import pairwise
from threading import BoundedSemaphore
from typing import Any, Final, NamedTuple, Protocol

from earwitness.query.clickhouse_http import Formatted
from earwitness.query.conditions import Condition, Parameter, Parameters, both
from earwitness.query.export_columns import Format, select
from earwitness.query.language import Query, all_of, condition_of, conjuncts, names_any
from earwitness.query.newest import OF_THE_VERDICT
from earwitness.query.store import Store
from models.errors import QueryRejected, SinkUnavailable
from models.fields import check_uuid, microseconds, parse_time

DEFAULT_PART_ROWS: Final = 250_000
MOST_PART_ROWS: Final = 1_000_000

NEXT_HEADER: Final = "Earwitness-Next"
"""Where the next part begins; absent where this is the last."""

QUERY_HEADER: Final = "Earwitness-Query"
"""The query without relative times, percent-encoded: what to ask for when going on later."""

MARKS_OF_A_DAY: Final = 4_000
MOST_CUSTOMERS_NAMED: Final = 100
MOST_AT_ONCE: Final = 2
RETRY_AFTER_S: Final = 30.0

_SETTINGS: Final = {
    "max_result_rows": 0,
    "max_result_bytes": 0,
    "timeout_before_checking_execution_speed": 0,
    "max_threads": 2,
    "max_block_size": 8_192,
    "max_bytes_before_external_sort": 64 << 20,
}
_ORDER: Final = "it.received_day, it.customer_id, it.time, it.id, it.source"


class FormattingStore(Protocol):
    """A store that formats what it answers."""

    def fetch(
        self, sql: str, parameters: Mapping[str, Parameter], *, limits: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[Formatted]:
        """Run one statement. Raises as `Store.ask` does."""


class Place(NamedTuple):
    """Where an export goes on: at a customer and time of a day or, with an id and source, after that row."""

    day: date
    customer_id: str
    time_us: int
    id: str = ""
    source: str = ""

    def written(self) -> str:
        """Give the place as text for a URL."""
        return base64.urlsafe_b64encode(json.dumps([self.day.isoformat(), *self[1:]]).encode()).decode()

    @classmethod
    def read(cls, text: str) -> "Place":
        """Read a place back. Raises `QueryRejected` where it is none of ours."""
        try:
            day, customer_id, time_us, identifier, source = json.loads(base64.urlsafe_b64decode(text))
            identifier = check_uuid(identifier) if identifier else ""
            return cls(date.fromisoformat(day), str(customer_id), int(time_us), identifier, str(source))
        except (ValueError, TypeError, RecursionError) as error:
            raise QueryRejected(
                "the place to go on from is none of ours", "start again without it"
            ) from error

    @classmethod
    def after(cls, row: Mapping[str, Any]) -> "Place":
        """Give the place after a row of the trail."""
        return cls(
            parse_time(row["received_at"]).date(),
            row["customer_id"],
            microseconds(parse_time(row["time"])),
            row["id"],
            row["source"],
        )


class Portion(NamedTuple):
    """Rows that lie side by side: those of `days`, or of a day from `first` (included) up to `end` (not)."""

    days: tuple[date, ...]
    first: Place | None = None
    end: Place | None = None

    @property
    def begin(self) -> Place:
        """Give the place before its first row."""
        return self.first or Place(self.days[0], "", 0)


class Wanted(NamedTuple):
    """What to export: a query without relative times, and the place to go on from, if any."""

    query: Query
    after: Place | None = None


class Exports:
    """The named questions of an export. `store` plans and counts, `formatting` gives the bytes."""

    def __init__(
        self, store: Store, formatting: FormattingStore, turns: BoundedSemaphore | None = None
    ) -> None:
        self._store = store
        self._formatting = formatting
        self._turns = turns or BoundedSemaphore(MOST_AT_ONCE)

    def asking(self, store: Store, formatting: FormattingStore) -> "Exports":
        """Give exports of what another user of ClickHouse sees, which take turns with these."""
        return Exports(store, formatting, self._turns)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold one of the few turns. Raises `SinkUnavailable` where others have them all."""
        if not self._turns.acquire(blocking=False):
            raise SinkUnavailable(f"{MOST_AT_ONCE} exports are already running", RETRY_AFTER_S)
        try:
            yield
        finally:
            self._turns.release()

    def customers(self, wanted: Wanted) -> list[str]:
        """Name the customers of whom there will be rows: all of them, or a hundred of more."""
        view = "trail" if names_any(wanted.query, OF_THE_VERDICT) else "accesses"
        condition = both(condition_of(wanted.query), _beyond(wanted.after))
        answer = self._store.ask(
            f"SELECT DISTINCT it.customer_id FROM {view} AS it WHERE {condition.sql}"  # noqa: S608 - a compiled condition
            f" LIMIT {MOST_CUSTOMERS_NAMED}",
            condition.parameters,
        )
        return sorted(str(customer_id) for (customer_id,) in answer.rows)

    def plan(self, wanted: Wanted, rows: int) -> list[Portion]:
        """Cut what is wanted into portions of about so many rows; of fewer where verdicts are asked for."""
        condition = both(_of_the_event(wanted.query, "p"), _beyond(wanted.after))
        answer = self._store.ask(
            "SELECT received_day, count(), arraySort(groupArraySample("  # noqa: S608 - a compiled condition
            f"{MARKS_OF_A_DAY}, 1)((customer_id, toUnixTimestamp64Micro(it.time))))"
            f" FROM accesses AS it WHERE {condition.sql} GROUP BY received_day ORDER BY received_day",
            condition.parameters,
        )
        return list(portions(answer.rows, rows))

    def fetch(self, wanted: Wanted, portion: Portion, form: Format) -> AbstractContextManager[Formatted]:
        """Give the rows of one portion, formatted by ClickHouse."""
        within = both(_of(portion), _beyond(wanted.after))
        condition = both(condition_of(wanted.query), within)
        if names_any(wanted.query, OF_THE_VERDICT):
            candidates = both(_of_the_event(wanted.query, "event"), within)
            ids = f"it.id IN (SELECT id FROM accesses AS it WHERE {candidates.sql})"  # noqa: S608 - a compiled condition
            condition = both(condition, Condition(ids, candidates.parameters))
        # A file of Parquet is had whole or not at all: nobody goes on in its middle.
        order = "" if form == "parquet" else f" ORDER BY {_ORDER}"
        statement = select(form, f"FROM trail AS it WHERE {condition.sql}{order}")
        return self._formatting.fetch(
            statement.sql, condition.parameters, limits={**_SETTINGS, **statement.settings}
        )


def portions(days: Iterable[tuple[Any, ...]], rows: int) -> Iterator[Portion]:
    """Put small days together and cut large ones, of each of which some places are known."""
    together: list[date] = []
    total = 0
    for day, count, sampled in days:
        if together and total + count > rows:
            yield Portion(tuple(together))
            together, total = [], 0
        if count <= rows:
            together.append(day)
            total += count
            continue
        wanted = min(-(-count // rows), len(sampled))
        places = dict.fromkeys(sampled[number * len(sampled) // wanted] for number in range(1, wanted))
        marks = [None, *(Place(day, *place) for place in places), None]
        yield from (Portion((day,), first, end) for first, end in pairwise(marks))
    if together:
        yield Portion(tuple(together))


def _of_the_event(query: Query, prefix: str) -> Condition:
    """Ask only what no later verdict changes: whatever the whole query finds meets it."""
    parts = [part for part in conjuncts(query) if not names_any(part, OF_THE_VERDICT)]
    return condition_of(all_of(parts), prefix)


def _of(portion: Portion) -> Condition:
    parameters = Parameters("portion")
    days = parameters.add([day.isoformat() for day in portion.days], "Array(Date)")
    parts = [f"it.received_day IN {days}"]
    if portion.first is not None:
        parts.append(_at_or_after(portion.first, parameters))
    if portion.end is not None:
        parts.append(f"NOT {_at_or_after(portion.end, parameters)}")
        parts.append(f"it.customer_id <= {parameters.add(portion.end.customer_id, 'String')}")
    return Condition(" AND ".join(parts), parameters.values)


def _beyond(after: Place | None) -> Condition:
    """Go on from a place: with the rest of its day, and all later days."""
    if after is None:
        return Condition("1", {})
    parameters = Parameters("after")
    day = parameters.add(after.day.isoformat(), "Date")
    rest = _at_or_after(after, parameters)
    return Condition(f"it.received_day >= {day} AND (it.received_day > {day} OR {rest})", parameters.values)


def _at_or_after(place: Place, parameters: Parameters) -> str:
    """Ask for what lies at or after a place of one day; without its id, with the row at it.

    The customer stands by itself as well, which is what the primary index understands.
    """
    customer = parameters.add(place.customer_id, "String")
    time = f"fromUnixTimestamp64Micro({parameters.add(place.time_us, 'Int64')}, 'UTC')"
    if place.id:
        row = f"({parameters.add(place.id, 'UUID')}, {parameters.add(place.source, 'String')})"
        later = f"(it.time > {time} OR (it.time = {time} AND (it.id, it.source) > {row}))"
    else:
        later = f"it.time >= {time}"
    return f"(it.customer_id >= {customer} AND (it.customer_id > {customer} OR {later}))"

"""History by the million: every access of a time, with what the judge reads of it and its newest verdict.

A received day is one partition of the tables and is read in slices, each a contiguous range of the
table's sort key, so that several processes can share a day and none reads what another does.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

from earwitness.query.conditions import Condition, Parameters, both
from earwitness.query.language import between, condition_of
from earwitness.query.store import StreamingStore
from models.evidence import EvidenceRecord
from models.fields import EPOCH
from models.verdict import NO_EVIDENCE_VERSION

ROWS_OF_A_SLICE: Final = 250_000
MARKS_OF_A_DAY: Final = 256
"""Rows sampled of each day to cut it by; so also the most slices of a day."""

BLOCK_ROWS: Final = 65_536
"""Rows that are on their way to a process at once."""

_LIMITS: Final = {"max_threads": 1, "max_block_size": BLOCK_ROWS}
"""A slice is read by one thread: as many are read at once as there are processes."""

_COLUMNS: Final = (
    "toUnixTimestamp64Micro(a.time)",
    "toUnixTimestamp64Milli(a.received_at) * 1000",
    "actor_type",
    "actor_id",
    "nullIf(organization, '')",
    "nullIf(actor_team, '')",
    "action",
    "resource_type",
    "resource_id",
    "customer_id",
    "nullIf(purpose, '')",
    "nullIf(evidence_ref, '')",
    "nullIf(recipient, '')",
    "if(v.judged_again, v.latest.1, a.verdict)",
    "if(v.judged_again, v.latest.2, a.reason)",
    "nullIf(if(v.judged_again, v.latest.3, a.clause), '')",
    "toString(a.id)",
    "a.source",
)
"""What a `PastAccess` is made of, in its order."""


class PastAccess(NamedTuple):
    """An access of the trail with all that a verdict depends on, and the newest verdict that it has.

    It has the attributes of `earwitness.policy.Access`.
    """

    time: datetime
    received_at: datetime
    actor_type: str
    actor_id: str
    organization: str | None
    actor_team: str | None
    action: str
    resource_type: str
    resource_id: str
    customer_id: str
    purpose: str | None
    evidence_ref: str | None
    recipient: str | None
    verdict: str
    reason: str
    clause: str | None
    id: str
    source: str


class Window(NamedTuple):
    """Which accesses: `since` (included) `until` (not) by event time, received up to `received_until`."""

    since: datetime
    until: datetime | None
    received_until: datetime


class Mark(NamedTuple):
    """A place in the sort key of a day."""

    customer_id: str
    time_us: int


class Slice(NamedTuple):
    """The accesses of one received day from `first` (included) up to `end` (not); None is unbounded."""

    day: date
    first: Mark | None
    end: Mark | None


class Plan(NamedTuple):
    """How many accesses a window holds, and the slices that hold each of them once."""

    accesses: int
    slices: tuple[Slice, ...]


class History:
    """The named questions of a replay."""

    def __init__(self, store: StreamingStore) -> None:
        self._store = store

    def evidence_version(self) -> int:
        """Give the newest version of the registers, -1 where nothing was ever registered."""
        answer = self._store.ask(f"SELECT if(count() = 0, {NO_EVIDENCE_VERSION}, max(version)) FROM evidence")  # noqa: S608 - a constant
        return int(answer.rows[0][0])

    def evidence(self, version: int) -> Iterator[tuple[EvidenceRecord, int]]:
        """Give each record as it stood once `version` was the newest of all, with its own version.

        The oldest comes first: in any other order an index takes many times longer to fill (measured).
        """
        found = self._store.stream(
            "SELECT argMax(evidence.record, version), max(version) AS newest FROM evidence"
            " WHERE version <= {version:Int64} GROUP BY ref ORDER BY newest",
            {"version": version},
        )
        for record, newest in found:
            yield EvidenceRecord.model_validate_json(record), newest

    def plan(self, window: Window) -> Plan:
        """Count the accesses of a window and cut them into slices of about the same size."""
        within = _within(window)
        answer = self._store.ask(
            "SELECT received_day, count(), arraySort(groupArraySample("  # noqa: S608 - a compiled condition
            f"{MARKS_OF_A_DAY}, 1)((customer_id, toUnixTimestamp64Micro(time))))"
            f" FROM accesses WHERE {within.sql} GROUP BY received_day ORDER BY received_day",
            within.parameters,
        )
        slices = [piece for day, count, sampled in answer.rows for piece in cut(day, count, sampled)]
        return Plan(sum(count for _, count, _ in answer.rows), tuple(slices))

    def accesses(self, piece: Slice, window: Window) -> Iterator[PastAccess]:
        """Give the accesses of one slice of a window.

        The later verdicts of an access lie in the partition of its own received day.
        """
        within, between = _within(window), _between(piece)
        rows = self._store.stream(
            f"SELECT {', '.join(_COLUMNS)} FROM accesses AS a LEFT ANY JOIN"  # noqa: S608 - names of ours and placeholders
            " (SELECT id, source, true AS judged_again,"
            " argMax(tuple(verdict, reason, clause), (evidence_version, judged_at)) AS latest"
            " FROM later_verdicts WHERE received_day = {day:Date} GROUP BY id, source)"
            " AS v ON a.id = v.id AND a.source = v.source"
            f" WHERE received_day = {{day:Date}} AND {within.sql} AND {between.sql}",
            {**within.parameters, **between.parameters, "day": piece.day.isoformat()},
            limits=_LIMITS,
        )
        return map(past_access, rows)


def past_access(row: tuple[Any, ...]) -> PastAccess:
    """Read a row as `History.accesses` asks for it: two instants as microseconds, then the rest."""
    return PastAccess(EPOCH + timedelta(0, 0, row[0]), EPOCH + timedelta(0, 0, row[1]), *row[2:])


def cut(day: date, count: int, sampled: Sequence[tuple[str, int]]) -> list[Slice]:
    """Cut a day of `count` accesses by a sorted sample of their places in the sort key.

    Every place lies in exactly one slice, however few places the sample holds.
    """
    wanted = max(1, min(-(-count // ROWS_OF_A_SLICE), len(sampled)))
    places = dict.fromkeys(Mark(*sampled[number * len(sampled) // wanted]) for number in range(1, wanted))
    marks = [None, *places, None]
    return [Slice(day, first, end) for first, end in pairwise(marks)]


def _within(window: Window) -> Condition:
    by_time = condition_of(between(window.since, window.until))
    more = Parameters("window")
    received = f"received_at <= {more.instant(window.received_until)}"
    return both(by_time, Condition(received, more.values))


def _between(piece: Slice) -> Condition:
    """Restrict to a slice; the customer by itself as well, which is what the primary index understands."""
    parameters = Parameters("slice")
    parts = ["1"]
    for mark, beyond, at in ((piece.first, ">", ">="), (piece.end, "<", "<")):
        if mark is not None:
            customer = parameters.add(mark.customer_id, "String")
            time = f"fromUnixTimestamp64Micro({parameters.add(mark.time_us, 'Int64')}, 'UTC')"
            parts.append(
                f"customer_id {beyond}= {customer} AND (customer_id {beyond} {customer} OR time {at} {time})"
            )
    return Condition(" AND ".join(parts), parameters.values)

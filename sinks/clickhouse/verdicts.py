"""Judging again, in ClickHouse: which stored accesses, and their new verdicts as one block a page."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from earwitness.policy.reach import Selector
from models.evidence import EvidenceRecord
from models.fields import EARLIEST_TIME, EPOCH, LATEST_TIME, microseconds
from models.pages import Page
from models.verdict import Verdict
from sinks.base import JudgedBefore, NewVerdict, PendingSince, Selection, StoredAccess, VerdictBlock
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.columns import Column, laid_out, text_column
from sinks.clickhouse.trail import Into, insert_converted

ANY_VERSION: Final = 2**63 - 1
MOST_ALIKE: Final = 10_000
"""Accesses of one customer, instant and id, each of another source, that one page can end with."""

CLOCK_TOLERANCE_US: Final = 300_000_000
"""How far an access may lie after the instant at which the broker received it."""

_TEXTS: Final = (
    "actor_type",
    "actor_id",
    "organization",
    "actor_team",
    "action",
    "resource_type",
    "resource_id",
    "customer_id",
    "purpose",
    "evidence_ref",
    "recipient",
)
_ABSENT_AS_NONE: Final = frozenset({"organization", "actor_team", "purpose", "evidence_ref", "recipient"})
_VERDICT: Final = "verdict, reason, clause, evidence_used, derived, policy_version, policy_digest"
_ACCESS: Final = (
    f"toString(id), source, time, {', '.join(_TEXTS)}, received_at,"
    f" concat(topic, '/', toString(partition), '/', toString(offset)), {_VERDICT}, evidence_version, false"
)
_PAGE: Final = "received_day = %(day)s AND judged_at = fromUnixTimestamp64Micro(%(judged_at)s, 'UTC')"
_LAYOUT: Final = laid_out(
    (
        Column("id", "String", "toUUID(id)"),
        text_column("source"),
        Column("time", "Int64", "fromUnixTimestamp64Micro(time, 'UTC')"),
        text_column("actor_type"),
        text_column("actor_id"),
        text_column("first_verdict"),
        text_column("first_clause"),
        text_column("verdict"),
        text_column("reason"),
        text_column("clause"),
        Column("evidence_used", "Array(String)", "evidence_used"),
        Column("derived", "UInt8", "derived"),
        text_column("policy_version"),
        text_column("policy_digest"),
        Column("stale_registers", "Array(String)", "stale_registers"),
        Column("late", "UInt8", "late"),
    )
)


_RECEIVED: Final = (
    "received_at >= fromUnixTimestamp64Milli(%(since)s, 'UTC')"
    " AND received_at <= fromUnixTimestamp64Milli(%(until)s, 'UTC')"
)
_PENDING_LATER: Final = "FROM verdict_log WHERE received_day = %(day)s AND verdict = 'pending'"
_EVER_PENDING: Final = (
    f"(id IN (SELECT id FROM access_log WHERE received_day = %(day)s AND {_RECEIVED} AND verdict = 'pending')"  # noqa: S608 - constants
    f" OR id IN (SELECT id {_PENDING_LATER}))"
)
_PENDING: Final = (
    f"{_RECEIVED} AND (verdict = 'pending' OR (id, source) IN (SELECT id, source {_PENDING_LATER}))"  # noqa: S608 - constants
    " AND (id, source) NOT IN (SELECT id, source FROM verdict_log"
    f" WHERE received_day = %(day)s AND {_EVER_PENDING}"
    " GROUP BY id, source HAVING argMax(verdict, (evidence_version, judged_at)) != 'pending')"
)
"""Was pending at first or later, and no other verdict is newer.

Newest verdicts are looked for among accesses that ever were pending. Nearly all of verdict_log tells of
others, and to group it by access would cost more with every change that the registers ever made.
"""


class _Condition(NamedTuple):
    """A condition over the columns of access_log, its parameters, and the tables it looks into."""

    sql: str
    parameters: Mapping[str, Any]
    tables: Sequence[Mapping[str, Any]] = ()


class ClickHouseVerdicts:
    """A `VerdictSink` on ClickHouse. Blocking; safe to share between threads."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    def evidence_before(self, refs: Collection[str], version: int) -> Mapping[str, EvidenceRecord]:
        """Look the refs up by the sort key of evidence_log."""
        if not refs:
            return {}
        rows = self._clickhouse.execute(
            "SELECT argMax(record, version) FROM evidence_log"
            " WHERE ref IN (SELECT ref FROM refs) AND version < %(version)s GROUP BY ref",
            {"version": version},
            external_tables=[_table("refs", ("ref",), ((ref,) for ref in refs))],
        )
        records = [EvidenceRecord.model_validate_json(record) for (record,) in rows]
        return {record.ref: record for record in records}

    def count_by_day(self, selection: JudgedBefore) -> Mapping[date, int]:
        """Count without reading more than the columns of the condition."""
        where = _judged_before(selection)
        rows = self._clickhouse.execute(
            f"SELECT received_day, count() FROM access_log WHERE {where.sql} GROUP BY received_day",  # noqa: S608 - names of ours
            where.parameters,
            external_tables=where.tables,
        )
        return {day: int(count) for day, count in rows}

    def count_by_value(self, selection: JudgedBefore) -> Mapping[tuple[str, ...], int]:
        """Count in one query, however many values the selector has."""
        where = _judged_before(selection)
        by = selection.selector.by
        texts = "".join(f", toString({name})" for name in by)
        grouped = f" GROUP BY {', '.join(by)}" if by else ""
        rows = self._clickhouse.execute(
            f"SELECT count(){texts} FROM access_log WHERE {where.sql}{grouped}",  # noqa: S608 - names of ours
            where.parameters,
            external_tables=where.tables,
        )
        return {tuple(value): int(count) for count, *value in rows if count}

    def pending_days(self, selection: PendingSince) -> Collection[date]:
        """Give the days in which a verdict was ever pending: what holds now is for each day's page to say."""
        days = "received_day BETWEEN toDate(%(first)s) AND toDate(%(last)s) AND verdict = 'pending'"
        rows = self._clickhouse.execute(
            f"SELECT DISTINCT received_day FROM access_log WHERE {days} AND {_RECEIVED}"  # noqa: S608 - constants
            f" UNION DISTINCT SELECT DISTINCT received_day FROM verdict_log WHERE {days}",
            {**_received(selection), "first": selection.since.date(), "last": selection.until.date()},
        )
        return {day for (day,) in rows}

    def select(
        self, selection: Selection, day: date, after: StoredAccess | None, limit: int
    ) -> list[StoredAccess]:
        """Read one page along the sort key, then the newest verdict of each of its accesses."""
        accesses = self._read(selection, day, "" if after is None else _BEHIND, after, limit)
        if len(accesses) >= limit:
            # A longer order than the sort key's would have the server read the whole rest of the day.
            last = accesses[-1]
            alike = self._read(selection, day, _BESIDE, last, MOST_ALIKE)
            seen = {access.source for access in accesses if access.key == last.key}
            accesses += [access for access in alike if access.source not in seen]
        return self._as_judged_last(day, accesses)

    def _read(
        self, selection: Selection, day: date, where: str, mark: StoredAccess | None, limit: int
    ) -> list[StoredAccess]:
        condition = _condition(selection)
        rows = self._clickhouse.execute(
            f"SELECT {_ACCESS} FROM access_log WHERE received_day = %(day)s AND {condition.sql}{where}"  # noqa: S608 - names of ours
            " ORDER BY customer_id, access_log.time, access_log.id LIMIT %(limit)s",
            {**condition.parameters, **_mark(mark), "day": day, "limit": limit},
            external_tables=condition.tables,
        )
        return [_access(row) for row in rows]

    def write_verdicts(self, block: VerdictBlock) -> None:
        """Insert the verdicts as one block of one partition, which ClickHouse stores whole or not at all.

        A page that is stored already, or whose name was used up, is refused as the insert begins.
        """
        page = block.page
        judged_at = f"fromUnixTimestamp64Micro({microseconds(page.judged_at)}, 'UTC')"
        insert_converted(
            self._clickhouse,
            Into(
                "verdict_log",
                _LAYOUT,
                f"received_day = toDate('{page.day.isoformat()}') AND id = toUUID('{page.id}')"
                f" AND judged_at = {judged_at}",
            ),
            {
                "received_day": f"toDate('{page.day.isoformat()}')",
                "evidence_version": str(block.evidence_version),
                "judged_at": judged_at,
            },
            _columns(block.verdicts),
            page.token,
        )

    def block_of(self, page: Page) -> VerdictBlock | None:
        """Find the page by its day and instant, and the accesses that it judged."""
        rows = self._clickhouse.execute(
            f"SELECT toString(id), source, {_VERDICT}, late, stale_registers, evidence_version"  # noqa: S608 - constants
            f" FROM verdict_log WHERE {_PAGE}",
            {"day": page.day, "judged_at": microseconds(page.judged_at)},
        )
        if not rows:
            return None
        given = {(row[0], row[1]): (_verdict(row[2:-3]), bool(row[-3]), tuple(row[-2])) for row in rows}
        selected = JudgedBefore(Selector((), ("id", "source"), frozenset(given)), ANY_VERSION)
        accesses = self.select(selected, page.day, None, len(rows))
        verdicts = [NewVerdict(access, *given[access.id, access.source]) for access in accesses]
        return VerdictBlock(page, verdicts, rows[0][-1])

    def _as_judged_last(self, day: date, accesses: list[StoredAccess]) -> list[StoredAccess]:
        """Give the accesses with the verdict that holds now, as the view `trail` chooses it."""
        if not accesses:
            return []
        rows = self._clickhouse.execute(
            "SELECT toString(id) AS identifier, source,"  # noqa: S608 - constants
            f" argMax(tuple({_VERDICT}), (evidence_version, judged_at)) AS latest,"
            " max(verdict_log.evidence_version) AS newest_version,"
            " argMax(late, (evidence_version, judged_at)) AS is_late FROM verdict_log"
            " WHERE received_day = %(day)s AND id IN (SELECT toUUID(id) FROM page) GROUP BY id, source",
            {"day": day},
            external_tables=[_table("page", ("id",), ((access.id,) for access in accesses))],
        )
        newest = {
            (identifier, source): {
                "verdict": _verdict(latest),
                "evidence_version": version,
                "late": bool(late),
            }
            for identifier, source, latest, version, late in rows
        }
        return [access._replace(**newest.get((access.id, access.source), {})) for access in accesses]


_PLACE: Final = "(%(customer_id)s, fromUnixTimestamp64Micro(%(time)s, 'UTC'), toUUID(%(id)s))"
_BEHIND: Final = (
    f" AND customer_id >= %(customer_id)s AND (customer_id, access_log.time, access_log.id) > {_PLACE}"
)
_BESIDE: Final = (
    f" AND customer_id = %(customer_id)s AND (customer_id, access_log.time, access_log.id) = {_PLACE}"
)


def _mark(after: StoredAccess | None) -> Mapping[str, Any]:
    if after is None:
        return {}
    return {
        "customer_id": after.customer_id,
        "time": microseconds(after.time),
        "id": after.id,
    }


def _condition(selection: Selection) -> _Condition:
    if isinstance(selection, PendingSince):
        return _Condition(_PENDING, _received(selection))
    return _judged_before(selection)


def _judged_before(selection: JudgedBefore) -> _Condition:
    selected = _selected(selection.selector)
    return selected._replace(
        sql=f"{selected.sql} AND evidence_version < %(version)s",
        parameters={**selected.parameters, "version": selection.evidence_version},
    )


def _selected(selector: Selector) -> _Condition:
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    tables: list[Mapping[str, Any]] = []
    if selector.actor_types:
        parts.append("actor_type IN %(actor_types)s")
        parameters["actor_types"] = selector.actor_types
    if selector.by:
        columns = ", ".join(selector.by)
        wanted = ", ".join("toUUID(id)" if name == "id" else name for name in selector.by)
        parts.append(f"({columns}) IN (SELECT {wanted} FROM wanted)")  # noqa: S608 - names of ours
        tables.append(_table("wanted", selector.by, selector.values))
    if selector.uncited:
        parts.append("evidence_ref = ''")
    parts += _within(selector.since, selector.until, parameters)
    return _Condition(" AND ".join(parts) or "1", parameters, tables)


def _within(since: datetime, until: datetime, parameters: dict[str, Any]) -> list[str]:
    """Restrict event time, and with it the days: nothing is received long before it happens."""
    parts: list[str] = []
    if since > EARLIEST_TIME:
        parameters["since"] = microseconds(min(since, LATEST_TIME))
        parts.append("access_log.time >= fromUnixTimestamp64Micro(%(since)s, 'UTC')")
    if since > EPOCH:
        parameters["received"] = microseconds(min(since, LATEST_TIME)) - CLOCK_TOLERANCE_US
        parts.append("received_day >= toDate(fromUnixTimestamp64Micro(%(received)s, 'UTC'))")
    if until <= LATEST_TIME:
        parameters["until"] = microseconds(max(until, EARLIEST_TIME))
        parts.append("access_log.time < fromUnixTimestamp64Micro(%(until)s, 'UTC')")
    return parts


def _received(selection: PendingSince) -> Mapping[str, Any]:
    return {
        "since": microseconds(selection.since) // 1000,
        "until": microseconds(selection.until) // 1000,
    }


def _table(name: str, columns: Sequence[str], rows: Collection[Sequence[str]] | Any) -> Mapping[str, Any]:  # noqa: ANN401 - any iterable of rows
    return {
        "name": name,
        "structure": [(column, "String") for column in columns],
        "data": [dict(zip(columns, row, strict=True)) for row in rows],
    }


def _access(row: Sequence[Any]) -> StoredAccess:
    identifier, source, time, *rest = row
    texts = [
        (value or None) if name in _ABSENT_AS_NONE else value
        for name, value in zip(_TEXTS, rest, strict=False)
    ]
    received_at, position, *verdict, evidence_version, late = rest[len(_TEXTS) :]
    first = _verdict(verdict)
    origin = (received_at, position, first, evidence_version, bool(late), first)
    return StoredAccess._make((identifier, source, time, *texts, *origin))


def _verdict(row: Sequence[Any]) -> Verdict:
    outcome, reason, clause, evidence_used, derived, policy_version, policy_digest = row
    return Verdict(
        outcome, reason, clause or None, tuple(evidence_used), bool(derived), policy_version, policy_digest
    )


def _columns(given: Sequence[NewVerdict]) -> list[Sequence[Any]]:
    return [
        [item.access.id for item in given],
        [item.access.source for item in given],
        [microseconds(item.access.time) for item in given],
        [item.access.actor_type for item in given],
        [item.access.actor_id for item in given],
        [item.access.first.outcome for item in given],
        [item.access.first.clause or "" for item in given],
        [item.verdict.outcome for item in given],
        [item.verdict.reason for item in given],
        [item.verdict.clause or "" for item in given],
        [item.verdict.evidence_used for item in given],
        [item.verdict.derived for item in given],
        [item.verdict.policy_version for item in given],
        [item.verdict.policy_digest for item in given],
        [item.stale_registers for item in given],
        [item.late for item in given],
    ]

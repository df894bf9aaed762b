"""Questions about accesses: which there were, what became of one, who touched a customer's content."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from earwitness.query.conditions import Condition, Parameters
from earwitness.query.language import Query, all_of, between, condition_of, names_any
from earwitness.query.language.fields import FIELDS
from earwitness.query.language.tree import Term, Text
from earwitness.query.rows import ROW_COLUMNS, VERDICT_FIELDS, Row, plain, rows_of
from earwitness.query.store import Store
from models.errors import QueryRejected
from models.fields import EVERY_CUSTOMER, check_access_time, check_uuid, format_time, parse_time

MOST_SOURCES: Final = 100
"""Accesses that share one id, each of another source; more are not shown."""

MOST_VERDICTS: Final = 1_000
MOST_GROUPS: Final = 1_000

_JUDGED: Final = frozenset({*VERDICT_FIELDS, "judged_at"})
"""The fields that come from the newest verdict."""

_NEWEST_FIRST: Final = "ORDER BY time DESC, id DESC, source DESC"
_GROUPED_BY: Final = (
    "actor_type",
    "actor_id",
    "organization",
    "purpose",
    "verdict",
    "reason",
    "clause",
)


class Mark(NamedTuple):
    """The last row of a page, and when its search was asked: what to go on from, in text and back.

    Later pages take the instant over, so that a relative time means the same on each of them.
    """

    time: datetime
    id: str
    source: str
    asked_at: datetime

    def written(self) -> str:
        """Give the mark as text for a URL."""
        key = json.dumps([format_time(self.time), self.id, self.source, format_time(self.asked_at)])
        return base64.urlsafe_b64encode(key.encode()).decode()

    @classmethod
    def read(cls, text: str) -> "Mark":
        """Read a mark back. Raises `QueryRejected` where it is none of ours."""
        try:
            time, identifier, source, asked_at = json.loads(base64.urlsafe_b64decode(text))
            return cls(
                check_access_time(parse_time(time)),
                check_uuid(identifier),
                str(source),
                check_access_time(parse_time(asked_at)),
            )
        except (ValueError, TypeError, RecursionError) as error:
            raise QueryRejected(
                "the mark of the next page is none of ours", "start again without it"
            ) from error


class Search(NamedTuple):
    """A search of the trail: a query without relative times, when it was asked, and the page."""

    query: Query
    asked_at: datetime
    limit: int
    after: Mark | None = None


class Page(NamedTuple):
    """One page of rows, and the mark to ask for the next one with; None where this is the last."""

    rows: list[Row]
    next: str | None


class CustomerReport(NamedTuple):
    """Who touched one customer's content. `groups` counts alike accesses; `accesses` is the newest of them.

    `wide_count` counts accesses that touched many or unknown customers, so perhaps this one.
    """

    customer_id: str
    total: int
    verdicts: Mapping[str, int]
    groups: list[Row]
    accesses: list[Row]
    wide_count: int


class Trail:
    """The named questions about accesses."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def search(self, search: Search) -> Page:
        """Find accesses, newest first."""
        condition = condition_of(search.query)
        if search.after is not None:
            condition = _beyond(search.after, condition)
        if names_any(search.query, _JUDGED):
            return self._by_keys(condition, search)
        found = self._rows(condition, search.limit + 1)
        rows = found[: search.limit]
        return Page(rows, _mark(rows[-1], search.asked_at) if len(found) > search.limit else None)

    def _by_keys(self, condition: Condition, search: Search) -> Page:
        """Find the keys first, then their rows.

        Newest verdicts come from a join, so what is asked of them narrows nothing that is read; read are
        the few columns of the keys in place of all. A verdict that changes between the two is not shown.
        """
        answer = self._store.ask(
            f"SELECT time, id, source, received_day FROM trail"  # noqa: S608 - a compiled condition
            f" WHERE {condition.sql} {_NEWEST_FIRST} LIMIT {search.limit + 1:d}",
            condition.parameters,
        )
        keys = answer.rows[: search.limit]
        if not keys:
            return Page([], None)
        rows = self._rows(_of_keys(keys, condition), search.limit)
        time, identifier, source, _ = keys[-1]
        last = Mark(time, str(identifier), source, search.asked_at)
        return Page(rows, last.written() if len(answer.rows) > search.limit else None)

    def accesses(self, identifier: str) -> list[Row]:
        """Give the accesses of that id, one of each source that used it; empty where there is none.

        Raises `QueryRejected` where it is no UUID.
        """
        return rows_of(
            self._store.ask(
                f"SELECT {ROW_COLUMNS} FROM trail"  # noqa: S608 - constants
                " WHERE id = {id:UUID} ORDER BY source LIMIT {limit:UInt32}",
                {"id": _uuid(identifier), "limit": MOST_SOURCES},
            )
        )

    def as_known_at(self, row: Row, as_of: datetime) -> Row | None:
        """Give an access as the trail had it at `as_of`: with the newest verdict recorded by then.

        None where the access itself was not yet recorded. Of the verdicts recorded by then it is the one
        that the view `trail` would choose.
        """
        if parse_time(row["recorded_at"]) > as_of:
            return None
        verdicts = self.history(row["id"], row["source"], as_of)
        # As in the view: where there are later verdicts, the first one does not compete with them.
        later = [verdict for verdict in verdicts if verdict["recorded_at"] != row["recorded_at"]]
        newest = (later or verdicts)[-1]
        judged = {name: value for name, value in newest.items() if name in row and name != "recorded_at"}
        return {**row, **judged}

    def history(self, identifier: str, source: str, as_of: datetime | None = None) -> list[Row]:
        """Give every verdict that one access ever had, or had by `as_of`, the first one first.

        Of more than MOST_VERDICTS the newest are given.
        """
        parameters = Parameters()
        condition = f"id = {parameters.add(_uuid(identifier), 'UUID')}"
        condition += f" AND source = {parameters.add(source, 'String')}"
        if as_of is not None:
            condition += f" AND recorded_at <= {parameters.instant(as_of)}"
        answer = self._store.ask(
            f"SELECT {', '.join(VERDICT_FIELDS)}, judged_at, recorded_at FROM verdicts WHERE {condition}"  # noqa: S608 - constants and placeholders
            f" ORDER BY evidence_version DESC, judged_at DESC, recorded_at DESC LIMIT {MOST_VERDICTS}",
            parameters.values,
        )
        newest_first = [plain(dict(zip(answer.columns, values, strict=True))) for values in answer.rows]
        return newest_first[::-1]

    def about_customer(
        self, customer_id: str, *, since: datetime | None, until: datetime | None, limit: int
    ) -> CustomerReport:
        """Say who touched one customer's content, when and why."""
        query = _of_customer(customer_id, since, until)
        condition = condition_of(query)
        groups = self._groups(condition)
        verdicts = self._counts(condition)
        newest = self._rows(condition, limit)
        wide = self._counts(condition_of(_of_customer(EVERY_CUSTOMER, since, until)))
        return CustomerReport(
            customer_id, sum(verdicts.values()), verdicts, groups, newest, sum(wide.values())
        )

    def _rows(self, condition: Condition, limit: int) -> list[Row]:
        return rows_of(
            self._store.ask(
                f"SELECT {ROW_COLUMNS} FROM trail WHERE {condition.sql} {_NEWEST_FIRST} LIMIT {limit:d}",  # noqa: S608 - a compiled condition
                condition.parameters,
            )
        )

    def _counts(self, condition: Condition) -> dict[str, int]:
        answer = self._store.ask(
            f"SELECT verdict, count() AS accesses FROM trail WHERE {condition.sql}"  # noqa: S608 - a compiled condition
            " GROUP BY verdict ORDER BY verdict",
            condition.parameters,
        )
        return {str(verdict): int(count) for verdict, count in answer.rows}

    def _groups(self, condition: Condition) -> list[Row]:
        names = ", ".join(_GROUPED_BY)
        answer = self._store.ask(
            f"SELECT {names}, count() AS accesses, uniqExact(resource_id) AS resources,"  # noqa: S608 - a compiled condition
            " min(trail.time) AS first, max(trail.time) AS last,"
            " groupUniqArrayArray(20)(arrayConcat(evidence_used, [evidence_ref])) AS evidence_refs"
            f" FROM trail WHERE {condition.sql} GROUP BY {names}"
            f" ORDER BY accesses DESC, last DESC, {names} LIMIT {MOST_GROUPS}",
            condition.parameters,
        )
        groups = [plain(dict(zip(answer.columns, values, strict=True))) for values in answer.rows]
        return [{**group, "evidence_refs": sorted(filter(None, group["evidence_refs"]))} for group in groups]


def _of_customer(customer_id: str, since: datetime | None, until: datetime | None) -> Query:
    return all_of((Term(FIELDS["customer_id"], (Text(customer_id),)), between(since, until)))


def _mark(row: Mapping[str, Any], asked_at: datetime) -> str:
    return Mark(parse_time(row["time"]), row["id"], row["source"], asked_at).written()


def _beyond(mark: Mark, condition: Condition) -> Condition:
    """Continue after the row that `mark` names, in the order of a search."""
    more = Parameters("after")
    instant = more.instant(mark.time)
    key = f"({instant}, {more.add(mark.id, 'UUID')}, {more.add(mark.source, 'String')})"
    return Condition(
        f"{condition.sql} AND time <= {instant} AND (time, id, source) < {key}",
        {**condition.parameters, **more.values},
    )


def _of_keys(keys: Sequence[tuple[Any, ...]], condition: Condition) -> Condition:
    """Restrict a condition to the rows with these keys: time, id, source and received day."""
    more = Parameters("key")
    days = more.add(sorted({key[3].isoformat() for key in keys}), "Array(Date)")
    identifiers = more.add([str(key[1]) for key in keys], "Array(UUID)")
    times = f"BETWEEN {more.instant(keys[-1][0])} AND {more.instant(keys[0][0])}"
    return Condition(
        f"{condition.sql} AND received_day IN {days} AND id IN {identifiers} AND time {times}",
        {**condition.parameters, **more.values},
    )


def _uuid(identifier: str) -> str:
    try:
        return check_uuid(identifier)
    except ValueError as error:
        raise QueryRejected(
            f"{identifier!r} is no id of an access: it {error}",
            "search finds the ids: earwitness search actor:e-1",
        ) from error

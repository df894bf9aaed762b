"""Questions about accesses: which there were, what became of one, who touched a customer's content."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from earwitness.query.conditions import Condition, Parameters
from earwitness.query.language import Query
from earwitness.query.newest import Wanted, find_newest
from earwitness.query.rows import ROW_COLUMNS, VERDICT_FIELDS, Row, plain, rows_of
from earwitness.query.store import Store
from models.errors import QueryRejected
from models.fields import EVERY_CUSTOMER, check_access_time, check_uuid, format_time, parse_time

MOST_SOURCES: Final = 100
"""Accesses that share one id, each of another source; more are not shown."""

MOST_VERDICTS: Final = 1_000
MOST_TEXTS: Final = 20_000
"""Texts that are looked up at once, to learn which of them are customers."""

_ID_TIME: Final = "toUInt64(bitShiftRight(toUInt128({}), 80))"
"""The part of an id that has an index of its own, by which ClickHouse knows the days to look at."""


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


class Trail:
    """The named questions about accesses."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def search(self, search: Search) -> Page:
        """Find accesses, newest first."""
        wanted = Wanted(search.query, search.limit, begin=search.asked_at)
        if search.after is not None:
            wanted = wanted._replace(begin=search.after.time, beyond=_beyond(search.after))
        rows, more = find_newest(self._store, wanted)
        return Page(rows, _mark(rows[-1], search.asked_at) if more and rows else None)

    def accesses(self, identifier: str) -> list[Row]:
        """Give the accesses of that id, one of each source that used it; empty where there is none.

        Raises `QueryRejected` where it is no UUID.
        """
        return rows_of(
            self._store.ask(
                f"SELECT {ROW_COLUMNS} FROM trail"  # noqa: S608 - constants
                f" WHERE id = {{id:UUID}} AND {_ID_TIME.format('id')} = {_ID_TIME.format('{id:UUID}')}"
                " ORDER BY source LIMIT {limit:UInt32}",
                {"id": _uuid(identifier), "limit": MOST_SOURCES},
            )
        )

    def customers_among(self, texts: Sequence[str]) -> list[str]:
        """Name those of some texts that are customers whose content was touched.

        More than `MOST_TEXTS` are not looked up; they stand for many customers, as `*` does in an access.
        """
        if len(texts) > MOST_TEXTS:
            return [EVERY_CUSTOMER]
        if not texts:
            return []
        answer = self._store.ask(
            "SELECT DISTINCT customer_id FROM accesses WHERE customer_id IN {texts:Array(String)}",
            {"texts": list(texts)},
            limits={"max_result_rows": 0},
        )
        return sorted(str(customer) for (customer,) in answer.rows)

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
        newest_first = [plain(record) for record in answer.records()]
        return newest_first[::-1]


def with_ids(condition: Condition) -> str:
    """Say it of the ids, too: else ClickHouse would sum up the later verdicts of everybody's accesses."""
    return f"{condition.sql} AND id IN (SELECT id FROM accesses WHERE {condition.sql})"  # noqa: S608 - a compiled condition


def _mark(row: Mapping[str, Any], asked_at: datetime) -> str:
    return Mark(parse_time(row["time"]), row["id"], row["source"], asked_at).written()


def _beyond(mark: Mark) -> Condition:
    """Continue after the row that `mark` names, in the order of a search."""
    more = Parameters("after")
    instant = more.instant(mark.time)
    key = f"({instant}, {more.add(mark.id, 'UUID')}, {more.add(mark.source, 'String')})"
    return Condition(f"time <= {instant} AND (time, id, source) < {key}", more.values)


def _uuid(identifier: str) -> str:
    try:
        return check_uuid(identifier)
    except ValueError as error:
        raise QueryRejected(
            f"{identifier!r} is no id of an access: it {error}",
            "search finds the ids: earwitness search actor:e-1",
        ) from error

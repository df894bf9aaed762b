"""Questions about whether the trail is complete, each answered by aggregates of the server.

Offsets and numbers are counted by words of 64 bits, identities a few million at a time, and what grows all
the same spills to the server's disk. Each answer has a limit.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from earwitness.query import accounts_sql as sql
from earwitness.query.conditions import Parameter
from earwitness.query.store import Store
from earwitness.reconciliation.accounts import (
    Break,
    Counted,
    Doubled,
    Held,
    Hole,
    Ledgered,
    RangeCounts,
    Received,
    Span,
    Window,
)
from models.topics import ACCESS_EVENTS

IDS_AT_ONCE: Final = 4_000_000
"""Identities that are compared at once: what keeps them in memory, about 200 MB."""

LIMITS: Final[Mapping[str, Any]] = {
    "max_threads": 2,
    "max_memory_usage": 512 << 20,
    "max_bytes_before_external_group_by": 256 << 20,
    "max_bytes_before_external_sort": 64 << 20,
}
"""What one question may cost the server."""


class ClickHouseAccounts:
    """The named questions of reconciliation (`earwitness.reconciliation.accounts.Accounts`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def extent(self) -> Mapping[int, Span]:
        """Give the ends of the ledger by partition."""
        return {row[0]: Span(*row) for row in self._ask(sql.EXTENT)}

    def ledgered(self, window: Window, bounds: Mapping[int, int]) -> Sequence[Ledgered]:
        """Add the ledger up by partition and day."""
        return [Ledgered(*row) for row in self._ask(sql.LEDGERED, _days(window) | _bounds(bounds))]

    def held(self, window: Window, bounds: Mapping[int, int]) -> Sequence[Held]:
        """Count rows and offsets by partition and day."""
        return [Held(*row) for row in self._ask(sql.HELD, _days(window) | _bounds(bounds))]

    def breaks(self, window: Window, bounds: Mapping[int, int]) -> Sequence[Break]:
        """Set each range against the furthest that the ranges before it reach."""
        return [Break(*row) for row in self._ask(sql.BREAKS, _days(window) | _bounds(bounds))]

    def covering(self, span: Span) -> Sequence[Span]:
        """Give the ranges that touch a span, in order."""
        return [Span(*row) for row in self._ask(sql.COVERING, span._asdict())]

    def disagreeing(self, partition: int, day: date, bound: int) -> Sequence[RangeCounts]:
        """Count the records of each range of one partition and day."""
        place = _days(Window(day, day)) | _bounds({partition: bound}) | {"partition": partition}
        return [RangeCounts(Span(*row[:3]), *row[3:]) for row in self._ask(sql.DISAGREEING, place)]

    def offsets(self, span: Span) -> Sequence[int]:
        """List what is held of a span."""
        return [row[0] for row in self._ask(sql.OFFSETS, span._asdict())]

    def received(self, span: Span) -> Received:
        """Give the ends of a span's times of receipt."""
        return self._received(sql.RECEIVED, span)

    def around(self, span: Span) -> Received:
        """Give when its neighbours were received."""
        return self._received(sql.AROUND, span)

    def unledgered(self, window: Window, bounds: Mapping[int, int], older_than_s: int) -> Sequence[Span]:
        """Look for rows behind the ledger."""
        asked = _days(window) | _bounds(bounds) | {"age": older_than_s}
        return [Span(*row) for row in self._ask(sql.UNLEDGERED, asked)]

    def doubled(self, window: Window, row_count: int) -> tuple[int, Sequence[Doubled]]:
        """Find identities with several rows, some of the identities at a time."""
        parts = row_count // IDS_AT_ONCE + 1
        count, some = 0, list[Doubled]()
        for part in range(parts):
            rows = self._ask(sql.DOUBLED, _days(window) | {"parts": parts, "part": part})
            count += rows[0][0] if rows else 0
            some += (_doubled(*row[1:]) for row in rows)
        return count, some[: sql.MOST_DOUBLED]

    def counted(self, window: Window) -> Counted:
        """Count each producer's numbers.

        Of some days only: a producer that is not there on the first of them is taken to have begun in the
        window, which `holes` puts right, for it looks at all days.
        """
        statement = sql.COUNTED_OF_ALL if window.everything else sql.COUNTED_OF_DAYS
        producer_count, number_count, incomplete_count, worst = self._ask(statement, _days(window))[0]
        return Counted(producer_count, number_count, worst, incomplete_count)

    def holes(self, producers: Collection[str], window: Window) -> Sequence[Hole]:
        """Put each producer's numbers in order, of all days, and find what is left out."""
        rows = self._ask(sql.HOLES, _days(window) | {"producers": list(producers)})
        return [Hole(*row) for row in rows]

    def _received(self, statement: str, span: Span) -> Received:
        received_from, received_to = self._ask(statement, span._asdict())[0]
        return received_from, received_to

    def _ask(
        self, statement: str, parameters: Mapping[str, Parameter] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        return self._store.ask(statement, parameters, limits=LIMITS).rows


def _doubled(  # noqa: PLR0913, PLR0917 - the columns of a row
    source: str,
    access_id: str,
    row_count: int,
    places: Sequence[tuple[int, int]],
    received_from: datetime,
    received_to: datetime,
) -> Doubled:
    positions = [_position(*place) for place in places]
    return Doubled(source, access_id, row_count, positions, received_from, received_to)


def _position(partition: int, offset: int) -> str:
    return f"{ACCESS_EVENTS}/{partition}/{offset}"


def _days(window: Window) -> dict[str, Parameter]:
    return {"from": window.first.isoformat(), "to": window.last.isoformat()}


def _bounds(bounds: Mapping[int, int]) -> dict[str, Parameter]:
    return {"bounds": [bounds.get(partition, -1) for partition in range(max(bounds, default=0) + 1)]}

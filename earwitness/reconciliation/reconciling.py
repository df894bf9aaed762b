"""One reconciliation: who is asked, in which order, and how deep.

Workers go on meanwhile. So Kafka's commits are read before the ledger, and the ledger before the tables:
whatever a commit or a range speaks of is stored by then, and what came later is left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from earwitness.reconciliation import comparing
from earwitness.reconciliation.accounts import (
    MOST_BREAKS,
    MOST_HOLES,
    MOST_RANGES,
    Accounts,
    Edges,
    Held,
    Ledgered,
    Span,
    Window,
)
from earwitness.reconciliation.faults import Fault
from earwitness.reconciliation.report import Interval, PartitionReport, ProducersReport, Report

MOST_DAYS_EXAMINED: Final = 20
"""Days of partitions that are looked into range by range, in one reconciliation."""

MOST_SPANS_EXAMINED: Final = 20
"""Ranges and gaps that are looked into offset by offset; of the others only the size is told."""

LARGEST_SPAN_EXAMINED: Final = 100_000
MOST_INTERVALS: Final = 50
SETTLED_WITHIN_S: Final = 120
"""How long rows may stand behind the ledger: their range is accounted for right after it is stored."""

_NOWHERE: Final = 2**63 - 1
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_ALWAYS: Final = datetime.max.replace(tzinfo=UTC)


def reconcile(
    accounts: Accounts, edges: Sequence[Edges], *, window: Window, grace: timedelta, now: datetime
) -> Report:
    """Set the accounts side by side; `edges` were read before.

    Numbers of a producer that are missing for less than `grace` are under way. Raises as `Accounts` does.
    """
    return _Reconciliation(accounts, edges, window, now).report(grace)


class _Reconciliation:
    """The work of one reconciliation: what it has read, and what it found so far."""

    def __init__(self, accounts: Accounts, edges: Sequence[Edges], window: Window, now: datetime) -> None:
        self._accounts = accounts
        self._edges = {found.partition: found for found in edges}
        self._window = window
        self._now = now
        self._extent = accounts.extent()
        self._bounds = {partition: span.last for partition, span in self._extent.items()}
        self._ledgered = accounts.ledgered(window, self._bounds)
        self._held = {(held.partition, held.day): held for held in accounts.held(window, self._bounds)}
        self._unexamined: list[str] = []
        self._examined = 0

    def report(self, grace: timedelta) -> Report:
        """Compare everything."""
        faults = [*self._at_the_edges(), *self._in_the_ledger(), *self._in_the_rows(), *self._unledgered()]
        faults = [self._timed(fault) for fault in faults]
        faults += self._doubled()
        missing, producers = self._sequences(grace)
        faults += missing
        partitions = [self._partition(found, faults) for found in self._edges.values()]
        return Report(self._now, self._window, partitions, producers, faults, self._unexamined)

    def _at_the_edges(self) -> Iterator[Fault]:
        for partition, edges in self._edges.items():
            span = self._extent.get(partition)
            first, reached = (span.first, span.last) if span else (None, None)
            replaced = comparing.replaced_topic(edges, reached)
            if replaced is not None:
                yield replaced
                continue
            for gap in comparing.edge_gaps(edges, first, reached):
                before_all = first is not None and gap.last < first
                if self._window.everything or not before_all:
                    yield from comparing.missing_range(gap, edges.earliest)

    def _in_the_ledger(self) -> Iterator[Fault]:
        """Find gaps and overlaps; what looks like a gap may be covered by a range of another day."""
        breaks = self._accounts.breaks(self._window, self._bounds)
        self._note_limit(breaks, MOST_BREAKS, "gaps and overlaps of the ledger")
        for found in breaks:
            gap = comparing.gap_of(found)
            if gap is None:
                yield comparing.overlap(found)
                continue
            for open_span in comparing.uncovered(gap, self._accounts.covering(gap)):
                yield from comparing.missing_range(open_span, self._earliest(gap.partition))

    def _in_the_rows(self) -> Iterator[Fault]:
        differing = [
            ledgered
            for ledgered in self._ledgered
            if not comparing.agree(ledgered, self._held.get((ledgered.partition, ledgered.day)))
        ]
        for ledgered in differing[:MOST_DAYS_EXAMINED]:
            yield from self._in_the_rows_of(ledgered)
        left = len(differing) - MOST_DAYS_EXAMINED
        if left > 0:
            self._unexamined.append(f"{left} further days of partitions whose rows and ledger disagree")

    def _in_the_rows_of(self, ledgered: Ledgered) -> Iterator[Fault]:
        bound = self._bounds[ledgered.partition]
        found = self._accounts.disagreeing(ledgered.partition, ledgered.day, bound)
        where = f"{comparing.place_of(ledgered.partition)} of {ledgered.day.isoformat()}"
        self._note_limit(found, MOST_RANGES, f"ranges of {where} whose rows and ledger disagree")
        for counts in found:
            yield from comparing.range_faults(counts, self._offsets(counts.span))
        if not found:
            self._unexamined.append(f"{where}: its rows and ledger disagree, and no range of it alone does")

    def _offsets(self, span: Span) -> Sequence[int] | None:
        if self._examined >= MOST_SPANS_EXAMINED or span.size > LARGEST_SPAN_EXAMINED:
            return None
        self._examined += 1
        return self._accounts.offsets(span)

    def _unledgered(self) -> Iterator[Fault]:
        for span in self._accounts.unledgered(self._window, self._bounds, SETTLED_WITHIN_S):
            fault = comparing.unledgered(span, self._edges.get(span.partition))
            if fault is not None:
                yield fault

    def _timed(self, fault: Fault) -> Fault:
        """Say between which instants of receipt a fault of offsets lies."""
        if self._examined >= 2 * MOST_SPANS_EXAMINED:
            return fault
        self._examined += 1
        span = Span(int(fault.place.rpartition("/")[2]), fault.first, fault.last)
        received_from, received_to = self._accounts.around(span)
        return fault._replace(received_from=received_from, received_to=received_to)

    def _doubled(self) -> list[Fault]:
        count, some = self._accounts.doubled(
            self._window, sum(held.row_count for held in self._held.values())
        )
        if count > len(some):
            self._unexamined.append(f"{count - len(some)} further accesses with more than one row")
        return [comparing.doubled_access(found) for found in some]

    def _sequences(self, grace: timedelta) -> tuple[list[Fault], ProducersReport]:
        counted = self._accounts.counted(self._window)
        left = counted.incomplete_count - len(counted.incomplete)
        if left > 0:
            self._unexamined.append(f"{left} further producers with holes in their counts")
        holes = self._accounts.holes(counted.incomplete, self._window) if counted.incomplete else ()
        self._note_limit(holes, MOST_HOLES, "holes in the counts of producers")
        stored_until = self._stored_until()
        missing: list[Fault] = []
        in_flight_count = 0
        for hole in holes:
            if comparing.in_flight(hole, stored_until, grace, self._now):
                in_flight_count += hole.last - hole.first + 1
            else:
                missing.append(comparing.missing_sequence(hole))
        missing_count = sum(fault.size for fault in missing)
        return missing, ProducersReport(
            counted.producer_count, counted.number_count, missing_count, in_flight_count
        )

    def _note_limit(self, found: Sequence[object], limit: int, what: str) -> None:
        if len(found) >= limit:
            self._unexamined.append(f"{what} behind the first {limit}")

    def _stored_until(self) -> datetime:
        """Say up to when everything that Kafka received is stored: partitions go on at their own pace."""
        newest = _newest(self._held.values())
        behind = (edges.partition for edges in self._edges.values() if self._unstored(edges) > 0)
        return min((newest.get(partition, _NEVER) for partition in behind), default=_ALWAYS)

    def _partition(self, edges: Edges, faults: Iterable[Fault]) -> PartitionReport:
        ledgered = [found for found in self._ledgered if found.partition == edges.partition]
        whole = comparing.by_place(ledgered).get(edges.partition)
        spans = [] if whole is None else comparing.complete_spans(whole, faults)
        if len(spans) > MOST_INTERVALS:
            left = len(spans) - MOST_INTERVALS
            self._unexamined.append(f"{comparing.place_of(edges.partition)}: {left} more complete intervals")
        return PartitionReport(
            edges=edges,
            complete=[self._interval(span, span == whole) for span in spans[:MOST_INTERVALS]],
            row_count=sum(found.row_count for found in ledgered),
            dead_letter_and_copy_count=sum(found.set_aside_count + found.counted_only for found in ledgered),
            unstored_count=self._unstored(edges),
        )

    def _interval(self, span: Span, whole: bool) -> Interval:  # noqa: FBT001 - what is known already
        if not whole:
            return Interval(span.first, span.last, *self._accounts.received(span))
        held = [found for found in self._held.values() if found.partition == span.partition]
        return Interval(
            span.first,
            span.last,
            min((found.received_from for found in held), default=None),
            max((found.received_to for found in held), default=None),
        )

    def _unstored(self, edges: Edges) -> int:
        reached = self._bounds.get(edges.partition)
        stored_to = edges.committed or 0 if reached is None else reached + 1
        return max(0, edges.end - max(stored_to, edges.earliest))

    def _earliest(self, partition: int) -> int:
        edges = self._edges.get(partition)
        return _NOWHERE if edges is None else edges.earliest


def _newest(held: Iterable[Held]) -> Mapping[int, datetime]:
    newest: dict[int, datetime] = {}
    for found in held:
        newest[found.partition] = max(newest.get(found.partition, _NEVER), found.received_to)
    return newest

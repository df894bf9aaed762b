"""The comparisons: from the counts of each party to what is wrong. No I/O here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from earwitness.reconciliation.accounts import Break, Doubled, Edges, Held, Hole, Ledgered, RangeCounts, Span
from earwitness.reconciliation.faults import Fault, FaultReason
from models.topics import ACCESS_EVENTS


def agree(ledgered: Ledgered, held: Held | None) -> bool:
    """Say whether every offset of a partition and day is held once, as the ledger says."""
    if held is None:
        return ledgered.offset_count == ledgered.counted_only
    return (
        held.row_count == held.row_offset_count == ledgered.row_count
        and held.aside_offset_count == ledgered.set_aside_count
        and held.row_offset_count + held.aside_offset_count == held.offset_count
        and held.offset_count + ledgered.counted_only == ledgered.offset_count
    )


def uncovered(span: Span, covering: Iterable[Span]) -> Iterator[Span]:
    """Give the parts of a span that none of the ranges touching it covers; they come in order."""
    begin = span.first
    for covered in covering:
        if covered.first > begin:
            yield Span(span.partition, begin, min(covered.first - 1, span.last))
        begin = max(begin, covered.last + 1)
    if begin <= span.last:
        yield Span(span.partition, begin, span.last)


def gap_of(found: Break) -> Span | None:
    """Give the offsets between two ranges; None where they overlap instead."""
    if found.next_first <= found.reached:
        return None
    return Span(found.partition, found.reached + 1, found.next_first - 1)


def overlap(found: Break) -> Fault:
    """Tell of two ranges that claim the same offsets."""
    span = Span(found.partition, found.next_first, min(found.reached, found.next_last))
    return _at(span, "range_overlap", "offsets that two ranges account for")


def missing_range(span: Span, earliest: int) -> Iterator[Fault]:
    """Tell of offsets that no range accounts for: those that Kafka has dropped, and those it still has."""
    if span.first < earliest:
        gone = span._replace(last=min(span.last, earliest - 1))
        detail = f"no range covers them, and the topic begins at offset {earliest}"
        yield _at(gone, "records_expired", detail)
    if span.last >= earliest:
        kept = span._replace(first=max(span.first, earliest))
        yield _at(kept, "range_missing", "no range covers them, and the topic still has them")


def edge_gaps(edges: Edges, first: int | None, reached: int | None) -> Iterator[Span]:
    """Give the offsets at both ends of the ledger that Kafka and the group say should be in it.

    `first` and `reached` are the ends of the ledger over all days; None where it is empty.
    """
    if first is None or reached is None:
        if edges.committed is not None and edges.committed > edges.earliest:
            yield Span(edges.partition, edges.earliest, edges.committed - 1)
        elif edges.committed is not None and edges.committed < edges.earliest:
            yield Span(edges.partition, edges.committed, edges.earliest - 1)
        return
    if edges.earliest < first:
        yield Span(edges.partition, edges.earliest, first - 1)
    passed = max(edges.committed or 0, edges.earliest)
    if passed > reached + 1:
        yield Span(edges.partition, reached + 1, passed - 1)


def replaced_topic(edges: Edges, reached: int | None) -> Fault | None:
    """Tell of a topic that ends before what is stored of it."""
    if reached is None or edges.end > reached:
        return None
    span = Span(edges.partition, edges.end, reached)
    return _at(span, "topic_replaced", f"the topic ends at offset {edges.end}, and {reached} is stored")


def range_faults(counts: RangeCounts, held: Sequence[int] | None) -> Iterator[Fault]:
    """Tell how a range and its rows disagree; `held` are the offsets that are there, if asked for."""
    span = counts.span
    missing = span.size - counts.counted_only - counts.held_offsets
    if missing > 0:
        yield from _missing_rows(span, missing, None if counts.counted_only else held)
    if counts.held_rows > counts.held_row_offsets:
        doubled = counts.held_rows - counts.held_row_offsets
        yield _at(span, "row_doubled", "offsets that more than one row stands for", doubled)
    both = counts.held_row_offsets + counts.held_aside_offsets - counts.held_offsets
    if both > 0:
        yield _at(span, "row_set_aside", "offsets that are a row, and set aside as well", both)
    as_counted = counts.held_row_offsets == counts.row_count
    if missing <= 0 and not both and not as_counted:
        detail = f"the ledger counts {counts.row_count} rows, the table holds {counts.held_row_offsets}"
        yield _at(span, "ledger_disagrees", detail, abs(counts.held_row_offsets - counts.row_count))


def unledgered(span: Span, edges: Edges | None) -> Fault | None:
    """Tell of rows behind the ledger, unless the range under way is theirs."""
    announced = None if edges is None else edges.announced
    if announced is not None and announced.first <= span.first and span.last <= announced.last:
        return None
    return _at(span, "rows_without_range", "rows that no range accounts for")


def doubled_access(found: Doubled) -> Fault:
    """Tell of an access with more than one row."""
    return Fault(
        reason="access_doubled",
        place=f"access:{found.source} {found.id}",
        first=1,
        last=found.row_count,
        size=found.row_count - 1,
        received_from=found.received_from,
        received_to=found.received_to,
        detail=f"rows at {', '.join(found.positions)}",
    )


def in_flight(hole: Hole, stored_until: datetime, grace: timedelta, now: datetime) -> bool:
    """Say whether missing numbers may still arrive.

    They may while records of that time wait in Kafka, or a producer may still be sending them.
    """
    return hole.before_at >= stored_until or hole.before_at > now - grace


def missing_sequence(hole: Hole) -> Fault:
    """Tell of numbers that a producer gave and nobody has seen."""
    begins = "" if hole.after_at is not None else "; nothing of it came before"
    return Fault(
        reason="sequence_missing",
        place=f"producer:{hole.producer}",
        first=hole.first,
        last=hole.last,
        size=hole.last - hole.first + 1,
        received_from=hole.after_at,
        received_to=hole.before_at,
        detail=f"number {hole.last + 1} arrived{begins}",
    )


def complete_spans(whole: Span, faults: Iterable[Fault]) -> list[Span]:
    """Cut what is wrong out of a span of the ledger; what is left is complete."""
    place = place_of(whole.partition)
    cut = sorted(
        Span(whole.partition, fault.first, fault.last)
        for fault in faults
        if fault.place == place and fault.reason not in ("topic_replaced", "rows_without_range")
    )
    return list(uncovered(whole, (span for span in cut if span.last >= whole.first)))


def by_place(spans: Iterable[Ledgered]) -> Mapping[int, Span]:
    """Give the whole span of each partition."""
    whole: dict[int, Span] = {}
    for found in spans:
        known = whole.get(found.partition, Span(found.partition, found.first, found.last))
        whole[found.partition] = Span(
            found.partition, min(known.first, found.first), max(known.last, found.last)
        )
    return whole


def place_of(partition: int) -> str:
    """Name a partition of the access topic."""
    return f"{ACCESS_EVENTS}/{partition}"


def _missing_rows(span: Span, missing: int, held: Sequence[int] | None) -> Iterator[Fault]:
    if held is None:
        yield _at(span, "rows_missing", "the ledger accounts for more than the tables hold", missing)
        return
    there = [Span(span.partition, offset, offset) for offset in held]
    for lost in uncovered(span, there):
        yield _at(lost, "rows_missing", f"of the range {span.first}-{span.last}, which was stored")


def _at(span: Span, reason: FaultReason, detail: str, size: int | None = None) -> Fault:
    return Fault(
        reason=reason,
        place=place_of(span.partition),
        first=span.first,
        last=span.last,
        size=span.size if size is None else size,
        received_from=None,
        received_to=None,
        detail=detail,
    )

"""How a reconciliation is shown: as JSON, or as lines that say what is complete and what to do."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from earwitness.cli.output import visible
from earwitness.reconciliation.accounts import FIRST_DAY, LAST_DAY
from earwitness.reconciliation.faults import Fault
from earwitness.reconciliation.report import Interval, PartitionReport, Report
from models.fields import format_time
from models.topics import ACCESS_EVENTS

Json = dict[str, Any]

MOST_SHOWN: Final = 20
"""Faults in the table; JSON has all of them."""


def as_json(report: Report) -> Json:
    """Give the whole report."""
    window, producers = report.window, report.producers
    return {
        "complete": report.complete,
        "at": format_time(report.at),
        "from_day": None if window.first == FIRST_DAY else window.first.isoformat(),
        "to_day": None if window.last == LAST_DAY else window.last.isoformat(),
        "partitions": [_partition(found) for found in report.partitions],
        "producers": producers._asdict(),
        "faults": [_fault(fault) for fault in report.faults],
        "unexamined": list(report.unexamined),
    }


def as_lines(report: Report) -> Iterator[str]:
    """Say what is complete, partition by partition, then what is wrong and what to do."""
    for found in report.partitions:
        yield from _partition_lines(found)
    producers = report.producers
    yield (
        f"{producers.producer_count} producers numbered {producers.number_count} events:"
        f" {producers.missing_count} missing, {producers.in_flight_count} still under way"
    )
    for fault in report.faults[:MOST_SHOWN]:
        yield from _fault_lines(fault)
    if len(report.faults) > MOST_SHOWN:
        yield f"… and {len(report.faults) - MOST_SHOWN} more: --output json has them all"
    for what in report.unexamined:
        yield f"not examined: {what}"
    yield "complete" if report.complete else f"NOT COMPLETE: {len(report.faults)} faults"


def _partition(found: PartitionReport) -> Json:
    edges = found.edges
    return {
        "partition": edges.partition,
        "earliest": edges.earliest,
        "end": edges.end,
        "committed": edges.committed,
        "announced": None if edges.announced is None else [edges.announced.first, edges.announced.last],
        "complete": [_interval(interval) for interval in found.complete],
        "rows": found.row_count,
        "dead_letters_and_copies": found.dead_letter_and_copy_count,
        "unstored": found.unstored_count,
    }


def _interval(interval: Interval) -> Json:
    return {
        "first": interval.first,
        "last": interval.last,
        "received_from": _time(interval.received_from),
        "received_to": _time(interval.received_to),
    }


def _fault(fault: Fault) -> Json:
    return {
        "id": str(fault.id),
        **fault._asdict(),
        "received_from": _time(fault.received_from),
        "received_to": _time(fault.received_to),
        "remedy": fault.remedy,
    }


def _partition_lines(found: PartitionReport) -> Iterator[str]:
    place = f"{ACCESS_EVENTS}/{found.edges.partition}"
    if not found.complete:
        yield f"{place}  nothing complete; {found.unstored_count} events not stored yet"
    for interval in found.complete:
        between = _between(interval.received_from, interval.received_to)
        yield f"{place}  complete {interval.first}-{interval.last}{between}"
    if found.complete and found.unstored_count:
        yield f"{place}  {found.unstored_count} events not stored yet"


def _fault_lines(fault: Fault) -> Iterator[str]:
    where = visible(f"{fault.place} {fault.first}-{fault.last}").plain
    yield f"{fault.reason}: {where}, {fault.size} in all{_between(fault.received_from, fault.received_to)}"
    yield f"    {visible(fault.detail).plain}"
    yield f"    → {fault.remedy}"


def _between(received_from: datetime | None, received_to: datetime | None) -> str:
    times: Sequence[str] = [format_time(at) if at else "?" for at in (received_from, received_to)]
    return "" if received_from is None and received_to is None else f", received {times[0]} to {times[1]}"


def _time(at: datetime | None) -> str | None:
    return None if at is None else format_time(at)

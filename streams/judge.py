"""From the records of a range to its rows: read, tell copies apart, judge. No I/O here."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from earwitness.policy import EvidenceIndex, PolicySet, judge
from earwitness.policy.kinds import Staleness
from models.dead_letter import DeadLetter, DeadLetterReason, Position
from models.errors import MalformedEvent
from models.fields import format_time, made_at_ms
from models.registers import RegisterState, overdue
from sinks.base import JudgedAccess
from streams.copies import LATEST_AHEAD_MS, Accepted
from streams.wire import read_access

_new: Final = tuple.__new__
"""Makes a NamedTuple in a third of the time that its own constructor takes."""


class Read(NamedTuple):
    """The records of a range, read."""

    accepted: list[Accepted]
    refused: list[DeadLetter]


def read_records(records: Sequence[Any]) -> Read:
    """Read every record of a range; one that cannot be accepted costs the others nothing."""
    read = Read([], [])
    for record in records:
        try:
            event, unknown_fields = read_access(record.value or b"", record.headers)
            made_ms = made_at_ms(event.id)
            refuse_the_future(event, made_ms, record.timestamp)
        except MalformedEvent as error:
            read.refused.append(dead_letter(record, error))
        else:
            read.accepted.append(_new(Accepted, (event, unknown_fields, record, made_ms)))
    return read


def refuse_the_future(event: Any, made_ms: int | None, received_ms: int) -> None:  # noqa: ANN401 - a generated Struct
    """Refuse what names an instant to come; in its id, too, for copies are told by when it was made.

    `made_ms` is when its id was made; both in milliseconds since 1970. Raises `MalformedEvent`.
    """
    latest_ms = received_ms + LATEST_AHEAD_MS
    if event.time > received_at(latest_ms):
        raise _in_future("time", f"{format_time(event.time)} is", received_ms)
    if made_ms is not None and made_ms > latest_ms:
        raise _in_future("id", f"{event.id} was made", received_ms)


def judge_accepted(
    accepted: Sequence[Accepted],
    policies: PolicySet,
    evidence: EvidenceIndex,
    as_of: datetime,
    registers: Sequence[RegisterState] = (),
) -> list[JudgedAccess]:
    """Judge accesses against the registers as they stand, and say which of those may lag behind."""
    staleness = Staleness(policies, overdue(registers, as_of))
    rows: list[JudgedAccess] = []
    for event, unknown_fields, record, _ in accepted:
        at_ms = record.timestamp
        verdict = judge(event, policies, evidence, received_at=received_at(at_ms), as_of=as_of)
        stale = staleness.of(event)
        row = _new(JudgedAccess, (event, unknown_fields, verdict, record.offset, at_ms, stale))
        rows.append(row)
    return rows


def dead_letter(record: Any, error: MalformedEvent) -> DeadLetter:  # noqa: ANN401 - aiokafka ships no types
    """Keep a refused record whole, with the reason and where it stands."""
    reason: DeadLetterReason = error.reason  # type: ignore[assignment] # raised with these words only
    return DeadLetter(
        reason=reason,
        detail=error.detail,
        fields=error.fields,
        position=Position(record.topic, record.partition, record.offset),
        received_at=received_at(record.timestamp),
        key=record.key,
        value=record.value or b"",
        headers=tuple((name, value or b"") for name, value in record.headers or ()),
    )


def conflict(item: Accepted) -> DeadLetter:
    """Keep an event that claims a stored access's identity for something else."""
    detail = f"{item.event.source} {item.event.id} is stored already, with other content"
    return dead_letter(item.record, MalformedEvent("id_conflict", detail, ("id",)))


@lru_cache(maxsize=256)  # records of one append share their timestamp
def received_at(timestamp_ms: int) -> datetime:
    """Place a broker timestamp on the calendar, to the millisecond."""
    return datetime.fromtimestamp(timestamp_ms // 1000, tz=UTC).replace(
        microsecond=timestamp_ms % 1000 * 1000
    )


def _in_future(field: str, what: str, received_ms: int) -> MalformedEvent:
    detail = (
        f"{field}: {what} more than {LATEST_AHEAD_MS // 60_000} minutes after"
        f" {format_time(received_at(received_ms))}, when it was received"
    )
    return MalformedEvent("time_in_future", detail, (field,))

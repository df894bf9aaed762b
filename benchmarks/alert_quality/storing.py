"""The judged month in a real ClickHouse, with the instants that it would have had."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid5

from benchmarks.alert_quality.deeds import Event, Letter, Reading
from benchmarks.alert_quality.judged import Given, Registered
from models.alerts import NAMESPACE
from models.topics import ACCESS_EVENTS
from sinks.clickhouse.client import ClickHouse

_EVENT: Final = (
    "id", "time", "source", "producer", "sequence", "actor_type", "actor_id", "organization", "actor_team",
    "action", "resource_type", "resource_id", "customer_id", "purpose", "evidence_ref", "recipient",
)  # fmt: skip
_VERDICT: Final = (
    "verdict", "reason", "clause", "policy_version", "policy_digest", "evidence_used", "derived",
)  # fmt: skip
_ACCESS: Final = (
    "received_day", *_EVENT, "outcome", *_VERDICT, "evidence_version", "received_at", "judged_at",
    "recorded_at", "topic", "partition", "offset",
)  # fmt: skip
_AGAIN: Final = (
    "received_day", "id", "source", "time", "actor_type", "actor_id", *_VERDICT, "evidence_version", "late",
    "judged_at", "recorded_at",
)  # fmt: skip
_EVIDENCE: Final = (
    "ref", "version", "kind", "customer_ids", "assignees", "organization", "status", "origin", "recorded_by",
    "record", "registered_at",
)  # fmt: skip


class Archive:
    """Writes what a day brought, a statement for each table."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self._offset = 0

    def keep(
        self, given: Iterable[Given | Registered], readings: Sequence[Reading], letters: Sequence[Letter]
    ) -> None:
        """Store one day."""
        accesses: list[tuple[Any, ...]] = []
        again: list[tuple[Any, ...]] = []
        evidence: list[tuple[Any, ...]] = []
        for each in given:
            if isinstance(each, Registered):
                evidence.append(_evidence(each))
            elif each.first:
                accesses.append(self._access(each))
            else:
                again.append(_again(each))
        self._insert("access_log", _ACCESS, accesses)
        self._insert("verdict_log", _AGAIN, again)
        self._insert("evidence_log", _EVIDENCE, evidence)
        self._insert(
            "activity_log",
            ("id", "time", "principal", "surface", "action", "row_count"),
            [_reading(r) for r in readings],
        )
        self._insert(
            "dead_letters",
            ("received_day", "topic", "partition", "offset", "received_at", "reason"),
            [
                (x.received_at.date(), ACCESS_EVENTS, 0, n, x.received_at, x.reason)
                for n, x in enumerate(letters)
            ],
        )

    def _access(self, given: Given) -> tuple[Any, ...]:
        self._offset += 1
        return (
            given.received_at.date(), *_event(given.deed.event), "succeeded", *_verdict(given), given.version,
            given.received_at, given.judged_at, given.judged_at, ACCESS_EVENTS, 0, self._offset,
        )  # fmt: skip

    def _insert(self, table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        # Readings may be of several days, and a block holds no more than a hundred partitions.
        by_day: dict[date | None, list[tuple[Any, ...]]] = {}
        for row in rows:
            by_day.setdefault(row[0] if columns[0] == "received_day" else None, []).append(row)
        for some in by_day.values():
            self._clickhouse.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES", some)


def _event(event: Event) -> tuple[Any, ...]:
    return tuple("" if value is None else value for value in (getattr(event, name) for name in _EVENT))


def _verdict(given: Given) -> tuple[Any, ...]:
    said = given.verdict
    return (
        said.outcome, said.reason, said.clause or "", said.policy_version, said.policy_digest,
        list(said.evidence_used), said.derived,
    )  # fmt: skip


def _again(given: Given) -> tuple[Any, ...]:
    event = given.deed.event
    return (
        given.received_at.date(), event.id, event.source, event.time, event.actor_type, event.actor_id,
        *_verdict(given), given.version, True, given.judged_at, given.judged_at,
    )  # fmt: skip


def _evidence(registered: Registered) -> tuple[Any, ...]:
    record = registered.record
    return (
        record.ref, registered.version, record.kind, list(record.customer_ids), list(record.assignees),
        record.organization or "", record.status, record.origin, record.recorded_by or "",
        record.model_dump_json(exclude_none=True), registered.at,
    )  # fmt: skip


def _reading(reading: Reading) -> tuple[Any, ...]:
    id_: UUID = uuid5(NAMESPACE, f"{reading.principal} {reading.time}")
    return (id_, reading.time, reading.principal, "api", "search", reading.row_count)

"""Evidence in the form that the judge reads: compact, and ready to be compared."""

import sys
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Final

from models.evidence import KINDS_WITH_ALIASES, EvidenceRecord

FOREVER: Final = datetime.max.replace(tzinfo=UTC)
NEVER: Final = datetime.min.replace(tzinfo=UTC)

ACTOR_STATEMENT: Final = "actor_statement"
"""The origin of evidence that is nothing but the actor's own word."""

_LONGEST_TUPLE: Final = 8
"""Longer lists are kept as sets: searching them takes the same time whatever their length."""


class Entry:
    """One record of evidence, the newest of its ref.

    `valid_to` is FOREVER where it is open. `withdrawn_from` is FOREVER for what is active, and NEVER
    for what was withdrawn without a date: such a record never covered anything.
    """

    __slots__ = (
        "actor_ids",
        "assignees",
        "customer_ids",
        "functions",
        "kind",
        "organization",
        "origin",
        "purposes",
        "recorded_by",
        "ref",
        "resource_ids",
        "resource_types",
        "teams",
        "valid_from",
        "valid_to",
        "version",
        "withdrawn_from",
    )

    def __init__(self, record: EvidenceRecord, version: int) -> None:
        self.ref = record.ref
        self.version = version
        self.kind: str = sys.intern(record.kind)
        self.customer_ids = _held(record.customer_ids)
        self.resource_types = _held(record.resource_types)
        self.resource_ids = _held(record.resource_ids)
        self.assignees = _held(record.assignees)
        self.functions = _held(record.functions)
        self.purposes = _held(record.purposes)
        self.teams = _held(record.teams)
        self.organization = _interned(record.organization)
        self.origin: str = sys.intern(record.origin)
        self.recorded_by = _interned(record.recorded_by)
        self.valid_from = record.valid_from
        self.valid_to = record.valid_to or FOREVER
        self.withdrawn_from = _withdrawn_from(record)
        self.actor_ids = _ids_of_its_actor(record)
        """The ids that this record says are one actor; empty where it names no alias."""

    def in_force(self, time: datetime) -> bool:
        """Say whether the record is valid at `time` and not withdrawn by then."""
        return self.valid_from <= time < self.valid_to and time < self.withdrawn_from

    def comes_from(self, actor_ids: frozenset[str]) -> bool:
        """Say whether the actor with these ids stated or entered the record, which then proves nothing."""
        return self.recorded_by in actor_ids or self.origin == ACTOR_STATEMENT


def _withdrawn_from(record: EvidenceRecord) -> datetime:
    if record.status == "active":
        return FOREVER
    return record.withdrawn_at or NEVER


def _ids_of_its_actor(record: EvidenceRecord) -> tuple[str, ...]:
    if not record.aliases or record.kind not in KINDS_WITH_ALIASES:
        return ()
    return tuple(dict.fromkeys(sys.intern(name) for name in (*record.assignees, *record.aliases)))


def _held(values: Iterable[str]) -> Collection[str]:
    distinct = dict.fromkeys(sys.intern(value) for value in values)
    return tuple(distinct) if len(distinct) <= _LONGEST_TUPLE else frozenset(distinct)


def _interned(value: str | None) -> str | None:
    return None if value is None else sys.intern(value)

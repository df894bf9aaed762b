"""What a load changes: what is told beside what the registers hold."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from earwitness.registers.reading import normal
from models.evidence import EvidenceRecord

Change = Literal["new", "changed", "returned", "withdrawn", "unchanged"]
CHANGES: Final[tuple[Change, ...]] = ("new", "changed", "returned", "withdrawn", "unchanged")


class Held(NamedTuple):
    """A record as the registers hold it, and which version of it that is."""

    record: EvidenceRecord
    version: int


class Step(NamedTuple):
    """What becomes of one ref."""

    change: Change
    record: EvidenceRecord

    @property
    def publishes(self) -> bool:
        """Whether the registers are told something."""
        return self.change != "unchanged"


Plan = list[Step]


def plan_of(told: Iterable[EvidenceRecord], held: Mapping[str, Held]) -> Plan:
    """Say what each record changes; only what differs from what is held is to be published."""
    return [Step(change_of(record, held.get(record.ref)), record) for record in told]


def change_of(record: EvidenceRecord, held: Held | None) -> Change:
    """Say what telling this record would change. Lists are compared without their order."""
    if held is None:
        return "new"
    before = normal(held.record)
    if normal(record) == before:
        return "unchanged"
    if (before.status, record.status) == ("active", "withdrawn"):
        return "withdrawn"
    return "returned" if (before.status, record.status) == ("withdrawn", "active") else "changed"


def published(plan: Plan) -> Iterator[EvidenceRecord]:
    """Give the records that are to be published, in their order."""
    return (step.record for step in plan if step.publishes)


def counts(plan: Plan) -> dict[Change, int]:
    """Count the steps of each kind, those that did not occur too."""
    found = Counter(step.change for step in plan)
    return {change: found[change] for change in CHANGES}


def is_over(record: EvidenceRecord, at: datetime) -> bool:
    """Say whether a record covers nothing from an instant on: withdrawn, or at its end."""
    return record.status == "withdrawn" or (record.valid_to is not None and record.valid_to <= at)

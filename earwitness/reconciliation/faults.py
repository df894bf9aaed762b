"""What can be wrong with the trail, each with its place, its size and what to do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID, uuid5

FaultReason = Literal[
    "range_missing",
    "records_expired",
    "range_overlap",
    "rows_missing",
    "row_doubled",
    "row_set_aside",
    "ledger_disagrees",
    "rows_without_range",
    "access_doubled",
    "sequence_missing",
    "topic_replaced",
]

REMEDIES: Final[Mapping[FaultReason, str]] = {
    "range_missing": (
        "the records are still on the topic: keep them (raise retention.ms), stop the workers, set their"
        " group's offset of this partition back to the first one, and start them; what is stored is"
        " recognised and not doubled"
    ),
    "records_expired": (
        "Kafka has dropped these records before they were stored: have their producers send that time again"
        " (copies are harmless), and raise retention.ms of access.events.v1"
    ),
    "range_overlap": "two ranges claim the same offsets: keep the logs of the workers and report it",
    "rows_missing": (
        "the range was stored and its rows are gone: look for a DELETE, a dropped partition or a lost disk"
        " (system.part_log), and restore the day from the backup"
    ),
    "row_doubled": (
        "a block was stored twice under two names: do not delete by hand; keep the logs of the workers and"
        " report it"
    ),
    "row_set_aside": "a record is a row and was set aside too: keep the logs of the workers and report it",
    "ledger_disagrees": "the ledger counts other rows than there are: keep the workers' logs and report it",
    "rows_without_range": (
        "rows were stored and never accounted for: start a worker, which settles the range that was under"
        " way; where none was, keep the logs and report it"
    ),
    "access_doubled": (
        "one access has several rows: reports count it twice; compare the positions, and report it with the"
        " logs of the workers"
    ),
    "sequence_missing": (
        "the producer numbered events that never arrived: look whether its spool still holds them (its"
        " metrics, its disk), and whether it refused the accesses because it could not record them; if"
        " neither, they were lost before Kafka, and what it did in that time is unknown"
    ),
    "topic_replaced": (
        "the topic ends before offsets that are stored: Kafka was made anew, or belongs to another"
        " installation; point both at the same one, or begin with an empty database"
    ),
}

_NAMESPACE: Final = UUID("6f1c3d52-8f0e-5a57-9d4b-3f1f2f6a8c11")


class Fault(NamedTuple):
    """One thing that is wrong. `first` to `last` are offsets, or numbers of a producer's count."""

    reason: FaultReason
    place: str
    """`topic/partition`, `producer:NAME` or `access:SOURCE ID`."""
    first: int
    last: int
    size: int
    received_from: datetime | None
    received_to: datetime | None
    detail: str

    @property
    def id(self) -> UUID:
        """The identity: the same fault found again, grown at its end or not, is the same one."""
        return uuid5(_NAMESPACE, f"{self.reason} {self.place} {self.first}")

    @property
    def remedy(self) -> str:
        """What to do."""
        return REMEDIES[self.reason]

"""The answer of a reconciliation: what is complete, what is still under way, and what is wrong."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from earwitness.reconciliation.accounts import Edges, Window
from earwitness.reconciliation.faults import Fault


class Interval(NamedTuple):
    """Offsets of a partition of which every one is accounted for."""

    first: int
    last: int
    received_from: datetime | None
    received_to: datetime | None


class PartitionReport(NamedTuple):
    """One partition: what is complete in the window, and how much is not stored yet."""

    edges: Edges
    complete: Sequence[Interval]
    row_count: int
    dead_letter_and_copy_count: int
    unstored_count: int


class ProducersReport(NamedTuple):
    """The producers that number their events. `in_flight_count` numbers may still arrive."""

    producer_count: int
    number_count: int
    missing_count: int
    in_flight_count: int


class Report(NamedTuple):
    """One reconciliation. `unexamined` names what was too much to look at."""

    at: datetime
    window: Window
    partitions: Sequence[PartitionReport]
    producers: ProducersReport
    faults: Sequence[Fault]
    unexamined: Sequence[str]

    @property
    def complete(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and not self.unexamined

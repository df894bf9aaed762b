"""The demo from end to end: a day goes through the real stack and comes back judged."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from models.evidence import EvidenceRecord

from .compare import StoredVerdict, Surprise, surprises
from .day import Day
from .labels import LabelledAccess
from .progress import Progress, Report
from .trail import stored_verdicts, wait_until_registered, wait_until_stored


class Pipeline(Protocol):
    """The running stack, as a register, a service and a reader each reach it."""

    def register(self, evidence: Sequence[EvidenceRecord], report: Report) -> None:
        """Publish evidence and return once all of it is acknowledged. Raises `BrokerUnavailable`."""

    def record(self, accesses: Sequence[LabelledAccess], report: Report) -> None:
        """Publish accesses through the SDK, as services do. Raises `BrokerUnavailable`."""

    def ask(self, query: str, limit: int) -> Sequence[Sequence[Any]]:
        """Run one SELECT as a reader of the views, and give at most `limit` rows."""


class Outcome(NamedTuple):
    """What became of a day."""

    rows: Sequence[StoredVerdict]
    """All that the trail holds of it."""
    surprises: Sequence[Surprise]
    """Where that is not what the labels say."""


def run_day(day: Day, pipeline: Pipeline, progress: Progress) -> Outcome:
    """Send the day through the pipeline and compare what comes out with its labels."""
    with progress.step(f"Publish {len(day.evidence):,} evidence records to Kafka") as report:
        pipeline.register(day.evidence, report)
    with progress.step(f"Publish {len(day.accesses):,} accesses to Kafka through the SDK") as report:
        pipeline.record(day.accesses, report)
    with progress.step("Wait until every access is judged and stored in ClickHouse") as report:
        wait_until_registered(pipeline.ask, day.tag, len(day.evidence), report)
        wait_until_stored(pipeline.ask, day.tag, len(day.accesses), report)
    with progress.step("Compare every verdict, reason and clause with its label"):
        rows = stored_verdicts(pipeline.ask, day.tag)
        return Outcome(rows, surprises(day.accesses, rows))

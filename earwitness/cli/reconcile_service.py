"""Reconciliation as a service: again and again, with its health and its metrics."""

import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from datetime import time as time_of_day
from typing import Final, get_args

import structlog

from earwitness.health.readiness import Readiness
from earwitness.metrics import (
    FAULT_SIZE,
    FAULTS,
    NUMBERS_IN_FLIGHT,
    READY,
    RECONCILE_METRICS,
    RECONCILE_SECONDS,
    RECONCILED_AT,
    STORED_UNTIL_AGE,
    UNSTORED,
    Meters,
)
from earwitness.reconciliation.faults import FaultReason
from earwitness.reconciliation.report import PartitionReport, Report
from models.errors import PipelineError
from streams.reconciler import Reconciler

log = structlog.get_logger(__name__)

MISSED_RUNS: Final = 3
"""Runs that may be late before the service is not ready."""

RETRIED_AFTER_S: Final = 5.0
"""How soon a run that could not ask is made again: until then the service is not ready."""


class ReconcileWatch:
    """What is known of the runs so far. `clock` gives monotonic seconds."""

    def __init__(self, every_s: float, clock: Callable[[], float]) -> None:
        self.readiness = Readiness((), clock)
        self.readiness.also(self._wrong)
        self._meters = Meters(RECONCILE_METRICS)
        self._every_s = every_s
        self._clock = clock
        self._done_at: float | None = None
        self._failure: str | None = None

    def done(self, report: Report, took_s: float) -> None:
        """A run has its answer, whatever it says."""
        self._done_at, self._failure = self._clock(), None
        self._meters.set(RECONCILED_AT, report.at.timestamp())
        self._meters.set(RECONCILE_SECONDS, took_s)
        self._meters.set(NUMBERS_IN_FLIGHT, report.producers.in_flight_count)
        for reason in get_args(FaultReason):
            sizes = [fault.size for fault in report.faults if fault.reason == reason]
            self._meters.set(FAULTS, len(sizes), reason)
            self._meters.set(FAULT_SIZE, sum(sizes), reason)
        for partition in report.partitions:
            number = str(partition.edges.partition)
            self._meters.set(UNSTORED, partition.unstored_count, number)
            self._meters.set(STORED_UNTIL_AGE, unstored_since_s(partition, report), number)

    def failed(self, why: str) -> None:
        """A run could not ask."""
        self._failure = why

    def expose(self) -> bytes:
        """Write the metrics."""
        self._meters.set(READY, float(self.readiness.readiness().ok))
        return self._meters.expose()

    def _wrong(self) -> list[str]:
        if self._failure is not None:
            return [f"the last run could not ask: {self._failure}"]
        if self._done_at is None:
            return ["nothing was reconciled yet"]
        late_s = self._clock() - self._done_at
        if late_s > MISSED_RUNS * self._every_s:
            return [f"the last answer is {late_s:.0f} s old"]
        return []


def unstored_since_s(partition: PartitionReport, report: Report) -> float:
    """Say how long ago the newest event was received that is stored, where others wait; else 0.

    Where nothing of the window is stored it is as long as the window, at least.
    """
    if not partition.unstored_count:
        return 0.0
    received = [interval.received_to for interval in partition.complete if interval.received_to is not None]
    begin = datetime.combine(report.window.first, time_of_day.min, tzinfo=UTC)
    return (report.at - max(received, default=begin)).total_seconds()


def serve(reconciler: Reconciler, watch: ReconcileWatch, every_s: float, stopping: threading.Event) -> None:
    """Reconcile, wait, and again; what cannot be asked now is asked again soon."""
    while not stopping.is_set():
        began_at = time.monotonic()
        wait_s = every_s
        try:
            report = reconciler.run()
        except PipelineError as error:
            wait_s = min(every_s, RETRIED_AFTER_S)
            log.warning("reconcile_failed", error=str(error), retry_after_s=wait_s)
            watch.failed(str(error))
        else:
            watch.done(report, time.monotonic() - began_at)
        stopping.wait(max(0.0, wait_s - (time.monotonic() - began_at)))


def stop_on_signals() -> threading.Event:
    """Give an event that SIGTERM and SIGINT set."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping

import threading
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from earwitness.cli.reconcile_service import (
    MISSED_RUNS,
    RETRIED_AFTER_S,
    ReconcileWatch,
    serve,
    unstored_since_s,
)
from earwitness.reconciliation.accounts import Edges, Window
from earwitness.reconciliation.faults import Fault
from earwitness.reconciliation.report import Interval, PartitionReport, ProducersReport, Report
from models.errors import BrokerUnavailable
from models.publisher import Publisher
from streams.reconciler import Reconciler
from tests.health.clock import Clock

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
EVERY_S = 300.0


def a_partition(*, unstored: int = 0, received_to: datetime | None = NOW) -> PartitionReport:
    complete = [Interval(0, 99, NOW - timedelta(hours=1), received_to)]
    return PartitionReport(Edges(3, 0, 100 + unstored, 100, None), complete, 100, 0, unstored)


def a_report(*faults: Fault, unstored: int = 0) -> Report:
    producers = ProducersReport(2, 100, 0, in_flight_count=4)
    return Report(NOW, Window(), [a_partition(unstored=unstored)], producers, faults, [])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> ReconcileWatch:
    return ReconcileWatch(EVERY_S, clock)


def test_a_service_that_has_reconciled_nothing_yet_is_not_ready(watch: ReconcileWatch) -> None:
    """No proof is given by a process that has only begun."""
    assert watch.readiness.readiness() == (False, ["nothing was reconciled yet"])


def test_a_service_that_found_something_wrong_is_ready(watch: ReconcileWatch) -> None:
    """It did what it is for; what it found is a finding, not a fault of its own."""
    watch.done(a_report(Fault("rows_missing", "access.events.v1/3", 7, 8, 2, None, None, "")), 1.5)
    assert watch.readiness.readiness().ok
    text = watch.expose().decode()
    assert 'earwitness_trail_faults{reason="rows_missing"} 1.0' in text
    assert 'earwitness_trail_fault_events{reason="rows_missing"} 2.0' in text
    assert 'earwitness_trail_faults{reason="sequence_missing"} 0.0' in text
    assert "earwitness_producer_numbers_in_flight 4.0" in text
    assert "earwitness_reconcile_seconds 1.5" in text


def test_a_service_that_could_not_ask_says_whom(watch: ReconcileWatch) -> None:
    """Until it could."""
    watch.done(a_report(), 1.0)
    watch.failed("ClickHouse 127.0.0.1:9000 did not answer")
    assert watch.readiness.readiness() == (
        False,
        ["the last run could not ask: ClickHouse 127.0.0.1:9000 did not answer"],
    )
    watch.done(a_report(), 1.0)
    assert watch.readiness.readiness().ok


def test_an_answer_that_is_old_proves_nothing(watch: ReconcileWatch, clock: Clock) -> None:
    """A run that hangs fails never."""
    watch.done(a_report(), 1.0)
    clock.pass_(MISSED_RUNS * EVERY_S)
    assert watch.readiness.readiness().ok
    clock.pass_(1)
    assert not watch.readiness.readiness().ok


class Waits(threading.Event):
    """Passes time at once, and ends a service when it has waited twice."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        if len(self.seconds) == 2:
            self.set()
        return self.is_set()


def nobody_to_tell() -> Publisher:
    raise AssertionError("there was nothing to publish")


class Nobody:
    """Remembers nothing that was told."""

    def known(self, _: Collection[UUID]) -> Collection[UUID]:
        return ()

    def write(self, _: Sequence[Fault]) -> None:
        """Do nothing."""


def test_a_service_that_could_not_ask_asks_again_soon(watch: ReconcileWatch) -> None:
    """An outage of a moment must not leave it unready until its next turn."""
    answers: list[Report | None] = [None, a_report()]

    def ask() -> Report:
        answer = answers.pop(0)
        if answer is None:
            raise BrokerUnavailable("away")
        return answer

    waits = Waits()
    serve(Reconciler(ask, nobody_to_tell, Nobody(), lambda: NOW), watch, EVERY_S, waits)
    assert RETRIED_AFTER_S - 1 < waits.seconds[0] <= RETRIED_AFTER_S
    assert waits.seconds[1] > EVERY_S - 1
    assert watch.readiness.readiness().ok


def test_how_long_nothing_was_stored_counts_where_something_waits() -> None:
    """A partition without traffic is not late."""
    quiet = NOW - timedelta(hours=1)
    assert unstored_since_s(a_partition(received_to=quiet), a_report()) == 0
    assert unstored_since_s(a_partition(unstored=5, received_to=quiet), a_report()) == 3_600


def test_an_outage_that_is_longer_than_the_window_goes_on_being_one() -> None:
    """Nothing in the window is stored any more, and the alert must not fall silent by it."""
    two_days = a_report()._replace(window=Window(NOW.date() - timedelta(days=1)))
    assert unstored_since_s(a_partition(unstored=5, received_to=None), two_days) == 36 * 3_600

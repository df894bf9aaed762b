"""Reconciliation that goes on: each fault that is new is published once, as a finding."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from earwitness.reconciliation.faults import Fault
from earwitness.reconciliation.report import Report
from models.publisher import Publisher
from streams.findings import fault_finding, finding_message

log = structlog.get_logger(__name__)


class Told(Protocol):
    """What was published before. Raises `SinkUnavailable` or `SinkRejected`."""

    def known(self, ids: Collection[UUID]) -> Collection[UUID]:
        """Give those of `ids` that were published."""

    def write(self, faults: Sequence[Fault]) -> None:
        """Remember what was published."""


class Reconciler:
    """Reconciles and publishes what is new, which is rare: it connects to publish when there is something.

    A fault is remembered once Kafka has its finding: a crash in between publishes it a second time, under
    the same identity.
    """

    def __init__(
        self,
        ask: Callable[[], Report],
        connect: Callable[[], Publisher],
        told: Told,
        now: Callable[[], datetime],
    ) -> None:
        self._ask = ask
        self._connect = connect
        self._told = told
        self._now = now

    def run(self) -> Report:
        """Reconcile once. Raises `BrokerUnavailable`, `SinkUnavailable`, `SinkRejected`, `QueryRejected`."""
        report = self._ask()
        known = frozenset(self._told.known([fault.id for fault in report.faults]))
        new = list({fault.id: fault for fault in report.faults if fault.id not in known}.values())
        if new:
            self._publish(new)
            self._told.write(new)
        for fault in new:
            log.error(
                "trail_inconsistent",
                id=str(fault.id),
                reason=fault.reason,
                place=fault.place,
                first=fault.first,
                last=fault.last,
                size=fault.size,
                remedy=fault.remedy,
            )
        return report

    def _publish(self, faults: Sequence[Fault]) -> None:
        found_at = self._now()
        publisher = self._connect()
        try:
            publisher.publish([finding_message(fault_finding(fault, found_at)) for fault in faults])
        finally:
            publisher.close()

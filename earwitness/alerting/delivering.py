"""Telling people: a thread and a queue for each channel, and evidence of every try."""

import queue
import random
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Final

import structlog

from earwitness.alerting.notices import TOLD_WITHIN, Pending
from earwitness.metrics import DELIVERIES, Meters
from models.alerts import Delivery, DeliveryStatus, Notice
from models.errors import ChannelRejected, ChannelUnavailable, SinkUnavailable
from sinks.channels.configured import Configured
from sinks.clickhouse.alerts import AlertLog

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 1_000
"""Notices that wait for one channel in memory; the store has the rest, and they are asked for again."""

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 300.0
LONGEST_ASKED_FOR_S: Final = 3_600.0
"""How long a channel's own wish to be left alone is granted."""

STOPPED_WITHIN_S: Final = 12.0


class Deliverer:
    """Tells what is pending over every channel that hears of it; a channel that is away holds up no other.

    `offer` may be called with the same notice again and again: one that waits already is not taken twice. A
    notice counts as told only once that is stored, so that it is told at least once, and a receiver knows a
    repeat by its id.
    """

    def __init__(
        self,
        channels: Sequence[Configured],
        alert_log: AlertLog,
        meters: Meters,
        clock: Callable[[], datetime],
    ) -> None:
        self._lanes = [_Lane(each, alert_log, meters, clock) for each in channels]

    @property
    def names(self) -> list[str]:
        """Name the channels."""
        return [lane.name for lane in self._lanes]

    def offer(self, notices: Sequence[Pending]) -> None:
        """Have these told, by whichever channels hear of them and have not told them."""
        for lane in self._lanes:
            for each in notices:
                lane.offer(each)

    def start(self) -> None:
        """Begin."""
        for lane in self._lanes:
            lane.thread.start()

    def stop(self) -> None:
        """End after the tries under way; what waits is asked for again by the next process."""
        for lane in self._lanes:
            lane.stopping.set()
        for lane in self._lanes:
            lane.thread.join(STOPPED_WITHIN_S)


class _Lane:
    """One channel, its queue, and how it has been lately."""

    def __init__(
        self, configured: Configured, alert_log: AlertLog, meters: Meters, clock: Callable[[], datetime]
    ) -> None:
        self.name = configured.described.name
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"channel-{self.name}", daemon=True)
        self._described = configured.described
        self._channel = configured.channel
        self._log = alert_log
        self._meters = meters
        self._clock = clock
        self._waiting: queue.Queue[tuple[Notice, int]] = queue.Queue(MOST_WAITING)
        self._held: set[str] = set()
        self._lock = threading.Lock()

    def offer(self, pending: Pending) -> None:
        notice = pending.notice
        if self.name in pending.done or not self._described.hears(notice, pending.channels):
            return
        with self._lock:
            if notice.id in self._held or self._waiting.full():
                return
            self._held.add(notice.id)
        self._waiting.put((notice, pending.attempts.get(self.name, 0)))

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                notice, attempts = self._waiting.get(timeout=0.2)
            except queue.Empty:
                continue
            self._tell(notice, attempts)
            with self._lock:
                self._held.discard(notice.id)

    def _tell(self, notice: Notice, attempts: int) -> None:
        """Try until it is taken, will never be, or is too old; or until stopped."""
        while not self.stopping.is_set():
            attempts += 1
            status, pause_s = self._try(notice, attempts)
            if status != "failed":
                return
            self.stopping.wait(pause_s if pause_s is not None else pause_after(attempts))

    def _try(self, notice: Notice, attempt: int) -> tuple[DeliveryStatus, float | None]:
        began_at, at = monotonic(), self._clock()
        status: DeliveryStatus = "delivered"
        code, answer, pause_s = 0, "", None
        try:
            code, answer = self._channel.send(notice)
        except ChannelRejected as error:
            status, code, answer = "given_up", error.code, error.answer or str(error)
            log.error("notice_given_up", channel=self.name, alert=str(notice.alert_id), why=str(error))  # noqa: TRY400 - expected
        except ChannelUnavailable as error:
            status = "given_up" if at - notice.at > TOLD_WITHIN else "failed"
            code, answer = error.code, error.answer or str(error)
            pause_s = None if error.retry_after_s is None else min(error.retry_after_s, LONGEST_ASKED_FOR_S)
            log.warning(
                "notice_not_told",
                channel=self.name,
                alert=str(notice.alert_id),
                attempt=attempt,
                why=str(error),
            )
        took_ms = round((monotonic() - began_at) * 1_000)
        self._meters.add(DELIVERIES, 1, self.name, status)
        delivery = Delivery(notice.id, notice.alert_id, self.name, attempt, at, status, code, answer, took_ms)
        return self._recorded(delivery), pause_s

    def _recorded(self, delivery: Delivery) -> DeliveryStatus:
        """Keep the evidence; where that fails the notice is not known to be told, and is told again."""
        try:
            self._log.deliver([delivery])
        except SinkUnavailable as error:
            log.warning("delivery_not_recorded", channel=self.name, error=str(error))
            return "failed"
        return delivery.status


def pause_after(attempts: int) -> float:
    """Give the seconds to wait after so many tries: doubling, bounded, and spread by chance."""
    longest = min(FIRST_PAUSE_S * 2 ** min(attempts - 1, 12), LONGEST_PAUSE_S)
    return random.uniform(longest / 2, longest)  # noqa: S311 - no secret

"""Telling people: a thread and a queue for each channel, and evidence of every try."""

import threading
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, NamedTuple

import structlog

from earwitness.alerting.notices import TOLD_WITHIN, DeliveryLog, Pending
from earwitness.alerting.waiting import MOST_WAITING, Waiting, WaitingRoom
from earwitness.metrics import DELIVERIES, OLDEST_UNTOLD, Meters
from models.alerts import Delivery, DeliveryStatus
from models.errors import ChannelRejected, ChannelUnavailable, SinkUnavailable
from sinks.channels.configured import Configured

log = structlog.get_logger(__name__)

MOST_REMEMBERED: Final = 10_000
"""Notices just told whose ids are kept: a question to the store may have been answered before they were."""

LOOKS_EVERY_S: Final = 1.0
STOPPED_WITHIN_S: Final = 12.0
LONGEST_RECORD_PAUSE_S: Final = 30.0


class Deliverer:
    """Tells what is pending over every channel that hears of it; a channel that is away holds up no other.

    `offer` may be called with the same notice again and again: one that waits, or was just told, is not
    taken twice. A notice counts as told only once that is stored, so that it is told at least once, and a
    receiver knows a repeat by its id.
    """

    def __init__(
        self,
        channels: Sequence[Configured],
        delivery_log: DeliveryLog,
        meters: Meters,
        clock: Callable[[], datetime],
    ) -> None:
        self._lanes = [_Lane(each, delivery_log, meters, clock) for each in channels]
        self._unknown: set[tuple[str, tuple[str, ...]]] = set()

    @property
    def names(self) -> list[str]:
        """Name the channels."""
        return [lane.name for lane in self._lanes]

    @property
    def asks(self) -> bool:
        """Say whether any channel asks actors."""
        return any(lane.asks for lane in self._lanes)

    def offer(self, notices: Sequence[Pending]) -> None:
        """Have these told, by whichever channels hear of them and have not told them."""
        for each in notices:
            named = self._named(each)
            for lane in self._lanes:
                lane.offer(each, named)

    def start(self) -> None:
        """Begin."""
        for lane in self._lanes:
            lane.thread.start()

    def stop(self) -> None:
        """End after the tries under way; what waits is asked for again by the next process."""
        for lane in self._lanes:
            lane.stop()
        for lane in self._lanes:
            lane.thread.join(STOPPED_WITHIN_S)

    def _named(self, pending: Pending) -> tuple[str, ...]:
        """Give the channels that its rule names and that exist; none: those that take its severity hear."""
        known = tuple(name for name in pending.channels if name in self.names)
        unknown = pending.notice.rule, pending.channels
        if len(known) < len(pending.channels) and unknown not in self._unknown:
            self._unknown.add(unknown)
            log.error("channels_unknown", rule=pending.notice.rule, channels=pending.channels)
        return known


class _Outcome(NamedTuple):
    """What became of a try. `asked_for_s`: how long the channel wants to be left alone."""

    status: DeliveryStatus
    code: int
    answer: str
    refused: bool = False
    asked_for_s: float | None = None


class _Lane:
    """One channel and those who wait for it. `offer` and `stop` are called by other threads."""

    def __init__(
        self, configured: Configured, delivery_log: DeliveryLog, meters: Meters, clock: Callable[[], datetime]
    ) -> None:
        self.name = configured.described.name
        self.thread = threading.Thread(target=self._run, name=f"channel-{self.name}", daemon=True)
        self.asks = configured.described.questions
        self._described = configured.described
        self._channel = configured.channel
        self._log = delivery_log
        self._meters = meters
        self._clock = clock
        self._room = WaitingRoom(MOST_WAITING)
        self._told: dict[str, None] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()

    def offer(self, pending: Pending, named: Sequence[str]) -> None:
        notice = pending.notice
        if self.name in pending.done or not self._described.hears(notice, named):
            return
        with self._changed:
            if notice.id in self._told:
                return
            if self._room.admit(notice, pending.attempts.get(self.name, 0), monotonic()):
                self._changed.notify()

    def stop(self) -> None:
        self._stopping.set()
        with self._changed:
            self._changed.notify()

    def _run(self) -> None:
        while not self._stopping.is_set():
            waiting = self._next()
            if waiting is not None:
                self._tell(waiting)

    def _next(self) -> Waiting | None:
        with self._changed:
            self._measure()
            waiting = self._room.next_due(monotonic())
            if waiting is None and not self._stopping.is_set():
                due_in_s = self._room.due_in_s(monotonic())
                self._changed.wait(LOOKS_EVERY_S if due_in_s is None else min(due_in_s, LOOKS_EVERY_S))
            return waiting

    def _measure(self) -> None:
        oldest_at = self._room.oldest_at()
        age = timedelta(0) if oldest_at is None else max(self._clock() - oldest_at, timedelta(0))
        self._meters.set(OLDEST_UNTOLD, age.total_seconds(), self.name)

    def _tell(self, waiting: Waiting) -> None:
        """Try once, keep the evidence, and only then let it go or have it wait again."""
        waiting.attempts += 1
        notice = waiting.notice
        began_at, at = monotonic(), self._clock()
        outcome = self._try(waiting, late=at - notice.at > TOLD_WITHIN)
        took_ms = round((monotonic() - began_at) * 1_000)
        self._meters.add(DELIVERIES, 1, self.name, outcome.status)
        delivery = Delivery(
            notice.id,
            notice.alert_id,
            self.name,
            waiting.attempts,
            at,
            outcome.status,
            outcome.code,
            outcome.answer,
            took_ms,
        )
        if not self._recorded(delivery):
            return
        with self._changed:
            if outcome.status != "failed":
                self._room.settled(waiting, monotonic(), taken=outcome.status == "delivered")
                self._remember(notice.id)
            elif outcome.refused:
                self._room.refused(waiting, monotonic())
            else:
                self._room.put_off(waiting, monotonic(), outcome.asked_for_s)

    def _try(self, waiting: Waiting, *, late: bool) -> _Outcome:
        again: DeliveryStatus = "given_up" if late else "failed"
        try:
            receipt = self._channel.send(waiting.notice)
        except ChannelUnavailable as error:
            outcome = _Outcome(again, error.code, error.answer or str(error), asked_for_s=error.retry_after_s)
        except ChannelRejected as error:
            # Without a code nobody was asked: it cannot be told over this channel at all.
            status = again if error.code else "given_up"
            outcome = _Outcome(status, error.code, error.answer or str(error), refused=True)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the thread, and with it the channel
            # Its text may hold anything, a secret as well; its place does not.
            place = traceback.extract_tb(error.__traceback__)[-1]
            outcome = _Outcome(again, 0, f"{type(error).__name__} at {place.name}:{place.lineno}")
        else:
            return _Outcome("delivered", receipt.code, receipt.answer)
        self._say(waiting, outcome)
        return outcome

    def _say(self, waiting: Waiting, outcome: _Outcome) -> None:
        loud = outcome.refused or outcome.status == "given_up"
        (log.error if loud else log.warning)(
            "notice_given_up" if outcome.status == "given_up" else "notice_not_told",
            channel=self.name,
            alert=str(waiting.notice.alert_id),
            notice=waiting.notice.id,
            attempt=waiting.attempts,
            code=outcome.code,
            answer=outcome.answer,
        )

    def _recorded(self, delivery: Delivery) -> bool:
        """Keep the evidence, however long the store is away. False where that ended with the process.

        Whoever was told is not told again every few minutes because the store is away; a process that is
        killed meanwhile leaves no row, and the next one tells it again.
        """
        while not self._stopping.is_set():
            try:
                self._log.deliver([delivery])
            except SinkUnavailable as error:
                log.warning("delivery_not_recorded", channel=self.name, error=str(error))
                self._stopping.wait(min(error.retry_after_s, LONGEST_RECORD_PAUSE_S))
            else:
                return True
        return False

    def _remember(self, notice_id: str) -> None:
        self._told[notice_id] = None
        if len(self._told) > MOST_REMEMBERED:
            del self._told[next(iter(self._told))]

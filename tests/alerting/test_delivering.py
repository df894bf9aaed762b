"""Threads that tell people, against real receivers on loopback; only the store is in memory."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from earwitness.alerting.delivering import Deliverer
from earwitness.alerting.notices import TOLD_WITHIN, Pending
from earwitness.metrics import ALERTER_METRICS, Meters
from models.alerts import Delivery, Notice
from models.errors import SinkUnavailable
from sinks.channels.base import Channel, Receipt
from sinks.channels.configured import Configured, DescribedWebhook, Secret
from sinks.channels.http import target
from sinks.channels.webhook import WebhookChannel, read_key
from tests.channels.receivers import Receiver, receiving
from tests.channels.test_channels import SECRET, a_notice

WITHIN_S = 10.0


class DeliveryRows:
    """The store's table of deliveries; `away` while it takes none."""

    def __init__(self) -> None:
        self.rows: list[Delivery] = []
        self.away = False
        self.refused = 0

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        if self.away:
            self.refused += 1
            raise SinkUnavailable("the store is away", 0.05)
        self.rows += deliveries

    def of(self, channel: str, status: str = "delivered") -> list[Delivery]:
        return [row for row in list(self.rows) if (row.channel, row.status) == (channel, status)]


class Broken:
    """A channel with a fault of ours in it."""

    name = "broken"

    def __init__(self) -> None:
        self.tries = 0

    def send(self, notice: Notice) -> Receipt:
        self.tries += 1
        raise KeyError(SECRET)


def described(name: str, **changes: Any) -> DescribedWebhook:
    fields = {"kind": "webhook", "url": "http://127.0.0.1", "secrets": [Secret(env="X")], **changes}
    return DescribedWebhook.model_validate({"name": name, **fields})


def a_webhook(name: str, receiver: Receiver, longest_s: float = 1.0, **changes: Any) -> Configured:
    to = target(f"{receiver.url}/{name}", longest_s=longest_s)
    return Configured(
        described(name, **changes), WebhookChannel(name, to, [read_key(SECRET)], lambda: datetime.now(UTC))
    )


def waiting(number: int = 1, *, channels: tuple[str, ...] = (), **changes: Any) -> Pending:
    notice = a_notice(**{"alert_id": UUID(int=number), "at": datetime.now(UTC), **changes})
    return Pending(notice, channels, frozenset(), {})


@contextmanager
def delivering(
    rows: DeliveryRows, *channels: Configured, meters: Meters | None = None
) -> Iterator[Deliverer]:
    deliverer = Deliverer(channels, rows, meters or Meters(ALERTER_METRICS), lambda: datetime.now(UTC))
    deliverer.start()
    try:
        yield deliverer
    finally:
        deliverer.stop()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def other() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def ids_at(receiver: Receiver) -> list[str]:
    return [request.headers["webhook-id"] for request in list(receiver.requests)]


@pytest.mark.parametrize("behaviour", ["hangs", "drips", "closes", 500, 302])
def test_a_receiver_that_misbehaves_holds_up_no_other_and_hears_of_all_in_the_end(
    receiver: Receiver, other: Receiver, behaviour: int | str
) -> None:
    """Twenty alerts: the sound channel has them at once; the other when it behaves, each of them."""
    receiver.behaviour = behaviour
    rows, pending = DeliveryRows(), [waiting(number) for number in range(20)]
    with delivering(rows, a_webhook("bad", receiver, 0.5), a_webhook("good", other)) as deliverer:
        began_at = time.monotonic()
        deliverer.offer(pending)
        wait_until(lambda: len(rows.of("good")) == 20)
        assert time.monotonic() - began_at < 3
        wait_until(lambda: len(rows.of("bad", "failed")) >= 1)
        assert rows.of("bad") == rows.of("bad", "given_up") == []
    receiver.behaviour = 200
    with delivering(rows, a_webhook("bad", receiver)) as restarted:
        restarted.offer(pending)
        wait_until(lambda: len(rows.of("bad")) == 20)
    assert {row.notice_id for row in rows.of("bad")} == {each.notice.id for each in pending}


def test_one_whose_receiver_refuses_it_holds_up_no_other_on_its_channel(receiver: Receiver) -> None:
    """A question to somebody whose mailbox is full must not keep the analysts from their alerts."""
    poison, rows = waiting(1), DeliveryRows()
    answer = receiver.answer

    def choosy(handler: Any) -> None:
        receiver.behaviour = 500 if handler.headers["webhook-id"] == poison.notice.id else 200
        answer(handler)

    receiver.answer = choosy  # type: ignore[method-assign]
    with delivering(rows, a_webhook("soc", receiver)) as deliverer:
        deliverer.offer([poison, *(waiting(number) for number in range(2, 12))])
        wait_until(lambda: len(rows.of("soc")) == 10)
    assert {row.notice_id for row in rows.of("soc", "failed")} == {poison.notice.id}


def test_one_that_was_just_told_is_not_told_again(receiver: Receiver) -> None:
    """The store may have been asked before its row was there, and the answer come in after."""
    rows, pending = DeliveryRows(), waiting()
    with delivering(rows, a_webhook("soc", receiver)) as deliverer:
        for _ in range(3):
            deliverer.offer([pending])
        wait_until(lambda: len(rows.of("soc")) == 1)
        deliverer.offer([pending])
        deliverer.offer([last := waiting(2)])
        wait_until(lambda: len(rows.of("soc")) == 2)
    assert ids_at(receiver) == [pending.notice.id, last.notice.id]


def test_while_the_store_is_away_nobody_is_told_again_and_again(receiver: Receiver) -> None:
    """The row is written once the store is back; ten mails of one alert would be ten too many."""
    rows = DeliveryRows()
    rows.away = True
    with delivering(rows, a_webhook("soc", receiver)) as deliverer:
        deliverer.offer([waiting()])
        wait_until(lambda: rows.refused >= 5)
        rows.away = False
        wait_until(lambda: len(rows.of("soc")) == 1)
    assert len(receiver.requests) == 1


def test_who_was_told_without_a_record_is_told_again_by_the_next_process_under_the_same_id(
    receiver: Receiver,
) -> None:
    """At least once: a process that ends between the two has told somebody nobody knows of."""
    rows, pending = DeliveryRows(), waiting()
    rows.away = True
    with delivering(rows, a_webhook("soc", receiver)) as deliverer:
        deliverer.offer([pending])
        wait_until(lambda: rows.refused >= 1)
    assert rows.rows == []
    rows.away = False
    with delivering(rows, a_webhook("soc", receiver)) as restarted:
        restarted.offer([pending])
        wait_until(lambda: len(rows.of("soc")) == 1)
    assert ids_at(receiver) == [pending.notice.id] * 2


def test_a_fault_of_ours_ends_neither_the_thread_nor_the_notice_and_shows_no_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else one bad line of code is a channel that is silent for ever."""
    rows, channel = DeliveryRows(), Broken()
    kept: Channel = channel
    with delivering(rows, Configured(described("broken"), kept)) as deliverer:
        deliverer.offer([waiting()])
        wait_until(lambda: channel.tries >= 2)
        wait_until(lambda: len(rows.of("broken", "failed")) >= 2)
    captured = capsys.readouterr()
    shown = captured.out + captured.err + repr(rows.rows)
    assert "KeyError at send" in shown
    assert SECRET not in shown


def test_tries_go_on_counting_after_a_restart(receiver: Receiver) -> None:
    """The evidence tells how often somebody was tried, not how often since the last restart."""
    rows = DeliveryRows()
    pending = waiting()._replace(attempts={"soc": 7})
    with delivering(rows, a_webhook("soc", receiver)) as deliverer:
        deliverer.offer([pending])
        wait_until(lambda: len(rows.of("soc")) == 1)
    assert rows.of("soc")[0].attempt == 8


def test_after_three_days_it_is_given_up_loudly(
    receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a last try, a line in the log, a metric and a row."""
    receiver.behaviour = 500
    rows, meters = DeliveryRows(), Meters(ALERTER_METRICS)
    old = waiting(at=datetime.now(UTC) - TOLD_WITHIN - timedelta(minutes=1))
    with delivering(rows, a_webhook("soc", receiver), meters=meters) as deliverer:
        deliverer.offer([old])
        wait_until(lambda: len(rows.of("soc", "given_up")) == 1)
    assert len(receiver.requests) == 1
    captured = capsys.readouterr()
    assert "notice_given_up" in captured.out + captured.err
    assert b'earwitness_alert_deliveries_total{channel="soc",status="given_up"} 1.0' in meters.expose()


def test_the_age_of_the_oldest_that_waits_is_told(receiver: Receiver) -> None:
    """An operator is warned by it long before anything is given up."""
    receiver.behaviour = 500
    rows, meters = DeliveryRows(), Meters(ALERTER_METRICS)

    def oldest() -> float:
        name = b'earwitness_alert_oldest_untold_seconds{channel="soc"} '
        return float(
            next(line for line in meters.expose().splitlines() if line.startswith(name))[len(name) :]
        )

    with delivering(rows, a_webhook("soc", receiver), meters=meters) as deliverer:
        deliverer.offer([waiting(at=datetime.now(UTC) - timedelta(hours=1))])
        wait_until(lambda: len(rows.of("soc", "failed")) >= 1)
        wait_until(lambda: oldest() >= 3_600)
        receiver.behaviour = 200
        wait_until(lambda: len(rows.of("soc")) == 1)
        wait_until(lambda: oldest() == 0)


def test_a_rule_whose_channels_do_not_exist_is_told_to_those_that_take_its_severity(
    receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that was mistyped must not be an alert that nobody hears of."""
    rows = DeliveryRows()
    with delivering(rows, a_webhook("soc", receiver)) as deliverer:
        deliverer.offer([waiting(1, channels=("sco",)), waiting(2, channels=("sco",))])
        wait_until(lambda: len(rows.of("soc")) == 2)
    captured = capsys.readouterr()
    assert (captured.out + captured.err).count("channels_unknown") == 1


def test_ten_thousand_that_wait_are_a_thousand_in_memory_and_one_thread(receiver: Receiver) -> None:
    """The store has the rest, and they are offered again."""
    receiver.behaviour = "hangs"
    threads = threading.active_count()
    rows = DeliveryRows()
    with delivering(rows, a_webhook("soc", receiver, 0.3)) as deliverer:
        deliverer.offer([waiting(number) for number in range(10_000)])
        (lane,) = deliverer._lanes
        assert len(lane._room) == 1_000
        assert threading.active_count() <= threads + 3

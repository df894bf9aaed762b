from collections.abc import Callable
from concurrent.futures import Future

import pytest
from earwitness_sdk import FlushReport, NotRecorded

from earwitness.demo import embedded
from models.errors import BrokerUnavailable


class FakePublisher:
    """Acknowledges what it is handed, as `answer` says."""

    def __init__(self, answer: Callable[[str, "Future[None]"], None]) -> None:
        self.answer = answer
        self.taken: list[str] = []
        self.closed = False

    def submit(self, thing: str) -> "Future[None]":
        """Take one thing."""
        self.taken.append(thing)
        future: Future[None] = Future()
        self.answer(thing, future)
        return future

    def close(self, timeout_s: float) -> FlushReport:
        """Let go."""
        self.closed = timeout_s > 0
        return FlushReport(0, 0, 0)


def _acknowledge(_: str, future: "Future[None]") -> None:
    future.set_result(None)


def test_all_is_handed_over_in_order_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer's sequence numbers follow each other."""
    monkeypatch.setattr(embedded, "CHUNK", 3)
    publisher, told = FakePublisher(_acknowledge), list[str]()
    embedded._publish("abcdefgh", publisher.submit, publisher, told.append)
    assert "".join(publisher.taken) == "abcdefgh"
    assert told == ["0 of 8", "3 of 8", "6 of 8"]
    assert publisher.closed


def test_what_kafka_does_not_take_ends_the_demo_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads which address, how long it was tried and what to check; nothing further is sent."""
    monkeypatch.setattr(embedded, "CHUNK", 2)

    def refuse_c(thing: str, future: "Future[None]") -> None:
        if thing == "c":
            future.set_exception(NotRecorded("Kafka 127.0.0.1:9 did not acknowledge"))
        else:
            future.set_result(None)

    publisher = FakePublisher(refuse_c)
    with pytest.raises(BrokerUnavailable, match=r"Kafka 127\.0\.0\.1:9 did not acknowledge"):
        embedded._publish("abcdef", publisher.submit, publisher, lambda _: None)
    assert publisher.taken == ["a", "b", "c", "d"]
    assert publisher.closed


def test_a_silent_kafka_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hang is a failure."""
    monkeypatch.setattr(embedded, "ACKNOWLEDGED_WITHIN_S", 0.01)
    publisher = FakePublisher(lambda _thing, _future: None)
    with pytest.raises(BrokerUnavailable, match="Kafka acknowledged nothing within"):
        embedded._publish("a", publisher.submit, publisher, lambda _: None)
    assert publisher.closed

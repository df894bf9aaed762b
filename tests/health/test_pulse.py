import threading

from earwitness.health.pulse import Pulse
from earwitness.health.readiness import CLICKHOUSE, Readiness
from models.errors import SinkUnavailable
from tests.health.clock import Clock

HANGS_S = 30.0


def test_whatever_comes_of_a_question_the_next_one_is_asked() -> None:
    """A connection that is closed under a question can fail in any way; the thread must not die of it."""
    outcomes: list[Exception | None] = [SinkUnavailable("refused"), AttributeError("no connection"), None]
    answered, readiness = threading.Event(), Readiness((CLICKHOUSE,), Clock())
    told: list[object] = []

    def ask() -> None:
        told.append(readiness.readiness().reasons[0])
        outcome = outcomes.pop(0) if outcomes else None
        if outcome is not None:
            raise outcome
        answered.set()

    with Pulse(CLICKHOUSE, ask, readiness):
        assert answered.wait(HANGS_S)
    assert told[1:3] == [f"{CLICKHOUSE}: refused", f"{CLICKHOUSE}: no connection"]
    assert readiness.readiness().ok

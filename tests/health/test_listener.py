from collections.abc import Iterator

import httpx
import pytest

from earwitness.health.listener import HealthListener
from earwitness.health.readiness import CLICKHOUSE, EVENT_LOOP, Readiness
from models.errors import ConfigurationError
from tests.health.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def readiness(clock: Clock) -> Readiness:
    made = Readiness((EVENT_LOOP, CLICKHOUSE), clock)
    made.answered(EVENT_LOOP)
    made.answered(CLICKHOUSE)
    return made


@pytest.fixture
def url(readiness: Readiness) -> Iterator[str]:
    with HealthListener("127.0.0.1", 0, readiness, lambda: b"earwitness_ready 1.0\n") as listener:
        yield f"http://{listener.address}"


def ask(url: str) -> httpx.Response:
    return httpx.get(url, timeout=10, trust_env=False)


def test_an_answer_is_one_line_that_says_why(url: str, readiness: Readiness) -> None:
    """It is read by people in a hurry, and by `jq`."""
    readiness.refused(CLICKHOUSE, "not\nenough space")
    answer = ask(f"{url}/readyz")
    assert (answer.status_code, answer.json()) == (
        503,
        {"ready": False, "why": ["clickhouse: not\nenough space"]},
    )
    assert answer.text.count("\n") == 1


def test_a_process_that_stands_still_answers_all_the_same(url: str, clock: Clock) -> None:
    """The listener has a thread of its own: that is what it is for."""
    clock.pass_(60)
    assert ask(f"{url}/readyz").status_code == 503
    assert ask(f"{url}/livez").json() == {
        "alive": False,
        "why": ["the event loop has stood still for 60.0 s"],
    }


def test_metrics_are_served_beside(url: str) -> None:
    """One port for both."""
    answer = ask(f"{url}/metrics")
    assert (answer.status_code, answer.text) == (200, "earwitness_ready 1.0\n")
    assert answer.headers["content-type"].startswith("text/plain; version=")


@pytest.mark.parametrize("path", ["/", "/readyz/", "/readyz?x=1", "/../etc/passwd"])
def test_nothing_else_is_served(url: str, path: str) -> None:
    """Three paths, exactly."""
    assert ask(f"{url}{path}").status_code == 404


def test_a_port_that_is_taken_is_a_setting_to_change(url: str, readiness: Readiness) -> None:
    """Answering on another one unasked would be health that nobody finds."""
    port = int(url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match="EARWITNESS_HEALTH__PORT"):
        HealthListener("127.0.0.1", port, readiness, lambda: b"")

import pytest

from earwitness.health.readiness import (
    ALIVE_WITHIN_S,
    CLICKHOUSE,
    EVENT_LOOP,
    KAFKA,
    UNDER_WAY_S,
    WAIT_REMEMBERED_S,
    Readiness,
)
from tests.health.clock import Clock

PARTS = (EVENT_LOOP, KAFKA, CLICKHOUSE)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def readiness(clock: Clock) -> Readiness:
    """A process whose every part has just answered."""
    made = Readiness(PARTS, clock)
    all_answer(made)
    return made


def all_answer(readiness: Readiness) -> None:
    for part in PARTS:
        readiness.answered(part)


def test_a_process_is_ready_while_everything_it_needs_answers(readiness: Readiness) -> None:
    """And it says what it looked at."""
    assert readiness.readiness() == (True, [f"{part} answers" for part in PARTS])


def test_a_process_that_has_just_begun_is_not_ready(clock: Clock) -> None:
    """Nothing is known of anything yet; hoping is not recording."""
    health = Readiness(PARTS, clock).readiness()
    assert not health.ok
    assert f"{KAFKA} has not answered yet" in health.reasons


@pytest.mark.parametrize("part", PARTS)
def test_silence_is_seen_within_a_second(readiness: Readiness, clock: Clock, part: str) -> None:
    """A part that hangs says nothing at all, so it is the silence that counts, not an error."""
    clock.pass_(1.0)
    for other in PARTS:
        if other != part:
            readiness.answered(other)
    assert readiness.readiness() == (False, [f"{part} has not answered for 1.0 s"])


def test_a_refusal_is_seen_at_once_and_says_why(readiness: Readiness) -> None:
    """A connection that is refused needs no second to be believed."""
    readiness.refused(CLICKHOUSE, "ClickHouse 127.0.0.1:9000 did not answer: Connection refused")
    health = readiness.readiness()
    assert health == (
        False,
        ["clickhouse: ClickHouse 127.0.0.1:9000 did not answer: Connection refused"],
    )


def test_an_answer_makes_a_process_ready_again(readiness: Readiness, clock: Clock) -> None:
    """Recovery needs nobody to reset anything."""
    readiness.refused(CLICKHOUSE, "gone")
    clock.pass_(60)
    all_answer(readiness)
    assert readiness.readiness().ok


def test_a_call_that_is_repeated_is_not_being_recorded(readiness: Readiness) -> None:
    """ClickHouse answers and takes no rows: a full disk, too many parts, a table that is read-only."""
    readiness.waits("access.events.v1/3: store", "not enough space")
    assert readiness.readiness() == (False, ["access.events.v1/3: store waits: not enough space"])
    readiness.goes_on("access.events.v1/3: store")
    assert readiness.readiness().ok


def test_one_partition_that_goes_on_does_not_speak_for_another(readiness: Readiness) -> None:
    """Seven partitions that store do not make up for the one that cannot."""
    readiness.waits("access.events.v1/3: store", "refused")
    readiness.goes_on("access.events.v1/4: store")
    assert not readiness.readiness().ok


def test_a_call_that_takes_too_long_is_stuck(readiness: Readiness, clock: Clock) -> None:
    """It did not fail, and nothing is recorded all the same."""
    number = readiness.begin("access.events.v1/3: store")
    clock.pass_(UNDER_WAY_S + 1)
    all_answer(readiness)
    assert readiness.readiness() == (
        False,
        [f"access.events.v1/3: store has been under way for {UNDER_WAY_S + 1:.1f} s"],
    )
    readiness.end(number)
    assert readiness.readiness().ok


def test_work_that_holds_the_loop_is_no_silence(readiness: Readiness, clock: Clock) -> None:
    """A large range is judged for a second or more on a slow machine: the worker works, and cannot hear."""
    with readiness.computing("access.events.v1/3: judge"):
        clock.pass_(2)
        readiness.answered(CLICKHOUSE)
        assert readiness.readiness().ok
    assert readiness.readiness().ok
    clock.pass_(1)
    readiness.answered(CLICKHOUSE)
    assert readiness.readiness().reasons == [
        "event loop has not answered for 1.0 s",
        "kafka has not answered for 1.0 s",
    ]


def test_work_that_holds_the_loop_does_not_excuse_the_store(readiness: Readiness, clock: Clock) -> None:
    """It is asked by a thread of its own."""
    with readiness.computing("access.events.v1/3: judge"):
        clock.pass_(1)
        assert readiness.readiness() == (False, ["clickhouse has not answered for 1.0 s"])


def test_work_without_end_is_stuck(readiness: Readiness, clock: Clock) -> None:
    """An excuse holds for as long as any call may take."""
    with readiness.computing("access.events.v1/3: judge"):
        clock.pass_(UNDER_WAY_S + 1)
        readiness.answered(CLICKHOUSE)
        assert not readiness.readiness().ok


def test_what_waited_is_forgotten_when_partitions_move(readiness: Readiness) -> None:
    """It waits at another worker now; this one would stay red for ever."""
    readiness.waits("access.events.v1/3: store", "refused")
    readiness.begin("access.events.v1/3: store")
    readiness.forget()
    assert readiness.readiness().ok


def test_a_failure_that_came_after_its_partition_moved_is_forgotten_in_time(
    readiness: Readiness, clock: Clock
) -> None:
    """A thread of the old owner may report late; nobody makes its call again."""
    readiness.waits("access.events.v1/3: store", "refused")
    clock.pass_(WAIT_REMEMBERED_S + 1)
    all_answer(readiness)
    assert readiness.readiness().ok


def test_what_else_is_wrong_is_told_too(readiness: Readiness) -> None:
    """A worker without partitions has parts that all answer, and records nothing."""
    readiness.also(lambda: ["partitions are not assigned yet"])
    assert readiness.readiness() == (False, ["partitions are not assigned yet"])


def test_a_process_that_stops_takes_nothing_more(readiness: Readiness) -> None:
    """Whoever routes to it must stop before it is gone."""
    readiness.stop("the worker is stopping")
    assert readiness.readiness() == (False, ["the worker is stopping"])
    assert readiness.liveness().ok


def test_a_loop_that_stands_still_for_long_is_dead(readiness: Readiness, clock: Clock) -> None:
    """Only then does a restart help; an outage of ClickHouse is no reason to be killed."""
    readiness.refused(CLICKHOUSE, "gone")
    clock.pass_(ALIVE_WITHIN_S - 1)
    assert readiness.liveness().ok
    clock.pass_(2)
    assert not readiness.liveness().ok

"""Who waits for a channel, and whose turn it is: time is a number, so an hour of errors takes no time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from earwitness.alerting.waiting import (
    LONGEST_ASKED_FOR_S,
    LONGEST_PAUSE_REFUSED_S,
    LONGEST_PAUSE_S,
    WaitingRoom,
    pause,
)
from models.alerts import Notice
from tests.channels.test_channels import NOW, a_notice

HOUR_S = 3_600.0


def longest(_least: float, most: float) -> float:
    return most


def a_room(**changes: int) -> WaitingRoom:
    return WaitingRoom(chance=longest, **changes)


def of_alert(number: int, **changes: object) -> Notice:
    return a_notice(alert_id=UUID(int=number), **changes)


def play(
    room: WaitingRoom, takes: Callable[[Notice, float], bool], until_s: float, *, refusing: bool = False
) -> list[tuple[float, Notice, bool]]:
    """Try whatever is due until an instant, and give each try: when, which, and whether it was taken."""
    tries = []
    now = 0.0
    while (due_in_s := room.due_in_s(now)) is not None and now + due_in_s <= until_s:
        now += due_in_s
        waiting = room.next_due(now)
        assert waiting is not None
        waiting.attempts += 1
        taken = takes(waiting.notice, now)
        tries.append((now, waiting.notice, taken))
        if taken:
            room.settled(waiting, now, taken=True)
        elif refusing:
            room.refused(waiting, now)
        else:
            room.put_off(waiting, now, None)
    return tries


def test_an_hour_of_errors_costs_no_notice_and_few_tries() -> None:
    """Of 200 that wait each is told once the receiver is back; it was asked some 20 times, not 4,000."""
    room = a_room()
    for number in range(200):
        assert room.admit(of_alert(number), 0, 0.0)
    tries = play(room, lambda _notice, now: now >= HOUR_S, 2 * HOUR_S)
    failed = [at for at, _, taken in tries if not taken]
    told = [(at, notice) for at, notice, taken in tries if taken]
    assert len(failed) < 30
    assert len({notice.id for _, notice in told}) == len(told) == 200
    assert max(at for at, _ in told) <= HOUR_S + LONGEST_PAUSE_S
    assert len(room) == 0


def test_one_that_is_never_taken_holds_up_no_other() -> None:
    """One mailbox is full, for days; everybody else hears of their alerts."""
    room = a_room()
    poison = of_alert(0)
    room.admit(poison, 0, 0.0)
    for number in range(1, 50):
        room.admit(of_alert(number), 0, 0.0)
    tries = play(room, lambda notice, _: notice.id != poison.id, 60.0)
    assert {notice.alert_id.int for _, notice, taken in tries if taken} == set(range(1, 50))
    assert poison.id in room


def test_those_of_one_alert_are_told_in_order() -> None:
    """Who hears that it was raised after hearing that it was closed looks for nothing, or for ever."""
    room = a_room()
    raised, closed, other = of_alert(1), of_alert(1, kind="closed"), of_alert(2)
    for notice in (raised, closed, other):
        room.admit(notice, 0, 0.0)
    tries = play(room, lambda notice, now: notice.id != raised.id or now >= 30, HOUR_S)
    assert [notice.id for _, notice, taken in tries if taken] == [other.id, raised.id, closed.id]


def test_a_question_waits_for_nobody_and_nobody_for_it() -> None:
    """It goes to the actor: where they cannot be reached, the analysts hear all the same."""
    room = a_room()
    question, closed = of_alert(1, kind="question"), of_alert(1, kind="closed")
    room.admit(question, 0, 0.0)
    room.admit(closed, 0, 0.0)
    tries = play(room, lambda notice, _: notice.id != question.id, 10.0)
    assert closed.id in {notice.id for _, notice, taken in tries if taken}


def test_what_is_refused_is_tried_seldom_but_not_given_up() -> None:
    """A receiver whose URL moved answers 301 until somebody mends the file; within the hour it is told."""
    room = a_room()
    room.admit(of_alert(1), 0, 0.0)
    three_days_s = 3 * 24 * HOUR_S
    tries = play(room, lambda *_: False, three_days_s, refusing=True)
    assert 70 < len(tries) < 90
    gaps = [after[0] - before[0] for before, after in pairwise(tries)]
    assert max(gaps) == LONGEST_PAUSE_REFUSED_S


def test_a_channel_that_asks_for_rest_has_it_and_up_to_an_hour() -> None:
    """429 with Retry-After is about the channel, so nobody else of it is sent meanwhile."""
    room = a_room()
    room.admit(of_alert(1), 0, 0.0)
    room.admit(of_alert(2), 0, 0.0)
    first = room.next_due(0.0)
    assert first is not None
    room.put_off(first, 0.0, 120.0)
    assert room.next_due(119.0) is None
    second = room.next_due(120.0)
    assert second is not None
    room.put_off(second, 120.0, 1e9)
    assert room.due_in_s(120.0) == LONGEST_ASKED_FOR_S


def test_no_more_wait_than_may_and_none_twice() -> None:
    """Memory is bounded: the store has the rest."""
    room = a_room(most=2)
    first = of_alert(1)
    assert room.admit(first, 0, 0.0)
    assert not room.admit(first, 0, 0.0)
    assert room.admit(of_alert(2), 0, 0.0)
    assert not room.admit(of_alert(3), 0, 0.0)
    assert len(room) == 2


def test_the_oldest_is_known() -> None:
    """Its age is what an operator is warned by."""
    room = a_room()
    assert room.oldest_at() is None
    room.admit(of_alert(1), 0, 0.0)
    room.admit(of_alert(2, at=NOW - timedelta(hours=2)), 0, 0.0)
    assert room.oldest_at() == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@given(st.integers(min_value=0, max_value=10**9), st.floats(min_value=0, max_value=1))
def test_a_pause_is_bounded_and_never_none_at_all(attempts: int, share: float) -> None:
    """However often it was tried, in this process or in those before."""
    paused = pause(attempts, lambda least, most: least + share * (most - least))
    assert 0.5 <= paused <= LONGEST_PAUSE_S

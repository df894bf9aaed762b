import threading
import time

from earwitness_sdk.room import Room

SOON_S = 0.02
LONG_S = 5.0


def test_there_is_room_for_so_many_records_and_no_more() -> None:
    """Whoever is faster than Kafka waits, and is told when it takes too long."""
    room = Room(most_records=2, most_bytes=1_000)
    assert room.enter(1, SOON_S)
    assert room.enter(1, SOON_S)
    assert not room.enter(1, SOON_S)
    room.leave(1)
    assert room.enter(1, SOON_S)


def test_large_records_take_more_room() -> None:
    """Twenty thousand records of a megabyte would fill the memory."""
    room = Room(most_records=100, most_bytes=1_000)
    assert room.enter(600, SOON_S)
    assert not room.enter(600, SOON_S)
    assert room.enter(400, SOON_S)


def test_a_record_larger_than_the_room_goes_alone() -> None:
    """It must not wait for ever."""
    room = Room(most_records=100, most_bytes=1_000)
    assert room.enter(5_000, SOON_S)
    assert not room.enter(1, SOON_S)
    room.leave(5_000)
    assert room.enter(1, SOON_S)


def test_who_waits_is_woken_once_there_is_room() -> None:
    """At once where it empties, not at the end of the wait."""
    room = Room(most_records=1, most_bytes=1_000)
    room.enter(1, SOON_S)
    threading.Timer(SOON_S, room.leave, [1]).start()
    began = time.monotonic()
    assert room.enter(1, LONG_S)
    assert time.monotonic() - began < LONG_S / 2


def test_many_who_wait_all_get_in() -> None:
    """No wake-up is lost, however senders and acknowledgements meet."""
    room = Room(most_records=4, most_bytes=1_000)
    entered: list[bool] = []

    def pass_through() -> None:
        for _ in range(200):
            entered.append(room.enter(1, LONG_S))
            room.leave(1)

    threads = [threading.Thread(target=pass_through) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S * 2)
    assert entered == [True] * 16 * 200
    assert room.wait_until_empty(SOON_S) == 0


def test_waiting_until_it_is_empty_has_an_end() -> None:
    """And says how many are still under way."""
    room = Room(most_records=10, most_bytes=1_000)
    room.enter(1, SOON_S)
    room.enter(1, SOON_S)
    assert room.wait_until_empty(SOON_S) == 2

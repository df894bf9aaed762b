import json
from collections.abc import Mapping
from copy import copy
from typing import Any

from models.fields import made_at_ms
from sinks.base import Content, Identity, content_of
from streams import copies
from streams.copies import LATEST_AHEAD_MS, MOST_REMEMBERED, Accepted, RecentIdentities, Sorted, marks_of
from streams.judge import read_records
from streams.wire import read_access
from tests.streams.records import DAY_MS, NOON_MS, Record, a_record, an_event, event_id

INSTANTS = range(NOON_MS, NOON_MS + MOST_REMEMBERED // 7)


def accepted(number: int, *, received_ms: int = NOON_MS, offset: int = 0, **changes: Any) -> Accepted:
    value = json.dumps(an_event(number, **changes)).encode()
    event, unknown_fields = read_access(value, ())
    return Accepted(event, unknown_fields, Record(offset, value, received_ms), made_at_ms(event.id))


def identity(item: Accepted) -> Identity:
    return item.event.source, item.event.id


def sort_copies(found: list[Accepted], stored: Mapping[Identity, Content]) -> Sorted:
    return copies.sort_copies(found, marks_of(found), stored)


def suspects(filled: RecentIdentities, found: list[Accepted]) -> set[Identity]:
    return filled.suspects(found, marks_of(found))


def test_a_copy_in_the_same_batch_is_counted_and_dropped() -> None:
    """A producer that sends again after a lost answer makes no second row."""
    found = sort_copies([accepted(1), accepted(1, producer="other", sequence=7), accepted(2)], {})
    assert ([item.event.id for item in found.new], found.duplicate_count) == ([event_id(1), event_id(2)], 1)


def test_a_copy_of_a_stored_access_is_dropped() -> None:
    """Copies may be days apart; the store remembers what no filter can."""
    first = accepted(1)
    stored = {(first.event.source, first.event.id): content_of(first.event)}
    found = sort_copies([accepted(1)], stored)
    assert (found.new, found.conflicts, found.duplicate_count) == ([], [], 1)


def test_the_same_identity_with_other_content_is_a_conflict() -> None:
    """Nobody can make an access disappear by publishing its id first."""
    first = accepted(1)
    stored = {(first.event.source, first.event.id): content_of(first.event)}
    found = sort_copies([accepted(1, actor_id="e-2")], stored)
    assert (len(found.new), len(found.conflicts), found.duplicate_count) == (0, 1, 0)


def test_a_conflict_within_one_batch_keeps_the_first() -> None:
    """The order of the partition decides, so that every replay decides alike."""
    found = sort_copies([accepted(1), accepted(1, action="export")], {})
    assert ([item.event.action for item in found.new], len(found.conflicts)) == (["listen"], 1)


def test_the_same_id_from_another_source_is_another_access() -> None:
    """Identity is source and id together."""
    found = sort_copies([accepted(1), accepted(1, source="/services/sms-api")], {})
    assert len(found.new) == 2


def test_a_fresh_version_7_id_needs_no_look_up() -> None:
    """In steady state the store is not asked at all."""
    assert not suspects(RecentIdentities(NOON_MS - 1), [accepted(1)])


def test_a_remembered_identity_is_looked_up() -> None:
    """The filter can only say perhaps; the store says whether."""
    recent = RecentIdentities(NOON_MS - 1)
    recent.add(marks_of([accepted(1)]))
    known, other = accepted(1), accepted(2)
    assert suspects(recent, [known, other]) == {identity(known)}


def test_an_id_older_than_the_filter_is_looked_up() -> None:
    """A spool that comes back after days must not double what was stored before."""
    old = accepted(1, received_ms=NOON_MS + DAY_MS)
    assert suspects(RecentIdentities(NOON_MS), [old]) == {identity(old)}


def test_an_id_from_the_future_is_refused() -> None:
    """Later, when the clock has caught up, it would look new to an owner that never saw it."""
    ahead = event_id(1, NOON_MS + LATEST_AHEAD_MS + 1)
    in_time = event_id(1, NOON_MS + LATEST_AHEAD_MS)
    (refused,) = read_records([a_record(0, id=ahead), a_record(1, id=in_time)]).refused
    assert (refused.position.offset, refused.reason, refused.fields) == (0, "time_in_future", ("id",))


def test_an_id_that_carries_no_time_is_looked_up() -> None:
    """Imports make version 5 ids, the same at every import."""
    recent = RecentIdentities(NOON_MS - DAY_MS)
    without_time = accepted(1, id="6fa459ea-ee8a-5ca4-894e-db77e160355e")
    recent.add(marks_of([without_time]))
    assert suspects(recent, [without_time]) == {identity(without_time)}


def test_the_filter_forgets_what_was_made_first_and_says_so() -> None:
    """Memory is bounded; what was forgotten is looked up again rather than trusted, also of one instant."""
    recent = RecentIdentities(NOON_MS - DAY_MS)
    (one,) = [accepted(1)]
    stored = []
    for number in range(MOST_REMEMBERED + 1):
        event = copy(one.event)
        event.id = event_id(number, NOON_MS + number // 7)
        stored.append(Accepted(event, "", one.record, NOON_MS + number // 7))
    for first in range(0, len(stored), 1_000):
        recent.add(marks_of(stored[first : first + 1_000]))
    assert suspects(recent, stored) == set(map(identity, stored))
    unheard_of = [accepted(1, id=event_id(MOST_REMEMBERED + 9, made_ms)) for made_ms in INSTANTS]
    looked_up = suspects(recent, unheard_of)
    edge = next(place for place, item in enumerate(unheard_of) if identity(item) not in looked_up)
    assert looked_up == {identity(item) for item in unheard_of[:edge]}
    assert 0 < edge < len(INSTANTS) // 4


def test_a_clock_that_is_ahead_does_not_have_the_others_looked_up() -> None:
    """What one producer makes minutes ahead is not the edge before which nothing is known."""
    recent = RecentIdentities(NOON_MS - DAY_MS)
    for number in range(0, 2 * MOST_REMEMBERED, 1_000):
        made_ms = NOON_MS + number
        marks = [(made_ms + nth << 22) + nth for nth in range(900)]
        recent.add(marks + [(made_ms + LATEST_AHEAD_MS << 22) + nth for nth in range(100)])
    now = accepted(1, id=event_id(1, NOON_MS + 2 * MOST_REMEMBERED))
    assert not suspects(recent, [now])


def test_an_id_of_a_far_future_is_marked_like_any_other() -> None:
    """Where producers set the times of a topic they may say anything; a filter must not fail at it."""
    (mark,) = marks_of([accepted(1)._replace(made_ms=2**48 - 1)])
    recent = RecentIdentities(NOON_MS - DAY_MS, most=4)
    recent.add([mark])
    assert 0 <= mark < 2**64
    assert recent.suspects([accepted(1)], [mark])

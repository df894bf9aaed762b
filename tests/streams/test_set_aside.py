import json

from models.access import LARGEST_EVENT_BYTES
from models.dead_letter import DeadLetter
from models.errors import MalformedEvent
from sinks.base import SetAside
from streams.copies import Accepted
from streams.judge import dead_letter
from streams.set_aside import set_aside
from streams.wire import read_access
from tests.streams.records import NOON_MS, Record, a_record, an_event


def a_letter(value: bytes, offset: int = 5) -> DeadLetter:
    return dead_letter(Record(offset, value), MalformedEvent("invalid_field", "…"))


def counted(value: bytes) -> tuple[str, int]:
    (aside,) = set_aside([], [a_letter(value)])
    return aside.producer, aside.sequence


def test_a_copy_keeps_the_number_that_its_producer_gave_it() -> None:
    """It was counted by whoever sent it; forgotten, it would look like an event that was lost."""
    record = a_record(4, producer="p-2", sequence=9)
    copy = Accepted(*read_access(record.value or b"", ()), record, None)
    assert set_aside([copy], []) == [SetAside(4, NOON_MS, "copy", "p-2", 9)]


def test_a_dead_letter_keeps_its_number_when_its_bytes_are_gone() -> None:
    """The bytes are kept for 30 days; a producer's count is looked at for years."""
    value = json.dumps(an_event(1, producer="p-1", sequence=3, action="dance")).encode()
    assert set_aside([], [a_letter(value)]) == [SetAside(5, NOON_MS, "invalid_field", "p-1", 3)]


def test_what_cannot_be_read_has_no_number() -> None:
    """Its offset is accounted for all the same."""
    assert counted(b"no JSON") == ("", 0)
    assert counted(b"[]") == ("", 0)
    assert counted(b"\xff") == ("", 0)
    assert counted(b'{"producer": "p", "sequence": "3"}') == ("", 0)
    assert counted(b'{"producer": "p", "sequence": 0}') == ("", 0)


def test_a_record_that_is_too_large_is_not_read_for_its_number() -> None:
    """A hundred megabytes of poison must not be parsed to be refused."""
    value = b'{"producer": "p", "sequence": 3}' + b" " * LARGEST_EVENT_BYTES
    assert counted(value) == ("", 0)

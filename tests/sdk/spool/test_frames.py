"""Whatever happens to the bytes of a segment: a record that is whole is found, and no other record is."""

import itertools
import struct
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from earwitness_sdk import AccessEvent
from earwitness_sdk._models.fields import EARLIEST_TIME, LATEST_TIME
from earwitness_sdk.outbox import Outgoing
from earwitness_sdk.spool.frames import MARK, Damaged, Intact, decode, encode, frame, scan
from earwitness_sdk.wire import EventHeaders, access_record
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.sdk import builders

NAME = "00000001-abcd.records"

SLOWLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

bodies = st.lists(st.binary(max_size=60) | st.just(MARK * 3), min_size=1, max_size=12)


def segment(records: list[bytes], name: str = NAME) -> bytes:
    return b"".join(frame(body, name, number) for number, body in enumerate(records))


def an_event(**fields: Any) -> AccessEvent:
    known = builders.fields(id="0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a", purpose="résumé")
    return AccessEvent.model_validate({**known, **fields})


def bounds(records: list[bytes]) -> list[tuple[int, int]]:
    """Say where each record lies."""
    ends = [0]
    for number, body in enumerate(records):
        ends.append(ends[-1] + len(frame(body, NAME, number)))
    return list(itertools.pairwise(ends))


def intact(data: bytes, name: str = NAME) -> list[tuple[int, bytes]]:
    return [(found.number, found.body) for found in scan(data, name, 0) if isinstance(found, Intact)]


@SLOWLY
@given(
    topic=st.text(max_size=20),
    key=st.binary(max_size=20),
    value=st.binary(max_size=200),
    headers=st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=5),
)
def test_a_record_is_read_as_it_was_written(
    topic: str, key: bytes, value: bytes, headers: dict[str, str]
) -> None:
    """What is sent after a crash is what was recorded before it."""
    record = Outgoing(topic, key, value, headers)
    assert decode(encode(record)) == record


@SLOWLY
@given(
    source=st.text("/abcXYZ019-._~:?#[]@!$&'()*+,;=", min_size=1, max_size=200),
    time=st.datetimes(
        *(end.replace(tzinfo=None) for end in (EARLIEST_TIME, LATEST_TIME)), timezones=st.just(UTC)
    ),
)
def test_the_headers_of_an_event_are_found_in_its_value(source: str, time: datetime) -> None:
    """They are not on disk a second time, and whoever records does not wait until they are written."""
    record = access_record(an_event(source=source, time=time))
    assert decode(encode(record)) == record
    assert b"ce_time" not in encode(record)


def test_an_event_keeps_the_version_of_the_contract_that_it_was_written_by() -> None:
    """Whoever sends it after a crash may be older or newer, and workers judge unknown fields by it."""
    event = an_event(source="/x", time="2026-01-31T09:30:00Z")
    headers = EventHeaders("a later schema", event.id, event.source, event.time)
    assert decode(encode(access_record(event)._replace(headers=headers))).headers == headers


@pytest.mark.parametrize("value", [b"{}", b"[]", b"no JSON", b'{"id": "i", "source": "/x", "time": 7}'])
def test_bytes_that_are_no_event_after_all_are_told_apart(value: bytes) -> None:
    """They are set aside as damaged: one record of a stranger must not stop all that follow."""
    with pytest.raises(ValueError, match=r"."):
        decode(
            encode(access_record(an_event(source="/x", time="2026-01-31T09:30:00Z"))._replace(value=value))
        )


@SLOWLY
@given(bodies)
def test_every_record_of_a_whole_segment_is_found(records: list[bytes]) -> None:
    """In their order, with nothing between them."""
    found = list(scan(segment(records), NAME, 0))
    assert intact(segment(records)) == list(enumerate(records))
    assert [(item.start, item.end) for item in found] == bounds(records)


@SLOWLY
@given(bodies, st.data())
def test_a_damaged_stretch_costs_the_records_it_hit_and_no_other(
    records: list[bytes], data: st.DataObject
) -> None:
    """Flipped, overwritten or zeroed bytes, of any length, anywhere."""
    whole = segment(records)
    start = data.draw(st.integers(0, len(whole) - 1))
    stretch = data.draw(st.binary(min_size=1, max_size=len(whole) - start))
    broken = whole[:start] + stretch + whole[start + len(stretch) :]
    expected = [
        (number, body)
        for number, (body, (begins, ends)) in enumerate(zip(records, bounds(records), strict=True))
        if broken[begins:ends] == whole[begins:ends]
    ]
    assert intact(broken) == expected


@SLOWLY
@given(bodies, st.data())
def test_a_segment_that_was_cut_gives_what_is_left(records: list[bytes], data: st.DataObject) -> None:
    """A process that is killed while it writes leaves the beginning of a record."""
    whole = segment(records)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    assert intact(cut) == [
        (number, body)
        for number, (body, (_, ends)) in enumerate(zip(records, bounds(records), strict=True))
        if ends <= len(cut)
    ]


@SLOWLY
@given(bodies, st.binary(min_size=1, max_size=50), st.data())
@example([b"a", b"b"], MARK, None)
def test_bytes_that_do_not_belong_there_cost_nothing(
    records: list[bytes], stray: bytes, data: st.DataObject | None
) -> None:
    """Between two records; what follows is found by its mark."""
    places = [0, *(end for _, end in bounds(records))]
    place = places[1] if data is None else data.draw(st.sampled_from(places))
    broken = segment(records)[:place] + stray + segment(records)[place:]
    assert intact(broken) == list(enumerate(records))


@SLOWLY
@given(bodies, st.data())
def test_every_byte_is_accounted_for(records: list[bytes], data: st.DataObject) -> None:
    """What is no record is set aside: nothing falls between the two."""
    whole = segment(records)
    start = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:start] + b"\0" * data.draw(st.integers(1, 40)) + whole[start + 1 :]
    end = 0
    for found in scan(broken, NAME, 0):
        assert found.start == end
        end = found.end
    assert end == len(broken)


def test_a_gap_tells_how_many_records_were_lost() -> None:
    """Their numbers show it, whatever is left of their bytes."""
    records = [b"one", b"two", b"three", b"four"]
    (_, first), (_, third) = bounds(records)[0], bounds(records)[2]
    broken = segment(records)[:first] + b"?" + segment(records)[third:]
    assert [found.lost for found in scan(broken, NAME, 0) if isinstance(found, Damaged)] == [2]


def test_a_record_that_strayed_from_another_segment_is_none_of_this_one() -> None:
    """A disk may show an old block again; its records were sent, or belong to another place."""
    assert intact(segment([b"old"], "00000009-ffff.records")) == []


@pytest.mark.parametrize(
    ("mark", "lengths", "summed"),
    [(b"\xffEW\x01", ">HHI", b"%s 0 %d"), (b"\xffEW\x02", ">HII", b"\xffEW\x02%s 0 %d")],
    ids=["first version", "second version"],
)
def test_what_an_earlier_sdk_left_is_sent(mark: bytes, lengths: str, summed: bytes) -> None:
    """A spool outlives the SDK that filled it: to its successor these bytes are records, and not damage.

    Both wrote the headers of events out in full; the first left its mark out of the checksum.
    """
    topic, key, headers, value = b"access.events.v1", b"an id", b'{"ce_id": "an id"}', b"{}"
    body = struct.pack(lengths, len(topic), len(key), len(headers)) + topic + key + headers + value
    checksum = zlib.crc32(body, zlib.crc32(summed % (NAME.encode(), len(body))))
    data = struct.pack(">4sIII", mark, len(body), 0, checksum) + body
    (found,) = intact(data)
    assert decode(found[1]) == Outgoing("access.events.v1", b"an id", b"{}", {"ce_id": "an id"})

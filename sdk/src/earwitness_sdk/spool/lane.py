"""The way of one part's records to Kafka, in their order."""

import logging
import random
import struct
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from time import monotonic
from typing import Final, NamedTuple

from earwitness_sdk.errors import NotRecorded
from earwitness_sdk.outbox import Outbox, Outgoing, Rejected

from .frames import Damaged, Intact, decode, scan
from .journal import Segment
from .parts import Place
from .quarantine import Quarantine

MOST_UNDER_WAY: Final = 2_000
"""Records that were sent and not yet acknowledged; all are sent again after a failure."""

A_TURN: Final = 200
"""Records that one lane sends before the next has its turn."""

SENT_WITHIN_S: Final = 5.0
"""How long one record may wait for a connection, or for room."""

FIRST_REST_S: Final = 0.1
LONGEST_REST_S: Final = 5.0
"""Between two attempts while Kafka does not take records."""

_LOG: Final = logging.getLogger("earwitness_sdk")


class Passed(NamedTuple):
    """What one step of a lane stands for in the accounts."""

    sent: int = 0
    lost: int = 0
    rejected: int = 0
    quarantined: int = 0
    deleted_bytes: int = 0


class _Point(NamedTuple):
    """A place between two records, and the number of the one after it."""

    segment: Segment
    offset: int
    number: int


class _Item(NamedTuple):
    """A stretch of a segment: one record, or bytes that are none."""

    start: int
    after: _Point
    record: Outgoing | None
    lost: int


class _Flight(NamedTuple):
    """An item under way; one that is no record needs no answer."""

    item: _Item
    answer: "Future[None] | None"


class Lane:
    """Sends the records of segments, oldest first, and deletes the segments of which Kafka has everything.

    One failure holds up what comes after it: once everything under way is answered, it is all sent again
    from the first that failed. Used by one thread.
    """

    def __init__(
        self,
        segments: deque[Segment],
        quarantine: Quarantine,
        *,
        begin: Place | None = None,
        passed: Callable[[Passed], None],
        wake: Callable[[], None],
    ) -> None:
        self.failing: str | None = None
        """Why nothing is sent at present."""
        self._segments = segments
        self._quarantine = quarantine
        self._passed = passed
        self._wake = wake
        self._under_way: deque[_Flight] = deque()
        self._items: Iterator[_Item] = iter(())
        self._broken = False
        self._rest_s = FIRST_REST_S
        self._rests_until = 0.0
        self._unkept = False
        self._settled: _Point | None = None if begin is None else _found(begin, segments)
        self._read_to = self._settled

    @property
    def cursor(self) -> Place | None:
        """How far everything is settled; None where nothing is, or must be read again after a crash."""
        if self._settled is None or self._unkept:
            return None
        return Place(self._settled.segment.path.name, self._settled.offset, self._settled.number)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left of what was there."""
        return not self._segments

    def count_left(self) -> int:
        """Read all that is not settled, and count its records."""
        left = 0
        for segment in tuple(self._segments):
            point = self._settled
            if point is None or point.segment is not segment:
                point = _Point(segment, 0, 0)
            data = segment.read(point.offset, segment.extent.end)
            found = scan(data, segment.path.name, point.number)
            left += sum(isinstance(one, Intact) for one in found)
        return left

    def rests_for(self) -> float:
        """How long it waits by itself before it tries again."""
        return max(0.0, self._rests_until - monotonic())

    def turn(self, onward: Outbox) -> bool:
        """Settle what was answered, and send some more; say whether there may be more to do at once."""
        self._settle()
        self._delete_what_is_done()
        if self._broken:
            if any(flight.answer is not None and not flight.answer.done() for flight in self._under_way):
                return False
            self._rewind()
        if self.rests_for():
            return False
        for _ in range(A_TURN):
            item = self._next() if len(self._under_way) < MOST_UNDER_WAY else None
            if item is None:
                return bool(self._under_way) and self._under_way[0].answer is None
            if not self._send(item, onward):
                return False
        return True

    def _next(self) -> _Item | None:
        item = next(self._items, None)
        if item is None:
            self._items = self._read_on()
            item = next(self._items, None)
        return item

    def _read_on(self) -> Iterator[_Item]:
        """Read what follows the last item, up to the present end of one segment."""
        segments = tuple(self._segments)
        for segment in segments[self._position(segments) :]:
            was_sealed = segment.sealed
            point = self._read_to
            if point is None or point.segment is not segment:
                point = _Point(segment, 0, 0)
            if point.offset < segment.extent.end:
                return _items(point)
            if not was_sealed:
                break
        return iter(())

    def _position(self, segments: tuple[Segment, ...]) -> int:
        """Say which segment is being read; one that is deleted already was the one before the first."""
        if self._read_to is None or self._read_to.segment not in segments:
            return 0
        return segments.index(self._read_to.segment)

    def _send(self, item: _Item, onward: Outbox) -> bool:
        answer: Future[None] | None = None
        if item.record is not None:
            try:
                answer = onward.send(item.record, SENT_WITHIN_S)
            except Rejected as error:
                answer = Future()
                answer.set_exception(error)
            except NotRecorded as error:
                self._break(error)
                return False
            answer.add_done_callback(lambda _: self._wake())
        self._under_way.append(_Flight(item, answer))
        self._read_to = item.after
        return True

    def _settle(self) -> None:
        while self._under_way:
            item, answer = self._under_way[0]
            if answer is not None and not answer.done():
                return
            error = None if answer is None else answer.exception()
            if error is not None and not isinstance(error, Rejected):
                self._break(error)
                return
            self._under_way.popleft()
            self._pass(item, error)
            self._settled = item.after

    def _pass(self, item: _Item, rejected: Rejected | None) -> None:
        if item.record is not None and rejected is None:
            self._recover()
            self._passed(Passed(sent=1))
            return
        self._passed(Passed(lost=item.lost, rejected=int(rejected is not None), quarantined=1))
        path, end = item.after.segment.path, item.after.offset
        if item.start == end:
            _LOG.error("%s: %d records that were in it are gone", path, item.lost)
            return
        why = f"bytes {item.start} to {end} are damaged" if rejected is None else str(rejected)
        try:
            content = item.after.segment.read(item.start, end)
        except OSError as error:
            _LOG.error("%s: %s, and cannot be read: %s", path, why, error)
            return
        if not self._quarantine.keep(path, item.start, content, why):
            self._unkept = True

    def _break(self, error: BaseException) -> None:
        if self._broken:
            return
        self._broken = True
        self._rests_until = monotonic() + self._rest_s * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._rest_s = min(LONGEST_REST_S, self._rest_s * 2)
        if self.failing is None:
            _LOG.warning("records wait on disk until they can be sent: %s", error)
        self.failing = str(error)

    def _recover(self) -> None:
        self._rest_s = FIRST_REST_S
        if self.failing is not None:
            _LOG.warning("records that waited on disk are being sent")
            self.failing = None

    def _rewind(self) -> None:
        """Go back to the first record that is not settled."""
        self._broken = False
        self._under_way.clear()
        self._items = iter(())
        self._read_to = self._settled

    def _delete_what_is_done(self) -> None:
        while self._segments and self._is_over(self._segments[0]):
            segment = self._segments.popleft()
            if self._settled is not None and self._settled.segment is segment:
                self._settled = None
            if self._unkept:
                self._quarantine.keep_whole(segment.path)
                self._unkept = False
            else:
                segment.path.unlink(missing_ok=True)
            self._passed(Passed(deleted_bytes=segment.extent.end))

    def _is_over(self, oldest: Segment) -> bool:
        if oldest.sealed and oldest.extent.end == 0:
            return True
        if self._settled is None:
            return False
        if self._settled.segment is not oldest:
            return True
        return oldest.sealed and self._settled.offset == oldest.extent.end


def _items(begin: _Point) -> Iterator[_Item]:
    """Find every record from a point on, and account for every byte and number up to the present end."""
    segment, start, number = begin
    end, records = segment.extent
    data = segment.read(start, end)
    for found in scan(data, segment.path.name, number):
        record = _decoded(found)
        lost = found.lost if isinstance(found, Damaged) else int(record is None)
        number = found.number + 1 if isinstance(found, Intact) else number + lost
        yield _Item(start + found.start, _Point(segment, start + found.end, number), record, lost)
    missing = 0 if records is None else records - number
    if missing > 0 or start + len(data) < end:
        yield _Item(end, _Point(segment, end, number + max(0, missing)), None, max(0, missing))


def _decoded(found: Intact | Damaged) -> Outgoing | None:
    if isinstance(found, Damaged):
        return None
    try:
        return decode(found.body)
    except (ValueError, struct.error):
        return None


def _found(place: Place, segments: deque[Segment]) -> _Point | None:
    """Find a cursor's place; None where it is not between two records, or something would be passed over."""
    if not segments or segments[0].path.name != place.segment:
        return None
    segment, end = segments[0], segments[0].extent.end
    if place.offset < end:
        first = next(scan(segment.read(place.offset, end), place.segment, place.number), None)
        if not isinstance(first, Intact) or first.number != place.number:
            return None
    return _Point(segment, min(place.offset, end), place.number)

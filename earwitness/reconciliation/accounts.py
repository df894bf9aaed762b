"""What each party says of the accesses: the counts that reconciliation sets side by side."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple, Protocol

from models.ranges import Range

FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2149, 6, 6)
"""The days that the store can hold."""


MOST_BREAKS: Final = 1_000
MOST_RANGES: Final = 100
MOST_HOLES: Final = 1_000
"""How many one answer gives: breaks in the ledger, ranges of a day that disagree, holes in counts."""


class Window(NamedTuple):
    """The days of receipt, UTC, that are looked at; both inclusive."""

    first: date = FIRST_DAY
    last: date = LAST_DAY

    @property
    def everything(self) -> bool:
        """Whether all that is stored is looked at."""
        return self.first == FIRST_DAY and self.last == LAST_DAY


class Edges(NamedTuple):
    """Where a partition of the access topic stands in Kafka: its offsets, and what its group committed."""

    partition: int
    earliest: int
    end: int
    committed: int | None
    announced: Range | None


class Span(NamedTuple):
    """Offsets `first` to `last` of one partition."""

    partition: int
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many offsets these are."""
        return self.last - self.first + 1


class Ledgered(NamedTuple):
    """What the ledger says of one partition and day of receipt.

    `counted_only` of its dead letters and duplicates are known by number alone, not each by its offset.
    """

    partition: int
    day: date
    first: int
    last: int
    offset_count: int
    row_count: int
    set_aside_count: int
    counted_only: int


class Held(NamedTuple):
    """What the tables hold of one partition and day of receipt, among the offsets that the ledger covers."""

    partition: int
    day: date
    row_count: int
    row_offset_count: int
    aside_offset_count: int
    offset_count: int
    """Offsets that are held at all, as a row or set aside."""
    received_from: datetime
    received_to: datetime


class Break(NamedTuple):
    """A place where a range does not begin right behind the ranges before it."""

    partition: int
    reached: int
    """The last offset of the ranges before."""
    next_first: int
    next_last: int


class RangeCounts(NamedTuple):
    """One range whose ledger and tables disagree."""

    span: Span
    row_count: int
    set_aside_count: int
    counted_only: int
    held_rows: int
    held_row_offsets: int
    held_aside_offsets: int
    held_offsets: int


class Doubled(NamedTuple):
    """One access that has more than one row."""

    source: str
    id: str
    row_count: int
    positions: Sequence[str]
    received_from: datetime
    received_to: datetime


class Counted(NamedTuple):
    """The producers that number their events."""

    producer_count: int
    number_count: int
    incomplete: Sequence[str]
    """Those with a hole in their count, the most missing first; a bounded number of them."""
    incomplete_count: int


class Hole(NamedTuple):
    """Numbers of a producer that nobody has seen, between numbers that arrived."""

    producer: str
    first: int
    last: int
    after_at: datetime | None
    """When the number below was received; None where the count does not begin at 1."""
    before_at: datetime
    """When the number above was received."""


Received = tuple[datetime | None, datetime | None]
"""From when to when something was received; None where nothing that is held tells."""


class Accounts(Protocol):
    """What the store says. Every answer is bounded; each raises `SinkUnavailable` or `QueryRejected`."""

    def extent(self) -> Mapping[int, Span]:
        """Give the first and last offset that the ledger covers, by partition, over all days."""

    def ledgered(self, window: Window, bounds: Mapping[int, int]) -> Sequence[Ledgered]:
        """Add the ledger up, ranges beyond `bounds` left out."""

    def held(self, window: Window, bounds: Mapping[int, int]) -> Sequence[Held]:
        """Count what the tables hold, offsets beyond `bounds` left out."""

    def breaks(self, window: Window, bounds: Mapping[int, int]) -> Sequence[Break]:
        """Find where the ranges of the window are not contiguous."""

    def covering(self, span: Span) -> Sequence[Span]:
        """Give the ranges of any day that touch a span, in order."""

    def disagreeing(self, partition: int, day: date, bound: int) -> Sequence[RangeCounts]:
        """Give ranges of a partition and day, up to offset `bound`, whose rows are not as accounted."""

    def offsets(self, span: Span) -> Sequence[int]:
        """Give the offsets of a span that are held, as a row or set aside, in order."""

    def received(self, span: Span) -> Received:
        """Give when the earliest and the latest of a span's held records were received."""

    def around(self, span: Span) -> Received:
        """Give when the records right before and right behind a span were received."""

    def unledgered(self, window: Window, bounds: Mapping[int, int], older_than_s: int) -> Sequence[Span]:
        """Give where rows lie beyond `bounds` that were stored longer ago than that."""

    def doubled(self, window: Window, row_count: int) -> tuple[int, Sequence[Doubled]]:
        """Count the accesses that have more than one row, among about `row_count`; give some of them."""

    def counted(self, window: Window) -> Counted:
        """Add the producers' counts up."""

    def holes(self, producers: Collection[str], window: Window) -> Sequence[Hole]:
        """Give the holes in the counts of these producers."""

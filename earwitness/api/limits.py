"""What the API takes and gives at most, each with the answer that says so. docs/api.md lists them."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pydantic import JsonValue

from models.errors import QueryRejected
from models.fields import format_time

MOST_REQUESTS: Final = 64
"""Requests under way at once; further ones are told to come back."""

MOST_CONNECTIONS: Final = 1_024
"""Clients that are connected at once, idle ones and slow readers included."""

BUSY_RETRY_AFTER_S: Final = 1
LARGEST_BODY_BYTES: Final = 262_144
LARGEST_DELIVERY_BYTES: Final = 1_000_000
"""Of a webhook: an issue with a long history is larger than any question."""

LARGEST_ANSWER_BYTES: Final = 65_536
"""Of an actor's answer: its longest text and evidence, each character escaped as a form does."""

LARGEST_URL_BYTES: Final = 114_688
"""Of path and query string: the longest query, each of its characters escaped, and its other parameters."""

LARGEST_HEAD_BYTES: Final = 131_072
"""What is read of a request before its headers end."""

SLOWEST_READER_S: Final = 60
"""How long a client may take nothing of its answer before its connection ends.

The answer was finished before its first byte left, so it holds no connection to ClickHouse meanwhile.
"""

AT_LEAST_ONE: Final[dict[str, JsonValue]] = {"minimum": 1}
"""For the OpenAPI document alone: the routes say what is wrong in words of their own."""

ROWS: Final = "most rows of this answer; the setting api.largest_page bounds it"
SINCE: Final = "from this event time on: RFC 3339, a date, or a span before now"
UNTIL: Final = "up to this event time, which is not included"


class RangeTooLong(QueryRejected):
    """The question is about more time than the settings allow at once."""


class Limits(NamedTuple):
    """The limits that operators set: `longest_range` of event time in one question, None for any."""

    longest_range: timedelta | None = None
    most_requests: int = MOST_REQUESTS

    def begin(self, since: datetime | None, until: datetime | None, now: datetime) -> datetime | None:
        """Give where a page begins that names no begin: as early as it may, None for the first access."""
        if since is not None or self.longest_range is None:
            return since
        return (until or now) - self.longest_range

    def check_range(self, begin: datetime | None, end: datetime | None, now: datetime) -> None:
        """Refuse a question about more time than that. Without an end it ends now."""
        if self.longest_range is None:
            return
        end = end or now
        allowed = f"one question is about at most {self.longest_range.days} days here"
        narrow = (
            f"begin at {format_time(end - self.longest_range)} or later, and ask for the time before apart"
        )
        if begin is None:
            raise RangeTooLong(f"the question is about all time, and {allowed}", narrow)
        if end - begin > self.longest_range:
            raise RangeTooLong(f"the question is about {(end - begin).days + 1} days, and {allowed}", narrow)

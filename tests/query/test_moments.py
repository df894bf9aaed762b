from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.query.moments import parse_moment, parse_past
from models.errors import QueryRejected
from models.fields import EARLIEST_TIME, LATEST_TIME, format_time

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("24h", NOW - timedelta(hours=24)),
        ("-24h", NOW - timedelta(hours=24)),
        ("-7d", NOW - timedelta(days=7)),
        ("90s", NOW - timedelta(seconds=90)),
        ("5m", NOW - timedelta(minutes=5)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T09:30:00+05:30", datetime(2026, 1, 31, 4, 0, tzinfo=UTC)),
        (" 2026-01-31T09:30:00.123456789Z ", datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)),
        ("now", NOW),
        ("today", datetime(2026, 3, 1, tzinfo=UTC)),
        ("yesterday", datetime(2026, 2, 28, tzinfo=UTC)),
    ],
)
def test_a_time_is_written_in_full_as_a_day_or_as_how_long_ago(text: str, moment: datetime) -> None:
    """Every way in which an investigator thinks of one."""
    assert parse_moment(text, NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-02-30", "2026-01-31T09:30:00", "7y", "1899-12-31", "999999w"]
)
def test_what_is_no_time_is_refused_with_how_to_write_one(text: str) -> None:
    """A time without an offset could be any of 38."""
    with pytest.raises(QueryRejected, match="2026-01-31T09:30:00Z"):
        parse_moment(text, NOW)


@given(
    st.datetimes(EARLIEST_TIME.replace(tzinfo=None), LATEST_TIME.replace(tzinfo=None), timezones=st.just(UTC))
)
def test_a_time_is_read_as_it_is_shown(moment: datetime) -> None:
    """The next page of a search asks with the time that the first one answered."""
    assert parse_moment(format_time(moment), NOW) == moment


def test_what_was_known_is_asked_for_an_instant_that_is_over() -> None:
    """Now is over; the next microsecond is not, however it is written."""
    assert parse_past("2026-03-01T12:00:00Z", NOW) == NOW
    assert parse_past("7d", NOW) == NOW - timedelta(days=7)
    for text in ("2026-03-01T12:00:00.000001Z", "2026-03-02", "2199-01-01"):
        with pytest.raises(QueryRejected, match="lies in the future"):
            parse_past(text, NOW)
    with pytest.raises(QueryRejected, match="is no time"):
        parse_past("tomorrow", NOW)

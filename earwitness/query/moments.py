"""Instants as people write them: a time, a day, or how long ago."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from models.errors import QueryRejected
from models.fields import EARLIEST_TIME, LATEST_TIME, format_time, parse_time

AGO: Final = re.compile(r"-?(?P<count>[0-9]{1,6})(?P<unit>[smhdw])")
"""How long ago, with or without its sign."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS_AGO: Final = {"today": 0, "yesterday": 1}
_HINT: Final = (
    "write 2026-01-31T09:30:00Z, 2026-01-31, today or yesterday (a day's first instant, UTC), 24h or -7d"
    " (that long ago), or now"
)


def parse_moment(text: str, now: datetime) -> datetime:
    """Read an RFC 3339 time, a date (its first instant in UTC) or a span before `now`, as `24h` or `-7d`.

    `today`, `yesterday` and `now` are understood, as in a query.
    Raises `QueryRejected` where it is none of these or lies outside the years that the store holds.
    """
    try:
        moment = _read(text.strip(), now)
    except (ValueError, OverflowError) as error:
        raise QueryRejected(f"{text!r} is no time", _HINT) from error
    if not EARLIEST_TIME <= moment <= LATEST_TIME:
        raise QueryRejected(f"{text!r} lies outside the years 1900 to 2299, which the trail can hold", _HINT)
    return moment


def parse_bound(text: str | None, now: datetime) -> datetime | None:
    """As `parse_moment`, for a bound that may be left out."""
    return parse_moment(text, now) if text else None


def refuse_reversed(since: datetime | None, until: datetime | None, what: str) -> None:
    """Raise `QueryRejected` where `what` ends before it begins: to find nothing then would look innocent."""
    if since and until and until <= since:
        raise QueryRejected(
            f"the {what} would end at {format_time(until)}, before it begins, at {format_time(since)}"
        )


def parse_past(text: str, now: datetime) -> datetime:
    """As `parse_moment`, for an instant at which something was known.

    Raises `QueryRejected` where it lies after `now` too: nobody can say what will be known.
    """
    moment = parse_moment(text, now)
    if moment > now:
        raise QueryRejected(f"{text!r} lies in the future; what will be known then nobody can say", _HINT)
    return moment


def parse_day(text: str) -> datetime | None:
    """Give the first instant (UTC) of a day written as 2026-01-31; None where it is no such day."""
    if _DAY.fullmatch(text) is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _read(text: str, now: datetime) -> datetime:
    if (ago := AGO.fullmatch(text)) is not None:
        return now - timedelta(**{UNITS[ago["unit"]]: int(ago["count"])})
    if (day := parse_day(text)) is not None:
        return day
    if (days := _DAYS_AGO.get(text)) is not None:
        return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    return now if text == "now" else parse_time(text)

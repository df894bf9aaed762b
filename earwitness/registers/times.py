"""Times as other systems write them, read as instants; doubt never makes evidence cover more."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo

from earwitness.registers.paths import Unusable
from models.fields import EPOCH, parse_time

RFC_3339: Final = "rfc3339"
UNIX: Final = "unix"
UNIX_MS: Final = "unix_ms"

Edge = Literal["begin", "end"]
"""Which end of an interval a time is: of two instants that it could be, it is taken to be the inner one."""


def read_time(text: str, form: str, zone: ZoneInfo | None, edge: Edge) -> datetime:
    """Read a time that is RFC 3339, a number of seconds or milliseconds since 1970, or a strptime format's.

    Without an offset of its own it is of `zone`. An hour that the clocks went through twice is the
    later one where evidence begins and the earlier one where it ends. Raises `Unusable`.
    """
    try:
        if form == RFC_3339:
            return parse_time(text)
        if form in (UNIX, UNIX_MS):
            unit = timedelta(seconds=1) if form == UNIX else timedelta(milliseconds=1)
            return EPOCH + float(text) * unit
        read = datetime.strptime(text, form)  # noqa: DTZ007 - the zone follows
    except (ValueError, OverflowError) as error:
        raise Unusable(_wanted(form)) from error
    if read.tzinfo is not None:
        return read.astimezone(UTC)
    return _in_zone(read, zone or UTC, edge)


def plus_days(instant: datetime, days: int, zone: ZoneInfo | None) -> datetime:
    """Give the same time of day so many days later, by the clocks of `zone`."""
    return (instant.astimezone(zone or UTC) + timedelta(days=days)).astimezone(UTC)


def _in_zone(read: datetime, zone: tzinfo, edge: Edge) -> datetime:
    local = read.replace(tzinfo=zone, fold=1 if edge == "begin" else 0)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != read:
        msg = f"is an hour that the clocks of {zone} skipped"
        raise Unusable(msg)
    return instant


def _wanted(form: str) -> str:
    match form:
        case "rfc3339":
            return "must be an RFC 3339 time, as 2026-01-31T09:30:00Z; for another format say time"
        case "unix" | "unix_ms":
            unit = "seconds" if form == UNIX else "milliseconds"
            return f"must be a number of {unit} since 1970"
        case _:
            return f"must be a time of the format {form}"

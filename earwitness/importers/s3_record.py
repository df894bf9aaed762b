"""One line of an S3 server access log, taken apart.

The format is a line of fields separated by spaces; `-` is unknown. Three fields are quoted and
hold what a client sent, unescaped, so they may themselves contain quotes and spaces; and fields
were added at the end over the years. A request line holds no space that could imitate the columns
behind it, so the first match of those ends it; no field behind the user agent holds a quote, so
the last quote ends that one.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

LONGEST_LINE_BYTES: Final = 65_536
"""A longer line is no record: S3 limits a request line to 8 KiB and its headers to as much again."""

ENCODED_ONCE: Final = frozenset({"BATCH.DELETE.OBJECT", "S3.EXPIRE.OBJECT"})
"""Operations that log their key percent-encoded once; every other one does it twice."""

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEAD: Final = re.compile(
    r"[^ ]+ (?P<bucket>[^ ]+) \[(?P<time>[^\]]{0,64})\] (?P<remote_ip>[^ ]+) (?P<requester>[^ ]+) "
    r'(?P<request_id>[^ ]+) (?P<operation>[^ ]+) (?P<key>[^ ]+) (?=["-])'
)
_COLUMNS: Final = re.compile(
    r'["-] (?P<status>[0-9]{3}|-) [^ "]{1,128} (?P<bytes_sent>[0-9]{1,18}|-) '
    r'(?:[0-9]{1,18}|-) (?:[0-9]{1,18}|-) (?:[0-9]{1,18}|-) (?=["-])'
)
_QUOTED_END: Final = re.compile(r'" (?="|-(?: |$))')
_TIME: Final = re.compile(
    r"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"
)


class S3Record(NamedTuple):
    """What one request did, as far as an access event can use it. None is `-`, the unknown.

    `key_as_logged` is the object's key as the line has it, percent-encoded; `key` is its name.
    `requester` is an ARN, a canonical user id, or `-` for a request that nobody signed.
    """

    bucket: str
    time: datetime
    ip: str | None
    requester: str
    request_id: str
    operation: str
    key_as_logged: str | None
    status: int | None
    bytes_sent: int | None
    user_agent: str | None
    version_id: str | None

    @property
    def key(self) -> str | None:
        """The object's name, decoded as often as its operation encoded it."""
        if self.key_as_logged is None:
            return None
        once = unquote_plus(self.key_as_logged)
        return once if self.operation in ENCODED_ONCE else unquote_plus(once)


def parse_line(line: str) -> S3Record:
    """Read one line, without its line ending; fields added at its end later are let pass.

    Raises ValueError that says what the line lacks.
    """
    head = _HEAD.match(line)
    columns = _find_columns(line, head.end()) if head else None
    if head is None or columns is None:
        msg = "is not a record of an S3 server access log"
        raise ValueError(msg)
    user_agent, later = _split_end(line[columns.end() :])
    status, bytes_sent = _known(columns["status"]), _known(columns["bytes_sent"])
    return S3Record(
        bucket=head["bucket"],
        time=_parse_time(head["time"]),
        ip=_known(head["remote_ip"]),
        requester=head["requester"],
        request_id=head["request_id"],
        operation=head["operation"],
        key_as_logged=_known(head["key"]),
        status=int(status) if status else None,
        bytes_sent=int(bytes_sent) if bytes_sent else None,
        user_agent=_known(user_agent),
        version_id=_known(later[0]) if later else None,
    )


def _find_columns(line: str, start: int) -> re.Match[str] | None:
    if line.startswith("-", start):
        return _COLUMNS.match(line, start)
    return _COLUMNS.search(line, start + 1)


def _split_end(text: str) -> tuple[str, list[str]]:
    """Split `"referer" "user agent" later fields …`, where a bare `-` may stand for either."""
    agent = text[2:] if text.startswith("- ") else _behind_quoted(text)
    end = agent.rfind('"') + 1 if agent.startswith('"') else 1
    user_agent, later = agent[1 : end - 1], agent[end:]
    if end < 2 and not agent.startswith("-"):
        msg = "breaks off before its user agent ends"
        raise ValueError(msg)
    if later and not later.startswith(" "):
        msg = "has no space behind its user agent"
        raise ValueError(msg)
    return user_agent, later.split()


def _behind_quoted(text: str) -> str:
    """Cut off a quoted field and the space behind it: its first quote before another field ends it."""
    end = _QUOTED_END.search(text, 1)
    if not text.startswith('"') or end is None:
        msg = "breaks off before its referer ends"
        raise ValueError(msg)
    return text[end.end() :]


def _known(text: str) -> str | None:
    return None if text in ("-", "") else text


def _parse_time(text: str) -> datetime:
    """Read `06/Feb/2019:00:00:38 +0000`; strptime would follow the locale's names of months."""
    found = _TIME.fullmatch(text)
    if found is None or found[2] not in _MONTHS:
        msg = f"has the time {text!r}, expected one as 06/Feb/2019:00:00:38 +0000"
        raise ValueError(msg)
    day, month, year, hour, minute, second, sign, offset_hours, offset_minutes = found.groups()
    offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
    date = int(year), _MONTHS.index(month) + 1, int(day)
    try:
        zone = timezone(-offset if sign == "-" else offset)
        return datetime(*date, int(hour), int(minute), int(second), tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        msg = f"has the time {text!r}, which is not an instant of the calendar: {error}"
        raise ValueError(msg) from error

"""The field types of the contract, and the rules that a type alone cannot say.

Both the pydantic models and the worker's fast decoder use these rules, so that an event is
refused for the same reason wherever it is read.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

EVERY_CUSTOMER: Final = "*"
"""The `customer_id` of an operation that touched many or unknown customers."""

LONGEST_CUSTOMER_ID: Final = 128

LARGEST_COUNT: Final = 2**63 - 1

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_TIME: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST_TIME: Final = datetime(2299, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
"""The instants that the store can hold; an access outside them is refused, not bent."""

_MICROSECOND: Final = timedelta(microseconds=1)
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_ZEROS_FOR_DIGITS: Final = bytes.maketrans(b"0123456789", b"0" * 10)
_AS_WE_WRITE_TIMES: Final = frozenset(
    f"0000-00-00T00:00:00{fraction}Z".encode() for fraction in ("", ".000", ".000000")
)
"""The forms that most producers use, a zero for each digit: a third of what a regular expression takes."""

_ZEROS_FOR_HEX: Final = bytes.maketrans(b"0123456789abcdef", b"0" * 16)
_AS_WE_WRITE_IDS: Final = b"00000000-0000-0000-0000-000000000000"

_TELEPHONE_NUMBER = re.compile(r"\+[0-9]{8,15}")
_URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 instant as UTC; digits beyond microseconds are cut off.

    Raises ValueError where the text is not RFC 3339 with an offset, names second 60, or
    lies outside the years that a datetime can hold.
    """
    if _RFC_3339.fullmatch(text) is None:
        msg = "must be an RFC 3339 time with an offset, as 2026-01-31T09:30:00Z"
        raise ValueError(msg)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        msg = f"is not an instant of the calendar: {error}"
        raise ValueError(msg) from error


def format_time(instant: datetime) -> str:
    """Write an aware instant as the contract shows it: UTC, microseconds, `Z`."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def made_at_ms(event_id: str) -> int | None:
    """Read the milliseconds since 1970 in a version 7 UUID; None for any other version."""
    if event_id[14] != "7":
        return None
    return int(event_id[:8] + event_id[9:13], 16)


def microseconds(instant: datetime) -> int:
    """Count the microseconds from 1970 to an aware instant, exactly."""
    return (instant - EPOCH) // _MICROSECOND


def parse_access_time(text: str) -> datetime:
    """Read the time of an access, as `parse_time` and `check_access_time` do. Raises ValueError."""
    shape = text.encode("ascii", "replace").translate(_ZEROS_FOR_DIGITS)
    if shape in _AS_WE_WRITE_TIMES and "1900" <= text < "2300":
        return datetime.fromisoformat(text)
    return check_access_time(parse_time(text))


def check_access_time(instant: datetime) -> datetime:
    """Refuse an instant that the store cannot hold."""
    if not EARLIEST_TIME <= instant <= LATEST_TIME:
        msg = "must lie in the years 1900 to 2299"
        raise ValueError(msg)
    return instant


def check_identifier(text: str) -> str:
    """Refuse what may not stand as an id: a telephone number, or the `*` of many customers."""
    if text.startswith("+") and _TELEPHONE_NUMBER.fullmatch(text) is not None:
        msg = "looks like a telephone number; the trail holds none: use a pseudonym"
        raise ValueError(msg)
    if text == EVERY_CUSTOMER:
        msg = "must name one thing; '*' is allowed in an event's customer_id only"
        raise ValueError(msg)
    return text


def check_one(text: str) -> str:
    """Refuse `*`, which is no name of an organization."""
    if text == EVERY_CUSTOMER:
        msg = "must name one organization; '*' is allowed in an event's customer_id only"
        raise ValueError(msg)
    return text


def check_customer(text: str) -> str:
    """As `check_identifier`, but `*` stands for many or unknown customers."""
    return text if text == EVERY_CUSTOMER else check_identifier(text)


def check_uuid(text: str) -> str:
    """Refuse what is not hyphenated UUID text; give it back in lower case."""
    if text.encode("ascii", "replace").translate(_ZEROS_FOR_HEX) == _AS_WE_WRITE_IDS:
        return text
    if _UUID.fullmatch(text) is None:
        msg = "must be a UUID, as 0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a"
        raise ValueError(msg)
    return text.lower()


def check_uri_reference(text: str) -> str:
    """Refuse characters that RFC 3986 does not allow in a URI reference."""
    if _URI_REFERENCE.fullmatch(text) is None:
        msg = "must be a URI reference, as /services/recording-api"
        raise ValueError(msg)
    return text


def without_nulls(value: object) -> object:
    """Drop the null fields of a JSON object: a null is the same as an absent field."""
    if isinstance(value, dict):
        for field in value.values():
            if field is None:
                return {name: field for name, field in value.items() if field is not None}
    return value


def _read_time(value: object) -> object:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            msg = "must carry an offset"
            raise ValueError(msg)
        return value.astimezone(UTC)
    if isinstance(value, str):
        return parse_time(value)
    msg = "must be an RFC 3339 time with an offset, as 2026-01-31T09:30:00Z"
    raise ValueError(msg)


def _read_uuid(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value


def _text(longest: int, shortest: int = 1) -> StringConstraints:
    return StringConstraints(min_length=shortest, max_length=longest)


Instant = Annotated[
    datetime,
    BeforeValidator(_read_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
AccessInstant = Annotated[Instant, AfterValidator(check_access_time)]
EventId = Annotated[
    str,
    BeforeValidator(_read_uuid),
    AfterValidator(check_uuid),
    WithJsonSchema({"type": "string", "format": "uuid"}),
]
Source = Annotated[str, _text(200), AfterValidator(check_uri_reference)]
ActorId = Annotated[str, _text(128), AfterValidator(check_identifier)]
CustomerId = Annotated[str, _text(LONGEST_CUSTOMER_ID), AfterValidator(check_customer)]
OneCustomerId = Annotated[str, _text(LONGEST_CUSTOMER_ID), AfterValidator(check_identifier)]
ResourceId = Annotated[str, _text(256), AfterValidator(check_identifier)]
Organization = Annotated[str, _text(128), AfterValidator(check_one)]
Recipient = Annotated[str, _text(128), AfterValidator(check_identifier)]
EvidenceRef = Annotated[str, _text(256)]
ProducerName = Annotated[str, _text(128, shortest=0)]
Name = Annotated[str, _text(128)]
Purpose = Annotated[str, _text(64)]
Label = Annotated[str, _text(256)]
Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
Sequence = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]

"""Lengths of time as rules write them: `90s`, `15m`, `24h`, `30d`."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

_SPAN: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST: Final = timedelta(days=366)


def read_span(written: Any) -> timedelta:  # noqa: ANN401 - what stands in a file
    """Read one span. Raises ValueError where it is none, or longer than a year."""
    match = _SPAN.fullmatch(written) if isinstance(written, str) else None
    if match is None:
        msg = f"{written!r} is no length of time; write 90s, 15m, 24h or 30d"
        raise ValueError(msg)
    span = timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if span > LONGEST:
        msg = f"{written} is longer than a year"
        raise ValueError(msg)
    return span


def write_span(span: timedelta) -> str:
    """Write a span in the largest unit that it fills."""
    seconds = round(span.total_seconds())
    for unit, length in reversed(_SECONDS.items()):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


Span = Annotated[timedelta, BeforeValidator(read_span)]

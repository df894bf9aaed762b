"""Spans of time as people write and read them: `15m`, and `2 h 10 min`."""

import re
from typing import Any, Final

import click

_SPAN = re.compile(r"(?P<count>[0-9]{1,7})(?P<unit>[smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_WORDS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_MOST_PARTS: Final = 2


class Interval(click.ParamType):
    """A span such as `90s`, `15m`, `2h` or `1d`, in seconds, no longer than `longest_s`."""

    name = "interval"

    def __init__(self, longest_s: int) -> None:
        self._longest_s = longest_s

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 - click's signature
        """Read the span. Raises click's BadParameter that says how to write one."""
        if isinstance(value, int):
            return value
        found = _SPAN.fullmatch(str(value).strip())
        seconds = int(found["count"]) * _SECONDS[found["unit"]] if found else 0
        if not 1 <= seconds <= self._longest_s:
            longest = in_words(self._longest_s)
            self.fail(f"{value!r} is no interval: write 90s, 15m, 2h or 1d, at most {longest}", param, ctx)
        return seconds


def in_words(seconds: float) -> str:
    """Write a span by its two largest units, as `2 h 10 min` or `45 s`."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for size, word in _WORDS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {word}" if count else "")
        if len(parts) == _MOST_PARTS:
            break
    return " ".join(filter(None, parts)) or "less than 1 s"

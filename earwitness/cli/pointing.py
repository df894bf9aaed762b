"""A query that cannot be read, shown to the person who typed it, with a caret under the place."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import IO, Any, Final

import click
from rich.cells import cell_len

from earwitness.cli.output import drawn
from earwitness.query.language import MalformedQuery

WIDEST: Final = 96
"""Columns of the query that are shown; of a longer one those around the place."""

_BEFORE: Final = 48
_INDENT: Final = "  "
_CUT: Final = "…"


class Pointed(click.ClickException):
    """The error as click shows it: bad use, exit 2."""

    def __init__(self, error: MalformedQuery) -> None:
        self._error = error
        super().__init__(str(error))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it to stderr."""
        said, shown, carets, *rest = pointed(self._error)
        # click leaves the colour out where this is no terminal.
        click.echo("\n".join((said, shown, click.style(carets, fg="red"), *rest)), file=file or sys.stderr)


@contextmanager
def pointing() -> Iterator[None]:
    """Point into a query that turns out not to be readable."""
    try:
        yield
    except MalformedQuery as error:
        raise Pointed(error) from error


def pointed(error: MalformedQuery) -> list[str]:
    """Say what is wrong and what to write, with the query between, each in lines of its own."""
    shown, carets = _pointed_at(error)
    lines = [f"error: {drawn(error.message)}", f"{_INDENT}{shown}", f"{_INDENT}{carets}"]
    if error.hint:
        lines.append(drawn(error.hint))
    if error.suggestion:
        lines.append(f"try: {drawn(error.suggestion)}")
    return lines


def _pointed_at(error: MalformedQuery) -> tuple[str, str]:
    """Give the part of the query to show, and the line below it with the carets."""
    # Each character as it is drawn: one that draws nothing is shown by its number, up to ten columns wide.
    text = [drawn(character) for character in error.text]
    begin, end = min(error.place.begin, len(text)), min(error.place.end, len(text))
    fits = sum(map(cell_len, text)) <= WIDEST
    first = 0 if fits else begin - _fitting(text[:begin][::-1], _BEFORE)
    before = (_CUT if first else "") + "".join(text[first:begin])
    last = begin + max(1, _fitting(text[begin:], WIDEST - cell_len(before)))
    at = "".join(text[begin : min(end, last)])
    after = "".join(text[begin:last]) + (_CUT if last < len(text) else "")
    return before + after, " " * cell_len(before) + "^" * max(1, cell_len(at))


def _fitting(text: Sequence[str], columns: int) -> int:
    """Count the characters from the first on that these columns have room for."""
    return sum(width <= columns for width in accumulate(map(cell_len, text)))

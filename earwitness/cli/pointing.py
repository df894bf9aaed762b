"""A query that cannot be read, shown to the person who typed it, with a caret under the place."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
    text = error.text
    begin, end = min(error.place.begin, len(text)), min(error.place.end, len(text))
    first = max(0, begin - _BEFORE) if cell_len(drawn(text[: WIDEST + 1])) > WIDEST else 0
    before = (_CUT if first else "") + drawn(text[first:begin])
    at = drawn(text[begin : min(end, begin + WIDEST)])
    room = max(1, WIDEST - cell_len(before))
    rest = drawn(text[begin : begin + WIDEST])
    after = _cut(rest, room)
    carets = "^" * max(1, min(cell_len(at), cell_len(after)))
    more = _CUT if len(after) < len(rest) or begin + WIDEST < len(text) else ""
    return before + after + more, " " * cell_len(before) + carets


def _cut(text: str, columns: int) -> str:
    """Give as much of the text as fits."""
    width = 0
    for at, character in enumerate(text):
        width += cell_len(character)
        if width > columns:
            return text[:at]
    return text

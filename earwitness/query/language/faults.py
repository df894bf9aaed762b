"""The one error of the query language: what is wrong, where, and what to write in its place."""

from typing import Final, NamedTuple

from models.errors import QueryRejected

LONGEST_SUGGESTION: Final = 400
"""Characters of a corrected query that is still shown; a longer one nobody reads."""


LONGEST_SHOWN: Final = 60
"""Characters of somebody's own text that a message repeats."""


class Place(NamedTuple):
    """Characters of a query, from `begin` up to `end`, counted from 0; `end` is not included."""

    begin: int
    end: int


class MalformedQuery(QueryRejected):
    """A query that cannot be read: `place` is where in `text`, `suggestion` all of it as probably meant.

    `message` and `hint` do not repeat the place: whoever shows the query points at it.
    """

    def __init__(
        self, text: str, place: Place, message: str, hint: str = "", suggestion: str | None = None
    ) -> None:
        self.text = text
        self.place = place
        self.suggestion = suggestion
        super().__init__(message, hint)

    def __str__(self) -> str:
        """Say all of it in one line, for a log or for somebody who does not see the query."""
        said = f"{self.message} (character {self.place.begin + 1} of the query)"
        return f"{said}; {self.hint}" if self.hint else said


class Unreadable(Exception):
    """A value that its field cannot have; who knows where it stands makes a `MalformedQuery` of it.

    `replacement` is what was probably meant by it.
    """

    def __init__(self, message: str, hint: str = "", replacement: str | None = None) -> None:
        self.message = message
        self.hint = hint
        self.replacement = replacement
        super().__init__(message)


def short(text: str) -> str:
    """Give a text as a message repeats it: not all of it where it is long."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def malformed(
    text: str, place: Place, message: str, hint: str = "", replacement: str | None = None
) -> MalformedQuery:
    """Make the error; with a `replacement` for the characters at `place` it suggests the corrected query."""
    if replacement is None:
        return MalformedQuery(text, place, message, hint)
    corrected = text[: place.begin] + replacement + text[place.end :]
    return MalformedQuery(
        text,
        place,
        message,
        hint or f"did you mean {short(replacement)}?",
        corrected if len(corrected) <= LONGEST_SUGGESTION else None,
    )

"""Where in the text of a policy the words of a clause stand."""

from collections.abc import Sequence
from typing import Final, NamedTuple

LONGEST_HEADING: Final = 80
"""Characters; what is longer is a sentence."""

_ENDS_OF_A_SENTENCE: Final = (".", ":", ";", ",")


class Place(NamedTuple):
    """The lines of the text, from 1, on which a quote stands, and the heading over them."""

    first_line: int
    last_line: int
    heading: str | None

    def in_words(self, file: str) -> str:
        """Say it as `text.txt, line 23, under "Is The Information Shared or Disclosed?"`."""
        one = self.first_line == self.last_line
        where = f"line {self.first_line}" if one else f"lines {self.first_line} to {self.last_line}"
        under = "" if self.heading is None else f', under "{self.heading}"'
        return f"{file}, {where}{under}"


def place_of(quote: str, text: str) -> Place | None:
    """Find the first place of a quote; None where the text does not hold it."""
    start = text.find(quote)
    if start < 0:
        return None
    stripped = start + len(quote) - len(quote.lstrip())
    first = text.count("\n", 0, stripped) + 1
    last = text.count("\n", 0, start + len(quote.rstrip())) + 1
    return Place(first, last, _heading_over(first, text.splitlines()))


def _heading_over(line: int, lines: Sequence[str]) -> str | None:
    """Give the nearest heading before a line, which counts from 1."""
    for place in range(line - 2, -1, -1):
        if _is_heading(lines[place], lines[place + 1]):
            return lines[place].strip()
    return None


def _is_heading(line: str, following: str) -> bool:
    """Tell a heading from a sentence, and from the words that lead to a list.

    The text is plain: a heading is a short line that begins with a capital, does not end as a sentence
    does, and is not carried on by the next line.
    """
    line, following = line.strip(), following.strip()
    return (
        0 < len(line) <= LONGEST_HEADING
        and line[0].isupper()
        and not line.endswith(_ENDS_OF_A_SENTENCE)
        and not following[:1].islower()
    )

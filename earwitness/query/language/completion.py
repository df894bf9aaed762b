"""What may be written at a place of a query: fields, and the values of those that have few.

Values that only the trail knows, as the ids of actors, are not among them: to read those is a search,
and a search is recorded.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from earwitness.query.language.faults import Place
from earwitness.query.language.fields import ALIASES, FIELDS, Field, find_field
from earwitness.query.language.limits import LONGEST_QUERY

MOST_CANDIDATES: Final = 50

_FIRST: Final = ("actor", "customer", "verdict", "reason", "resource", "resource_type", "action", "time")
"""What is offered first where nothing is written yet."""

_TIMES: Final = {
    ">=-24h": "the last 24 hours",
    ">=-7d": "the last 7 days",
    "today": "this day, in UTC",
    "yesterday": "the day before, in UTC",
}


class Candidate(NamedTuple):
    """What to write, and what it means."""

    text: str
    meaning: str


class Completion(NamedTuple):
    """The candidates, each to be written in place of the characters at `place`."""

    place: Place
    candidates: tuple[Candidate, ...]


class _Word(NamedTuple):
    """The word at the cursor: where it begins (after what negates it), its field, its last value's begin."""

    begin: int
    colon: int | None
    value_begin: int
    in_quotes: bool


def complete(text: str, cursor: int) -> Completion:
    """Say what may be written at `cursor`, a count of characters from the beginning. Never raises.

    The candidates are those that begin as what stands before the cursor, or else those that hold it.
    """
    cursor = max(0, min(cursor, len(text)))
    if len(text) > LONGEST_QUERY:
        return Completion(Place(cursor, cursor), ())
    word = _word_before(text, cursor)
    begin = word.begin if word.colon is None else word.value_begin
    place = Place(begin, _end_of_word(text, cursor))
    written = text[begin:cursor]
    if word.in_quotes:
        return Completion(Place(cursor, cursor), ())
    if word.colon is None:
        end = place.end + text.startswith(":", place.end)
        return Completion(Place(begin, end), _fields(written))
    field = find_field(text[word.begin : word.colon])
    if field is None:
        return Completion(place, ())
    used = set(text[word.colon + 1 : begin].split(","))
    return Completion(place, _matching(written, (one for one in _values(field) if one.text not in used)))


def _word_before(text: str, cursor: int) -> _Word:
    begin, colon, value_begin, in_quotes = 0, None, 0, False
    at = 0
    while at < cursor:
        character = text[at]
        if in_quotes:
            at += character == "\\"
            in_quotes = character != '"'
        elif character == '"':
            in_quotes = True
        elif character.isspace() or character in "()":
            begin, colon = at + 1, None
        elif character == "-" and at == begin:
            begin = at + 1
        elif character == ":" and colon is None:
            colon = at
            value_begin = at + 1
        elif character == "," and colon is not None:
            value_begin = at + 1
        at += 1
    return _Word(begin, colon, value_begin, in_quotes)


def _end_of_word(text: str, cursor: int) -> int:
    end = cursor
    while end < len(text) and not text[end].isspace() and text[end] not in ':,()"':
        end += 1
    return end


def _fields(written: str) -> tuple[Candidate, ...]:
    names = dict.fromkeys((*_FIRST, *(name for name in (*ALIASES, *FIELDS) if name not in _FIRST)))
    candidates = [Candidate(f"{name}:", FIELDS[ALIASES.get(name, name)].meaning) for name in names]
    if not written:
        # A field with a short name is offered by that one alone.
        candidates = [one for one in candidates if one.text[:-1] not in ALIASES.values()]
    return _matching(written, candidates)


def _values(field: Field) -> list[Candidate]:
    candidates = [Candidate(choice, "") for choice in field.choices]
    if field.kind == "flag":
        candidates = [Candidate("true", field.meaning), Candidate("false", "that it is not so")]
    if field.kind == "instant":
        candidates = [Candidate(text, meaning) for text, meaning in _TIMES.items()]
    if field.absence != "never":
        candidates += [Candidate("*", "any value"), Candidate('""', "no value")]
    return candidates


def _matching(written: str, candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    written = written.lower()
    known = list(candidates)
    found = [one for one in known if one.text.startswith(written)]
    if not found:
        found = [one for one in known if written in one.text]
    return tuple(found[:MOST_CANDIDATES])

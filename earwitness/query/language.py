r"""The query language: what a person types becomes typed terms, or an error that says what to change.

A query is terms separated by spaces, all of which must hold. A term is `field:value`; several values
separated by commas are alternatives; a `-` before the field negates the term. A value that holds a
space, a comma or a quote stands in double quotes, where `\` makes the next character plain. `field:""`
finds what has no such value.
"""

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from earwitness.query.fields import ALIASES, FIELDS, Field, closest, find_field
from earwitness.query.moments import parse_day
from models.errors import QueryRejected
from models.fields import EARLIEST_TIME, LATEST_TIME, check_uuid, parse_time

LONGEST_QUERY: Final = 8_192
MOST_TERMS: Final = 64
MOST_VALUES: Final = 1_000
LARGEST_NUMBER: Final = 2**63 - 1

_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_MICROSECOND: Final = timedelta(microseconds=1)


class Span(NamedTuple):
    """The instants from `begin` to `end`, both included."""

    begin: datetime
    end: datetime


class Place(NamedTuple):
    """A position on Kafka."""

    topic: str
    partition: int
    offset: int


Value = str | int | bool | Span | Place | None
"""What a term looks for; None is absence."""


class Term(NamedTuple):
    """One condition: `field` is one of `values`, or none of them where `negated`."""

    field: Field
    negated: bool
    values: tuple[Value, ...]


class _Word(NamedTuple):
    """A term as typed: its field's name, its values, and where it begins (from 1)."""

    name: str
    negated: bool
    values: tuple[str, ...]
    column: int


def parse(text: str) -> tuple[Term, ...]:
    """Read a query. An empty one has no terms and finds everything.

    Raises `QueryRejected`, which says what is wrong at which character, and what was probably meant.
    """
    if len(text) > LONGEST_QUERY:
        raise QueryRejected(f"the query has {len(text)} characters; at most {LONGEST_QUERY} are read")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise QueryRejected(f"the character at {error.start + 1} of the query is not Unicode text") from error
    words = _Reader(text).words()
    if len(words) > MOST_TERMS:
        raise QueryRejected(f"the query has {len(words)} terms; at most {MOST_TERMS} are read")
    return tuple(_term(word) for word in words)


def quote(value: str) -> str:
    """Write a value so that `parse` reads exactly it back, whatever it holds."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Reader:
    """Splits a query into words, character by character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def words(self) -> list[_Word]:
        words = []
        while self._skip_spaces():
            words.append(self._word())
        return words

    def _skip_spaces(self) -> bool:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._at < len(self._text)

    def _word(self) -> _Word:
        begin = self._at
        negated = self._text[self._at] == "-"
        self._at += negated
        name_begin = self._at
        while self._at < len(self._text) and not (self._peek().isspace() or self._peek() in ':"'):
            self._at += 1
        name = self._text[name_begin : self._at]
        if self._peek() != ":" or not name:
            raise _no_field(self._text[begin:].split(maxsplit=1)[0], begin + 1)
        self._at += 1
        return _Word(name, negated, self._values(name), begin + 1)

    def _values(self, name: str) -> tuple[str, ...]:
        values = [self._value(name)]
        while self._peek() == ",":
            self._at += 1
            values.append(self._value(name))
        if self._peek() and not self._peek().isspace():
            raise QueryRejected(
                f"{self._peek()!r} at character {self._at + 1} stands right after the value of {name}",
                "put a space between terms, a comma between values, and quotes around a value with spaces",
            )
        if len(values) > MOST_VALUES:
            raise QueryRejected(f"{name} has {len(values)} values; at most {MOST_VALUES} are read")
        return tuple(values)

    def _value(self, name: str) -> str:
        if self._peek() == '"':
            return self._quoted()
        begin = self._at
        while self._peek() and not self._peek().isspace() and self._peek() not in ',"':
            self._at += 1
        if begin == self._at:
            raise QueryRejected(
                f"{name} has no value at character {begin + 1}",
                f'write {name}:value, or {name}:"" for accesses without one',
            )
        return self._text[begin : self._at]

    def _quoted(self) -> str:
        begin = self._at
        self._at += 1
        characters: list[str] = []
        while (character := self._peek()) not in ("", '"'):
            if character == "\\":
                self._at += 1
                character = self._peek()
            characters.append(character)
            self._at += 1
        if not self._peek():
            raise QueryRejected(f"the quote at character {begin + 1} is not closed", 'end the value with "')
        self._at += 1
        return "".join(characters)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]


def _term(word: _Word) -> Term:
    field = find_field(word.name)
    if field is None:
        raise _unknown_field(word)
    return Term(field, word.negated, tuple(_typed(field, value, word) for value in word.values))


def _typed(field: Field, text: str, word: _Word) -> Value:
    if not text and field.kind not in ("uuid", "instant", "position", "flag"):
        return None
    try:
        return _read_value(field, text)
    except (ValueError, OverflowError) as error:
        raise QueryRejected(f"{word.name}:{text} at character {word.column}: {error}") from error


def _read_value(field: Field, text: str) -> Value:  # noqa: PLR0911 - one way for each kind
    match field.kind:
        case "choice":
            return _choice(field, text)
        case "uuid":
            return check_uuid(text)
        case "number":
            return _number(text)
        case "flag":
            return _flag(text)
        case "instant":
            return _span(text)
        case "position":
            return _place(text)
        case _:
            return text


def _choice(field: Field, text: str) -> str:
    if text in field.choices:
        return text
    near = closest(text, field.choices)
    meant = f"; did you mean {near}?" if near else ""
    raise QueryRejected(
        f"{text!r} is no {field.name}{meant}", f"{field.name} is one of {', '.join(field.choices)}"
    )


def _number(text: str) -> int:
    if _WHOLE.fullmatch(text) is None or abs(int(text)) > LARGEST_NUMBER:
        msg = "must be a whole number within 64 bits"
        raise ValueError(msg)
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        msg = "must be true or false"
        raise ValueError(msg)
    return text.lower() in _TRUE


def _span(text: str) -> Span:
    day = parse_day(text)
    begin = day or parse_time(text)
    if not EARLIEST_TIME <= begin <= LATEST_TIME:
        msg = "must lie in the years 1900 to 2299"
        raise ValueError(msg)
    return Span(begin, begin + timedelta(days=1) - _MICROSECOND if day else begin)


def _place(text: str) -> Place:
    topic, _, rest = text.partition("/")
    partition, _, offset = rest.partition("/")
    if not topic or _WHOLE.fullmatch(partition) is None or _WHOLE.fullmatch(offset) is None:
        msg = "must be topic/partition/offset, as access.events.v1/3/1204"
        raise ValueError(msg)
    return Place(topic, _number(partition), _number(offset))


def _no_field(word: str, column: int) -> QueryRejected:
    return QueryRejected(
        f"{word!r} at character {column} names no field",
        f"write field:value, as actor:e-1 -verdict:justified customer:{word.strip(':-') or 'acme'}",
    )


def _unknown_field(word: _Word) -> QueryRejected:
    near = closest(word.name.lower(), (*FIELDS, *ALIASES))
    hint = f"did you mean {near}?" if near else f"the fields are {', '.join(FIELDS)}"
    return QueryRejected(f"there is no field {word.name!r} (character {word.column} of the query)", hint)

r"""A query as text: one canonical form, which `parse` reads back as the same query.

Fields have their full names. A text that could be read as anything else stands in quotes, where `\`
makes the next character plain.
"""

import re
from typing import Final

from earwitness.query.language.moments import write_moment
from earwitness.query.language.tree import (
    Absent,
    All,
    AnyOf,
    Between,
    Bound,
    Compared,
    During,
    Flag,
    FreeText,
    Not,
    Number,
    Position,
    Prefix,
    Present,
    Query,
    Term,
    Text,
    Value,
)

_PLAIN: Final = re.compile(r"[\w/][\w.:/@+=#%\-]*")
"""Texts that need no quotes."""


def write(query: Query) -> str:
    """Write a query in its canonical form."""
    match query:
        case Term(field, values):
            return f"{field.name}:{','.join(write_value(value) for value in values)}"
        case FreeText(text):
            return quote(text)
        case Not(part):
            return f"-{_closed(part)}"
        case All(parts):
            return " ".join(_closed(part) for part in parts)
        case AnyOf(parts):
            return " OR ".join(_closed(part) for part in parts)


def write_value(value: Value) -> str:  # noqa: C901, PLR0911 - one way for each kind
    """Write one value of a term."""
    match value:
        case Text(text):
            return _plain(text)
        case Prefix(text):
            return f"{_plain(text)}*"
        case Number(number):
            return str(number)
        case Flag(holds):
            return "true" if holds else "false"
        case Position(topic, partition, offset):
            return _plain(f"{topic}/{partition}/{offset}")
        case During(moment):
            return write_moment(moment)
        case Compared(sign, bound):
            return f"{sign}{_bound(bound)}"
        case Between(first, last):
            return f"{_bound(first)}..{_bound(last)}"
        case Absent():
            return '""'
        case Present():
            return "*"


def quote(text: str) -> str:
    """Write a text so that exactly it is read back, whatever it holds."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _closed(part: Query) -> str:
    return f"({write(part)})" if isinstance(part, All | AnyOf) else write(part)


def _plain(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else quote(text)


def _bound(bound: Bound) -> str:
    return str(bound) if isinstance(bound, int) else write_moment(bound)

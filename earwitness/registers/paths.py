"""Paths into a row: `detail.status`, `issue.fields.labels`, `custom_fields[id=360001].value`.

A row of a CSV file is flat, and its column may have any name; a key that is there as a whole is
taken before the path is taken apart.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

Row = Mapping[str, Any]
"""One ticket, person or contract, as its source wrote it."""

_STEP: Final = re.compile(r"(?P<key>[^.\[\]=]+)(?:\[(?P<name>[^.\[\]=]+)=(?P<value>[^\[\]=]*)\])?")


class Unusable(Exception):
    """A value of a row cannot be used. The message says why, and shows nothing of what it is."""


class Step(NamedTuple):
    """One key on the way; with `name`, only the elements of a list whose `name` is `value`."""

    key: str
    name: str | None
    value: str | None


def steps_of(path: str) -> tuple[Step, ...]:
    """Take a path apart. Raises ValueError where it is none."""
    found: list[Step] = []
    position = 0
    while position <= len(path):
        match = _STEP.match(path, position)
        if match is None or (match.end() < len(path) and path[match.end()] != "."):
            msg = f"{path!r} is no path, as detail.status or custom_fields[id=7].value"
            raise ValueError(msg)
        found.append(Step(match["key"], match["name"], match["value"]))
        position = match.end() + 1
    return tuple(found)


def texts_at(row: Row, path: str) -> list[str]:
    """Give every value at a path that is not empty, as text; lists on the way are gone through.

    Raises `Unusable` where an object stands there.
    """
    if path in row:
        return [text for value in _flat(row[path]) if (text := _text(value))]
    found: list[Any] = [row]
    for step in steps_of(path):
        found = [value for parent in found for value in _taken(parent, step)]
    return [text for value in found if (text := _text(value))]


def text_at(row: Row, path: str) -> str:
    """Give the one value at a path, empty where there is none. Raises `Unusable` for several."""
    found = texts_at(row, path)
    if len(found) > 1:
        msg = f"{path} holds {len(found)} values; one is wanted"
        raise Unusable(msg)
    return found[0] if found else ""


def _taken(parent: Any, step: Step) -> Iterator[Any]:  # noqa: ANN401 - JSON of any shape
    if not isinstance(parent, Mapping):
        return
    for value in _flat(parent.get(step.key)):
        if step.name is None or (isinstance(value, Mapping) and _text(value.get(step.name)) == step.value):
            yield value


def _flat(value: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, list):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value.strip()
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            msg = "is an object; the path must go on to one of its keys"
            raise Unusable(msg)

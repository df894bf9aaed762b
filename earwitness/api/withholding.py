"""What is left out of an explanation for a scope: names beyond it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from models.tokens import Scope

WITHHELD: Final = "(withheld)"

Json = Any


def within(scope: Scope, explanation: Mapping[str, Any]) -> dict[str, Any]:
    """Give an explanation without the customers and vendors that its evidence names beyond `scope`.

    The judge looked at all evidence, so the explanation must be made of all of it. The access itself is
    within the scope.
    """
    records = list(_objects({name: part for name, part in explanation.items() if name != "access"}))
    foreign = {name for record in records for name in _beyond(scope, record)}
    if not foreign:
        return dict(explanation)
    named = "|".join(re.escape(name) for name in sorted(foreign, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w-])(?:{named})(?![\w-])")
    return {
        name: part if name == "access" else _replaced(part, pattern) for name, part in explanation.items()
    }


def _objects(value: Json) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, (dict, list, tuple)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _objects(part)


def _beyond(scope: Scope, part: Mapping[str, Any]) -> Iterator[str]:
    for field, value in _told(part):
        within_scope = {"customer_ids": scope.customers, "organization": scope.vendors}.get(field, ())
        names = value if isinstance(value, (list, tuple)) else [value]
        if within_scope:
            yield from (name for name in names if name and name not in within_scope)


def _told(part: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give the fields of a record, and of what changed in one (`field`, `before`, `after`)."""
    yield from part.items()
    if isinstance(part.get("field"), str):
        yield from ((part["field"], part[name]) for name in ("before", "after") if name in part)


def _replaced(value: Json, pattern: re.Pattern[str]) -> Json:
    if isinstance(value, str):
        return pattern.sub(WITHHELD, value)
    if isinstance(value, dict):
        return {name: _replaced(part, pattern) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(part, pattern) for part in value]
    return value

"""A query as a tree: what has to hold of an access.

Trees are made by `all_of`, `any_of` and `negation`, which keep one form for each meaning: no group
within a group of its own kind, no group of one, no double negation. So equal queries are equal trees.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from earwitness.query.language.fields import Field
from earwitness.query.language.moments import Moment

Sign = Literal[">=", "<=", ">", "<"]
Bound = int | Moment


@dataclass(frozen=True, slots=True)
class Text:
    """Exactly this text; of an id, its lower-case form."""

    text: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """Any text that begins so."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """Exactly this number."""

    number: int


@dataclass(frozen=True, slots=True)
class Flag:
    """That it holds, or that it does not."""

    holds: bool


@dataclass(frozen=True, slots=True)
class Position:
    """A position on Kafka."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class During:
    """Within this day, or at this instant."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class Compared:
    """On one side of a number or time. A day lies wholly before what is after it."""

    sign: Sign
    bound: Bound


@dataclass(frozen=True, slots=True)
class Between:
    """From `first` to `last`, both included, with all of a day."""

    first: Bound
    last: Bound


@dataclass(frozen=True, slots=True)
class Absent:
    """That there is no value."""


@dataclass(frozen=True, slots=True)
class Present:
    """That there is a value, whichever."""


Value = Text | Prefix | Number | Flag | Position | During | Compared | Between | Absent | Present


@dataclass(frozen=True, slots=True)
class Term:
    """That `field` has one of `values`."""

    field: Field
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class FreeText:
    """That one of the ids holds this text, in capitals or not (of the letters A to Z)."""

    text: str


@dataclass(frozen=True, slots=True)
class Not:
    """That `part` does not hold. Made by `negation`."""

    part: "Query"


@dataclass(frozen=True, slots=True)
class All:
    """That every part holds; without parts, everything does. Made by `all_of`."""

    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """That one part holds. Made by `any_of`."""

    parts: tuple["Query", ...]


Query = Term | FreeText | Not | All | AnyOf

EVERYTHING = All(())


def all_of(parts: Iterable[Query]) -> Query:
    """Say that every part holds."""
    flat: list[Query] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, All) else (part,))
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def any_of(parts: Iterable[Query]) -> Query:
    """Say that one part holds, of at least one."""
    flat: list[Query] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, AnyOf) else (part,))
    if not flat or EVERYTHING in flat:
        msg = "a choice needs parts, and each must say something"
        raise ValueError(msg)
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def negation(part: Query) -> Query:
    """Say that `part` does not hold."""
    if part == EVERYTHING:
        msg = "a query that nothing meets says nothing"
        raise ValueError(msg)
    return part.part if isinstance(part, Not) else Not(part)


def names_any(query: Query, names: frozenset[str]) -> bool:
    """Say whether a query asks for any of these fields."""
    return any(isinstance(leaf, Term) and leaf.field.name in names for leaf in leaves(query))


def leaves(query: Query) -> Iterator[Term | FreeText]:
    """Give every term and free text of a query, in its order."""
    match query:
        case Term() | FreeText():
            yield query
        case Not(part):
            yield from leaves(part)
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)


def conjuncts(query: Query) -> tuple[Query, ...]:
    """Give the parts that all have to hold; a query that is no conjunction is the only one."""
    return query.parts if isinstance(query, All) else (query,)

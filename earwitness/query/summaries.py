"""What a query finds, counted: by the values of fields, and over time."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from earwitness.query.conditions import Condition, Parameter, Parameters
from earwitness.query.kept_counts import KEPT_BY, Kept, KeptCounts
from earwitness.query.language import Query, condition_of, names_any, reach
from earwitness.query.language.fields import FIELDS, Field, closest, find_field
from earwitness.query.newest import FIRST_VERDICT, OF_THE_VERDICT, days_of
from earwitness.query.store import Store
from models.errors import QueryRejected

MOST_FACETS: Final = 8
MOST_VALUES: Final = 100
"""Values that are listed of one field; of further ones their number is told."""

MOST_BARS: Final = 500

_NEWEST_ALONE: Final = OF_THE_VERDICT - FIRST_VERDICT
"""Fields that no first verdict has in the view `accesses`."""

_COUNTED_KINDS: Final = frozenset({"text", "choice", "flag", "list"})
_MONDAY: Final = datetime(1970, 1, 5, tzinfo=UTC)
_DAY_S: Final = 86_400
_STEPS_S: Final = (1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, _DAY_S, 7 * _DAY_S)
"""Widths of a bar; beyond them it is a number of weeks."""


class Facet(NamedTuple):
    """The values of one field, the most frequent first. `distinct` is how many there are in all.

    A list counts for each of its elements; a value that is absent counts as None.
    """

    field: str
    distinct: int
    values: tuple[tuple[str | None, int], ...]


class Bar(NamedTuple):
    """The accesses from `begin` up to `end`, which is not included, by verdict."""

    begin: datetime
    end: datetime
    verdicts: dict[str, int]


class Summaries:
    """The named questions about how many."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = KeptCounts(store)

    def total(self, query: Query) -> int:
        """Count what a query without relative times finds."""
        kept = self._kept.of(query)
        if kept is not None:
            return sum(one.accesses for one in kept)
        counted = _counted(query, "''", frozenset())
        answer = self._store.ask(
            f"SELECT sum(n) FROM ({counted.sql})",  # noqa: S608 - a compiled condition
            counted.parameters,
        )
        return sum(int(count) for (count,) in answer.rows)

    def facets(self, query: Query, fields: Sequence[Field], most: int) -> list[Facet]:
        """Count what a query finds by the values of each field, in their order."""
        kept = self._kept.of(query) if any(field.name in KEPT_BY for field in fields) else None
        found = {} if kept is None else {name: _facet(name, kept, most) for name in KEPT_BY}
        others = [field for field in fields if field.name not in found]
        if others:
            found |= self._facets(query, others, most)
        return [found[field.name] for field in fields]

    def _facets(self, query: Query, fields: Sequence[Field], most: int) -> dict[str, Facet]:
        """Ask for all of them at once: each is counted by itself, which takes a sixth of counting pairs."""
        parameters: dict[str, Parameter] = {}
        counted = []
        for field in fields:
            of_field = _counted(query, _value(field), frozenset({field.name}))
            parameters |= of_field.parameters
            counted.append(
                f"SELECT '{field.name}' AS field, value, sum(n) AS accesses, count() OVER ()"  # noqa: S608 - names of a closed list and a compiled condition
                f" FROM ({of_field.sql}) GROUP BY value ORDER BY accesses DESC, value LIMIT {most:d}"
            )
        answer = self._store.ask(" UNION ALL ".join(f"({one})" for one in counted), parameters)
        found: dict[str, dict[str, int]] = {field.name: {} for field in fields}
        distinct = dict.fromkeys(found, 0)
        for name, value, accesses, values_in_all in answer.rows:
            found[name][value] = int(accesses)
            distinct[name] = int(values_in_all)
        return {name: Facet(name, distinct[name], _listed(counts)) for name, counts in found.items()}

    def histogram(self, query: Query, most: int) -> list[Bar]:
        """Count what a query finds over the time that it is about, in at most so many bars of one width.

        Bars begin at whole hours, days (UTC) or weeks, as wide as they are. Raises `QueryRejected` where the
        query does not say when it begins and ends.
        """
        begin, end = reach(query, "time")
        if begin is None or end is None:
            raise QueryRejected(
                "bars over time need a first and a last instant",
                "name a time that has both, as time:2026-11-01..2026-11-08 or time:-7d..now",
            )
        step = _step(end - begin, most)
        first = _aligned(begin, step)
        count = (end - first) // step + 1
        kept = self._kept.of(query, step)
        if kept is None:
            counted = self._counted(condition_of(query), first, step)
        else:
            counted = _in_bars(kept, first, step)
        return [
            Bar(first + number * step, first + (number + 1) * step, counted.get(number, {}))
            for number in range(max(0, count))
        ]

    def _counted(self, condition: Condition, first: datetime, step: timedelta) -> dict[int, dict[str, int]]:
        parameters = Parameters("bar")
        origin = parameters.instant(first)
        width = parameters.add(step // timedelta(microseconds=1), "Int64")
        answer = self._store.ask(
            "SELECT intDiv(toUnixTimestamp64Micro(trail.time)"  # noqa: S608 - a compiled condition
            f" - toUnixTimestamp64Micro({origin}), {width}) AS number, verdict, count()"
            f" FROM trail WHERE {condition.sql} GROUP BY number, verdict ORDER BY number, verdict",
            {**condition.parameters, **parameters.values},
        )
        found: dict[int, dict[str, int]] = {}
        for number, verdict, accesses in answer.rows:
            found.setdefault(int(number), {})[str(verdict)] = int(accesses)
        return found


def _counted(query: Query, value: str, names: frozenset[str]) -> Condition:
    """Give the statement that counts what a query finds by a value, made of the fields `names`.

    Later verdicts are looked for where they can matter alone: few accesses are judged again, and the others
    have their first verdict, which is read without a join. What later verdicts do not repeat is joined.
    """
    condition = condition_of(query)
    if not (names & OF_THE_VERDICT or names_any(query, OF_THE_VERDICT)):
        return condition._replace(sql=_grouped("accesses", value, condition.sql))
    if names & _NEWEST_ALONE or names_any(query, _NEWEST_ALONE):
        return condition._replace(sql=_grouped("trail", value, condition.sql))
    days = days_of(query)
    again = f"(SELECT id FROM later_verdicts WHERE {days.sql})"  # noqa: S608 - a placeholder
    first = _grouped("accesses", value, f"({condition.sql}) AND id NOT IN {again}")
    newest = _grouped("trail", value, f"({condition.sql}) AND id IN {again}")
    return Condition(f"{first} UNION ALL {newest}", {**condition.parameters, **days.parameters})


def _grouped(view: str, value: str, where: str) -> str:
    return f"SELECT {value} AS value, count() AS n FROM {view} WHERE {where} GROUP BY value"  # noqa: S608 - as above


def _listed(counts: Mapping[str, int]) -> tuple[tuple[str | None, int], ...]:
    """Put the most frequent values first; one that is absent is stored as the empty text."""
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple((value or None, count) for value, count in most_first)


def _facet(name: str, kept: Sequence[Kept], most: int) -> Facet:
    counts: Counter[str] = Counter()
    for one in kept:
        counts[getattr(one, name)] += one.accesses
    return Facet(name, len(counts), _listed(counts)[:most])


def _in_bars(kept: Sequence[Kept], first: datetime, step: timedelta) -> dict[int, dict[str, int]]:
    found: dict[int, Counter[str]] = {}
    for one in sorted(kept, key=lambda each: each.verdict):
        found.setdefault((one.begin - first) // step, Counter())[one.verdict] += one.accesses
    return {number: dict(verdicts) for number, verdicts in found.items()}


def counted_fields(names: Sequence[str]) -> list[Field]:
    """Give the fields of these names, each once. Raises `QueryRejected` where one cannot be counted by."""
    fields = [_counted_field(name) for name in dict.fromkeys(names)]
    if not 1 <= len(fields) <= MOST_FACETS:
        raise QueryRejected(
            f"{len(fields)} fields were named", f"1 to {MOST_FACETS} fields are counted by at once"
        )
    return list(dict.fromkeys(fields))


def _counted_field(name: str) -> Field:
    field = find_field(name)
    if field is None:
        near = closest(name.lower(), FIELDS)
        raise QueryRejected(
            f"there is no field {name!r}",
            f"did you mean {near}?" if near else f"the fields are {', '.join(FIELDS)}",
        )
    if field.kind not in _COUNTED_KINDS:
        raise QueryRejected(
            f"{name} is not counted by: hardly any two accesses share its value",
            "count by fields of texts, of fixed values, lists or flags",
        )
    return field


def _value(field: Field) -> str:
    """Give the expression for a field's value as text; a list has a row for each, an empty one for none."""
    if field.kind == "list":
        return f"arrayJoin(if(empty({field.name}), [''], {field.name}))"
    if field.kind == "flag":
        return f"if({field.name}, 'true', 'false')"
    return f"toString({field.name})"


def _step(span: timedelta, most: int) -> timedelta:
    """Give the narrowest width of which `most` bars cover a span, wherever it begins."""
    needed_s = math.ceil(span.total_seconds() + 1) / max(1, most - 1)
    weeks = math.ceil(needed_s / _STEPS_S[-1])
    return timedelta(seconds=next((step for step in _STEPS_S if step >= needed_s), weeks * _STEPS_S[-1]))


def _aligned(moment: datetime, step: timedelta) -> datetime:
    """Give the last begin of a bar at or before an instant: weeks begin on Mondays, days at midnight."""
    return _MONDAY + (moment - _MONDAY) // step * step

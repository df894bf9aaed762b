"""The newest accesses that meet a condition, without reading all that do.

The trail is sorted by customer, so the newest of a month lie in every part of it. A search therefore
begins with the last day and goes further back only where that holds too few: what was found in a later
time comes before all that an earlier one holds, so the page is the same.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from earwitness.query.conditions import Condition, Parameters, both, day_before
from earwitness.query.language import Query, all_of, between, condition_of, conjuncts, names_any, reach
from earwitness.query.language.tree import Term, Text, leaves
from earwitness.query.rows import ROW_COLUMNS, VERDICT_FIELDS, Row, rows_of
from earwitness.query.store import Answer, Store
from models.fields import EARLIEST_TIME, EVERY_CUSTOMER

FIRST_LOOK: Final = timedelta(days=1)
WIDER: Final = 6
"""How many times further back each next look goes: a fifth of it is looked at twice."""

FURTHEST_LOOK: Final = timedelta(days=300)
"""A look that would go further back than this goes back to the beginning."""

SOON_FOUND: Final = frozenset({"id", "customer_id", "resource_id", "evidence_ref"})
"""Fields of which a value has few accesses, which the sort key or an index finds: looked for at once."""

FIRST_VERDICT: Final = frozenset({"verdict", "reason", "clause"})
"""Fields of the newest verdict; the view `accesses` has them of the first, `later_verdicts` of later ones."""

OF_THE_VERDICT: Final = frozenset({*VERDICT_FIELDS, "judged_at"})
"""Fields of which the view `trail` has the newest value, and the others the first or none."""

_NEWEST_FIRST: Final = "ORDER BY time DESC, id DESC, source DESC"
_KEYS: Final = (
    "received_day, customer_id, toUnixTimestamp64Micro(it.time) AS at, toString(it.id) AS identifier"
)


class Wanted(NamedTuple):
    """A query without relative times, and how many rows are wanted. `beyond` is a further condition, by which
    a next page goes on. Looks go back from `begin`, or all the way at once where it is None.
    """  # noqa: D205 - one sentence

    query: Query
    limit: int
    beyond: Condition = Condition("1", {})
    begin: datetime | None = None


class Found(NamedTuple):
    """The newest rows, and whether there are more."""

    rows: list[Row]
    more: bool


def find_newest(store: Store, wanted: Wanted) -> Found:
    """Look further and further back until there are enough."""
    for query in _looks(wanted):
        look = wanted._replace(query=query)
        keys = _keys(store, look)
        if len(keys.rows) > wanted.limit:
            break
    return _shown(store, look, keys)


def _looks(wanted: Wanted) -> Iterator[Query]:
    """Give the query of each look, the last one as far back as is wanted."""
    since, until = reach(wanted.query, "time")
    begin = min(filter(None, (until, wanted.begin)), default=EARLIEST_TIME)
    look = FIRST_LOOK
    if begin - EARLIEST_TIME > FURTHEST_LOOK and not any(map(_finds_few, conjuncts(wanted.query))):
        while look <= FURTHEST_LOOK and (since is None or begin - look > since):
            yield all_of((wanted.query, between(begin - look, None)))
            look *= WIDER
    yield wanted.query


def _finds_few(part: Query) -> bool:
    return (
        isinstance(part, Term)
        and part.field.name in SOON_FOUND
        and all(isinstance(value, Text) and value.text != EVERY_CUSTOMER for value in part.values)
    )


def _keys(store: Store, wanted: Wanted) -> Answer:
    """Find where the accesses stand in the sort key, and one more than are wanted where there are more."""
    condition = both(condition_of(wanted.query), wanted.beyond)
    if not names_any(wanted.query, OF_THE_VERDICT):
        return _ask(store, "accesses", _KEYS, condition, wanted.limit + 1)
    condition = both(condition, candidates(wanted.query))
    return _ask(store, "trail", _KEYS, condition, wanted.limit + 1)


def _shown(store: Store, wanted: Wanted, keys: Answer) -> Found:
    """Read the rows of those that are shown, with what was judged of these later.

    An access whose verdict changed since its key was found is not shown.
    """
    if not keys.rows:
        return Found([], more=False)
    condition = both(both(condition_of(wanted.query), wanted.beyond), _are(keys.rows[: wanted.limit]))
    rows = _ask(store, "trail", ROW_COLUMNS, condition, wanted.limit)
    return Found(rows_of(rows), len(keys.rows) > wanted.limit)


def _ask(store: Store, view: str, columns: str, where: Condition, limit: int) -> Answer:
    return store.ask(
        f"SELECT {columns} FROM {view} AS it WHERE {where.sql} {_NEWEST_FIRST} LIMIT {limit:d}",  # noqa: S608 - names and numbers of ours
        where.parameters,
    )


def candidates(query: Query) -> Condition:
    """Name by their ids the accesses that can meet what is asked of the newest verdict.

    It changes no answer: where the newest meets it, it is the first one, or one of the later ones.
    ClickHouse applies it to both sides of the join, where it would otherwise sum up all later verdicts.
    """
    of_the_event = [part for part in conjuncts(query) if not names_any(part, OF_THE_VERDICT)]
    about = [part for part in conjuncts(query) if _is_of_first_verdicts(part)]
    if not about and all(_is_of_time(part) for part in of_the_event):
        return Condition("1", {})
    first = condition_of(all_of((*of_the_event, *about)), prefix="first")
    ids = f"SELECT id FROM accesses WHERE {first.sql}"  # noqa: S608 - a compiled condition
    if not about:
        return Condition(f"id IN ({ids})", first.parameters)
    later = condition_of(all_of(about), prefix="later")
    days = days_of(query)
    return Condition(
        f"id IN ({ids} UNION ALL SELECT id FROM later_verdicts WHERE {days.sql} AND {later.sql})",  # noqa: S608 - compiled conditions
        {**first.parameters, **later.parameters, **days.parameters},
    )


def days_of(query: Query) -> Condition:
    """Name the days of which later verdicts can be about what a query finds."""
    days = Parameters("days")
    since = reach(query, "time").begin
    return Condition("1" if since is None else f"received_day >= {day_before(since, days)}", days.values)


def _is_of_time(part: Query) -> bool:
    return isinstance(part, Term) and part.field.name == "time"


def _is_of_first_verdicts(part: Query) -> bool:
    return all(isinstance(leaf, Term) and leaf.field.name in FIRST_VERDICT for leaf in leaves(part))


def _are(keys: Sequence[tuple[Any, ...]]) -> Condition:
    """Restrict to places in the sort key; accesses of several sources may share one."""
    days, customers, times, ids = zip(*keys, strict=True)
    key = Parameters("key")
    received = key.add(sorted({day.isoformat() for day in days}), "Array(Date)")
    identifiers = key.add(list(ids), "Array(UUID)")
    places = (
        f"arrayZip({key.add(list(customers), 'Array(String)')}, {key.add(list(times), 'Array(Int64)')},"
        f" {identifiers})"
    )
    return Condition(
        f"received_day IN {received} AND id IN {identifiers} AND (customer_id, time, id) IN"  # noqa: S608 - placeholders
        " (SELECT place.1, fromUnixTimestamp64Micro(place.2, 'UTC'), place.3"
        f" FROM (SELECT arrayJoin({places}) AS place))",
        key.values,
    )

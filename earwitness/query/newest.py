"""The newest accesses that meet a condition, without reading all that do.

The trail is sorted by customer, so the newest of a month lie in every part of it. A search therefore
begins with the last day and goes further back only where that holds too few: what was found in a later
time comes before all that an earlier one holds, so the page is the same.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from earwitness.query.conditions import Condition, Parameters, both, day_before
from earwitness.query.language import Query, all_of, between, condition_of, conjuncts, names_any, reach
from earwitness.query.language.tree import EVERYTHING, Term, Text, leaves
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

TOLD_OF_THE_ACCESS: Final = frozenset({"time", "actor_type", "actor_id"})
"""What a later verdict says of its access; one of an older worker does not, and has no `first_verdict`."""

OF_THE_VERDICT: Final = frozenset({*VERDICT_FIELDS, "judged_at"})
"""Fields of which the view `trail` has the newest value, and the others the first or none."""

_NEWEST_FIRST: Final = "ORDER BY time DESC, id DESC, source DESC"
_FEW: Final = {"use_top_k_dynamic_filtering": 0}
"""To find few among many: else ClickHouse reads the time of every row first, and of most the rest as well."""

_KEYS: Final = (
    "received_day, customer_id, toUnixTimestamp64Micro(it.time) AS at, toString(it.id) AS identifier"
)

# Of the later verdicts, the accesses that met it once, and of these the ones whose newest verdict does.
_NEWEST_MEETS: Final = """
    SELECT id, source FROM
    (
        SELECT id, source, newest.1 AS verdict, newest.2 AS reason, newest.3 AS clause FROM
        (
            SELECT id, source, argMax((verdict, reason, clause), (evidence_version, judged_at)) AS newest
            FROM {again} AND id IN (SELECT id FROM {again} AND ({met})) GROUP BY id, source
        )
    )
    WHERE {met}"""


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
    back = timedelta.max if any(map(_finds_few, conjuncts(wanted.query))) else FIRST_LOOK
    while True:
        look = wanted._replace(query=_looking_back(wanted, back))
        keys = _keys(store, look, {} if back == FIRST_LOOK else _FEW)
        if len(keys.rows) > wanted.limit or look.query == wanted.query:
            return _shown(store, look, keys)
        # Where so few were found, the next look would most likely find too few as well.
        back *= WIDER if len(keys.rows) * WIDER > wanted.limit else WIDER**2


def _looking_back(wanted: Wanted, back: timedelta) -> Query:
    """Ask for no more than the last `back` of what is wanted, or for all of it where that is hardly more."""
    since, until = reach(wanted.query, "time")
    begin = min(filter(None, (until, wanted.begin)), default=EARLIEST_TIME)
    is_all = back > FURTHEST_LOOK or begin - EARLIEST_TIME <= FURTHEST_LOOK
    if is_all or (since is not None and begin - back <= since):
        return wanted.query
    return all_of((wanted.query, between(begin - back, None)))


def _finds_few(part: Query) -> bool:
    return (
        isinstance(part, Term)
        and part.field.name in SOON_FOUND
        and all(isinstance(value, Text) and value.text != EVERY_CUSTOMER for value in part.values)
    )


def _keys(store: Store, wanted: Wanted, settings: Mapping[str, Any]) -> Answer:
    """Find where the accesses stand in the sort key, and one more than are wanted where there are more."""
    view, condition = _where_to_look(wanted)
    statement = _newest(_KEYS, view, condition, wanted.limit + 1)
    return store.ask(statement, condition.parameters, limits=settings)


def _where_to_look(wanted: Wanted) -> tuple[str, Condition]:
    """Give what to select the keys from, without the join of the view `trail` where that can be."""
    of_verdicts, others = _told_apart(wanted.query)
    if names_any(others, OF_THE_VERDICT):
        condition = both(condition_of(wanted.query), wanted.beyond)
        return "trail", both(condition, candidates(wanted.query))
    condition = both(condition_of(others), wanted.beyond)
    if of_verdicts == EVERYTHING:
        return "accesses", condition
    judged = _judged(wanted, of_verdicts, condition)
    return f"({judged.sql})", Condition("1", judged.parameters)


def _told_apart(query: Query) -> tuple[Query, Query]:
    """Give what is asked of the newest verdict, as far as a view of first ones has it, and all the rest."""
    of_verdicts = [part for part in conjuncts(query) if _only_names(part, FIRST_VERDICT)]
    return all_of(of_verdicts), all_of([part for part in conjuncts(query) if part not in of_verdicts])


def _judged(wanted: Wanted, of_verdicts: Query, condition: Condition) -> Condition:
    """Select what meets both a condition on the event and what is asked of its newest verdict.

    One after the other, as ClickHouse reads the ids of all rows for a choice between the two: first verdicts
    of accesses that were not judged again, then the newest of the others, which their later verdicts name.
    """
    met = condition_of(of_verdicts, prefix="met")
    again = _again(wanted.query)
    selected = f"SELECT received_day, customer_id, time, id, source FROM accesses AS it WHERE {condition.sql}"  # noqa: S608 - names of ours and a compiled condition
    newest_first = f"{_NEWEST_FIRST} LIMIT {wanted.limit + 1:d}"
    return Condition(
        f"{selected} AND ({met.sql}) AND (it.id, it.source) NOT IN (SELECT id, source FROM {again.sql})"  # noqa: S608 - as above
        f" {newest_first} UNION ALL {selected} AND (it.id, it.source) IN"
        f" ({_NEWEST_MEETS.format(again=again.sql, met=met.sql)}) {newest_first}",
        {**condition.parameters, **met.parameters, **again.parameters},
    )


def _again(query: Query) -> Condition:
    """Name the later verdicts of what a query finds, by their day and by what they tell of their access."""
    told = all_of([part for part in conjuncts(query) if _only_names(part, TOLD_OF_THE_ACCESS)])
    access, days = condition_of(told, prefix="told"), days_of(query)
    return Condition(
        f"later_verdicts WHERE {days.sql} AND (first_verdict = '' OR ({access.sql}))",
        {**access.parameters, **days.parameters},
    )


def _shown(store: Store, wanted: Wanted, keys: Answer) -> Found:
    """Read the rows of those that are shown, with what was judged of these later.

    An access whose verdict changed since its key was found is not shown.
    """
    if not keys.rows:
        return Found([], more=False)
    condition = both(both(condition_of(wanted.query), wanted.beyond), _are(keys.rows[: wanted.limit]))
    rows = store.ask(_newest(ROW_COLUMNS, "trail", condition, wanted.limit), condition.parameters)
    return Found(rows_of(rows), len(keys.rows) > wanted.limit)


def _newest(columns: str, view: str, where: Condition, limit: int) -> str:
    return f"SELECT {columns} FROM {view} AS it WHERE {where.sql} {_NEWEST_FIRST} LIMIT {limit:d}"  # noqa: S608 - names and numbers of ours


def candidates(query: Query) -> Condition:
    """Name by their ids the accesses that can meet what is asked of the newest verdict.

    It changes no answer: where the newest meets it, it is the first one, or one of the later ones.
    ClickHouse applies it to both sides of the join, where it would otherwise sum up all later verdicts.
    """
    about, others = _told_apart(query)
    of_the_event = [part for part in conjuncts(others) if not names_any(part, OF_THE_VERDICT)]
    if about == EVERYTHING and all(_only_names(part, {"time"}) for part in of_the_event):
        return Condition("1", {})
    first = condition_of(all_of((*of_the_event, about)), prefix="first")
    ids = f"SELECT id FROM accesses WHERE {first.sql}"  # noqa: S608 - a compiled condition
    if about == EVERYTHING:
        return Condition(f"id IN ({ids})", first.parameters)
    later = condition_of(about, prefix="later")
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


def _only_names(part: Query, fields: Collection[str]) -> bool:
    return all(isinstance(leaf, Term) and leaf.field.name in fields for leaf in leaves(part))


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

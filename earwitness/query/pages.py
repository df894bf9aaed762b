"""What there is of one actor, customer, resource or evidence record: first and last seen, and counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from earwitness.query.evidence import Item
from earwitness.query.language import Query, all_of, between, condition_of
from earwitness.query.language.fields import FIELDS
from earwitness.query.language.tree import Term, Text
from earwitness.query.rows import plain
from earwitness.query.store import Store
from earwitness.query.trail import with_ids
from models.fields import EARLIEST_TIME, parse_time

PageKind = Literal["actor", "customer", "resource", "evidence"]
MOST_GROUPS: Final = 10_000

_FIELD_OF: Final[Mapping[PageKind, str]] = {
    "actor": "actor_id",
    "customer": "customer_id",
    "resource": "resource_id",
    "evidence": "evidence_used",
}


class Seen(NamedTuple):
    """When something was first and last seen, and how often: by clause, verdict, purpose and kind of actor.

    An access counts under None where it has no clause, or no purpose was declared.
    """

    first: str | None
    last: str | None
    total: int
    verdicts: list[dict[str, Any]]
    clauses: list[dict[str, Any]]
    purposes: list[dict[str, Any]]
    actor_types: list[dict[str, Any]]


class Pages:
    """The named questions of pages about one thing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def seen(self, query: Query, kind: PageKind) -> Seen:
        """Count what a page is about; `query` is what `about` gives."""
        condition = condition_of(query)
        # Evidence is named by the newest verdict alone: there are no ids to look for first.
        where = condition.sql if kind == "evidence" else with_ids(condition)
        names = "verdict, clause, purpose, actor_type"
        answer = self._store.ask(
            f"SELECT {names}, count() AS accesses, min(trail.time) AS first, max(trail.time) AS last"  # noqa: S608 - a compiled condition
            f" FROM trail WHERE {where} GROUP BY {names} LIMIT {MOST_GROUPS}",
            condition.parameters,
        )
        groups = [plain(record) for record in answer.records()]
        return Seen(
            min((group["first"] for group in groups), default=None),
            max((group["last"] for group in groups), default=None),
            sum(group["accesses"] for group in groups),
            *(_counted(groups, name) for name in ("verdict", "clause", "purpose", "actor_type")),
        )


def about(kind: PageKind, identifier: str, *, since: datetime | None, until: datetime | None) -> Query:
    """Ask for the accesses by that actor, to that resource, or which that evidence justifies."""
    subject = Term(FIELDS[_FIELD_OF[kind]], (Text(identifier),))
    return all_of((subject, between(since, until)))


class Life(NamedTuple):
    """When a record was in force, by any of its versions: it justifies nothing outside."""

    begin: datetime | None
    end: datetime | None


def life_of(versions: Sequence[Item]) -> Life:
    """Tell of all versions of a record; of an unknown one nothing is known."""
    begins = [parse_time(item["record"]["valid_from"]) for item in versions]
    ends = [item["record"].get("valid_to") for item in versions]
    return Life(
        max(min(begins), EARLIEST_TIME) if begins else None,
        max(map(parse_time, ends)) if ends and all(ends) else None,
    )


def _counted(groups: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    counts: Counter[str | None] = Counter()
    for group in groups:
        counts[group[name]] += group["accesses"]
    listed = sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))
    return [{name: value, "accesses": accesses} for value, accesses in listed]

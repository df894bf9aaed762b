"""What a change of evidence can reach: the accesses whose verdict it may alter, and few others.

A reach never misses an access whose verdict differs; it may hold some whose verdict turns out the
same. So what it names is judged again, and only a verdict that differs is new.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from math import prod
from typing import Final, NamedTuple

from earwitness.policy.access import Access
from earwitness.policy.clauses import NAMED_WHERE_DERIVED, CompiledClause
from earwitness.policy.entries import FOREVER, Entry
from earwitness.policy.evidence import EvidenceIndex
from earwitness.policy.shelves import MOST_PAIRS
from earwitness.policy.versions import PolicySet
from models.evidence import KINDS_WITH_ALIASES, EvidenceRecord

_ALWAYS: Final = (datetime.min.replace(tzinfo=UTC), FOREVER)
_VALIDITY: Final = {"valid_from", "valid_to", "status", "withdrawn_at", "recorded_at"}
"""Fields that say when a record holds, and nothing of what it covers."""

_LINKED_ACTORS: Final = {
    "employment": "employee",
    "affiliation": "affiliate",
    "engagement": "vendor",
    "service_account": "service",
}
"""Whose ids the aliases of a kind join."""

Window = tuple[datetime, datetime]
Shape = tuple[tuple[str, ...], tuple[str, ...], bool]
"""What a selector asks: of which actor types, by which attributes, and whether of uncited accesses only."""


class Change(NamedTuple):
    """One piece of evidence before and after `version`: `before` is None where the ref was unknown."""

    version: int
    before: EvidenceRecord | None
    after: EvidenceRecord

    @property
    def records(self) -> Iterator[EvidenceRecord]:
        """Give both states, the one before first."""
        if self.before is not None:
            yield self.before
        yield self.after


class Selector(NamedTuple):
    """Accesses alike in what evidence can be about.

    The access's attributes `by` have, together, one of `values`; an empty `by` does not restrict, nor
    do empty `actor_types`. `uncited`: only accesses that cite nothing. `since` is inclusive, `until` not.
    """

    actor_types: tuple[str, ...]
    by: tuple[str, ...]
    values: frozenset[tuple[str, ...]]
    uncited: bool = False
    since: datetime = _ALWAYS[0]
    until: datetime = _ALWAYS[1]

    @property
    def shape(self) -> Shape:
        """Say what it asks, without the values and times for which it does."""
        return self.actor_types, self.by, self.uncited

    def selects(self, access: Access) -> bool:
        """Say whether it selects this access."""
        return (
            (not self.actor_types or access.actor_type in self.actor_types)
            and not (self.uncited and access.evidence_ref)
            and self.since <= access.time < self.until
            and (not self.by or tuple(getattr(access, name) or "" for name in self.by) in self.values)
        )


def reach(changes: Sequence[Change], index: EvidenceIndex, policies: PolicySet) -> tuple[Selector, ...]:
    """Name the accesses that `changes` can affect, by as few selectors as have different shapes.

    `index` holds the changes, and may hold later ones: what those affect is for their own reach to say.
    """
    return together(reach_of_each(changes, index, policies))


def reach_of_each(
    changes: Sequence[Change], index: EvidenceIndex, policies: PolicySet
) -> list[tuple[Selector, ...]]:
    """Name for each of `changes` what it can affect; `index` is walked through once for all."""
    links = _Links(changes, index)
    everybodys = _made_staff_known(changes, index)
    return [
        _merged(
            (
                *_citing(change),
                *_explained(change, links, policies),
                *_standing(change, links),
                *([Selector(("employee",), (), frozenset())] if change.after.ref in everybodys else ()),
            )
        )
        for change in changes
    ]


def together(reaches: Iterable[Iterable[Selector]]) -> tuple[Selector, ...]:
    """Name what any of `reaches` holds, by as few selectors as have different shapes."""
    return _merged(selector for selectors in reaches for selector in selectors)


def _citing(change: Change) -> Iterator[Selector]:
    yield Selector((), ("evidence_ref",), frozenset({(change.after.ref,)}))


def _explained(change: Change, links: "_Links", policies: PolicySet) -> Iterator[Selector]:
    """Name what the record may explain without being cited, or may no longer."""
    for record in change.records:
        window = _window(Entry(record, 0))
        for policy in policies.policies:
            for clause in policy.clauses:
                if clause.kind == record.kind:
                    yield from _explained_by(clause, record, window, links)


def _explained_by(
    clause: CompiledClause, record: EvidenceRecord, window: Window, links: "_Links"
) -> Iterator[Selector]:
    if clause.by_assignee:
        # Even an account that does not hold can give the reason, and what is cited does not count.
        values = frozenset((name,) for name in links.known_as(record.assignees))
        yield Selector(tuple(sorted(clause.actors)), ("actor_id",), values)
        return
    people = tuple(sorted(clause.actors & NAMED_WHERE_DERIVED))
    if people and record.assignees:
        for column, names in (
            ("actor_id", links.known_as(record.assignees)),
            ("actor_team", record.assignees),
        ):
            yield _uncited(people, column, names, record, window)
    others = tuple(sorted(clause.actors - NAMED_WHERE_DERIVED))
    if others and clause.same_organization and record.organization is not None:
        yield _uncited(others, "organization", (record.organization,), record, window)
    elif others and not clause.same_organization:
        yield _uncited(others, None, (), record, window)


def _uncited(
    actor_types: tuple[str, ...],
    column: str | None,
    names: Collection[str],
    record: EvidenceRecord,
    window: Window,
) -> Selector:
    """Name those who cite nothing, by both of the columns that the record restricts.

    Of many pairs one column must do, the one with fewer values: the pairs of a record of 40 KB are millions.
    """
    columns = {column: names} if column else {}
    if record.customer_ids:
        columns["customer_id"] = record.customer_ids
    if prod(len(values) for values in columns.values()) > MOST_PAIRS:
        shorter = min(columns, key=lambda name: len(columns[name]))
        columns = {shorter: columns[shorter]}
    rows = frozenset(product(*columns.values())) if columns else frozenset()
    return Selector(actor_types, tuple(columns), rows, True, *window)


def _standing(change: Change, links: "_Links") -> Iterator[Selector]:
    """Name the accesses of those of whom the record says who they are, or that they belong here."""
    window = _standing_window(change)
    for record in change.records:
        if record.kind == "employment" or (record.kind == "service_account" and record.aliases):
            names = links.known_as((*record.assignees, *record.aliases))
            values = frozenset((name,) for name in names)
            yield Selector((_LINKED_ACTORS[record.kind],), ("actor_id",), values, False, *window)
        elif record.kind == "affiliation" or (record.kind == "engagement" and record.aliases):
            values = frozenset({(record.organization or "",)})
            yield Selector((_LINKED_ACTORS[record.kind],), ("organization",), values, False, *window)


def _standing_window(change: Change) -> Window:
    """Say at which times standing, teams or aliases can have changed."""
    before, after = change.before, change.after
    if before is None:
        return _ALWAYS if after.aliases else _window(Entry(after, 0))
    said, says = (record.model_dump(exclude=_VALIDITY) for record in (before, after))
    if said == says:
        return _difference(_window(Entry(before, 0)), _window(Entry(after, 0)))
    if before.aliases or after.aliases:
        return _ALWAYS  # an alias holds whether or not its record is in force
    return _hull([_window(Entry(before, 0)), _window(Entry(after, 0))])


def _window(entry: Entry) -> Window:
    return entry.valid_from, min(entry.valid_to, entry.withdrawn_from)


def _difference(one: Window, other: Window) -> Window:
    """Span the times that lie in one window and not in the other."""
    if one[0] >= one[1] or other[0] >= other[1]:
        return _hull([window for window in (one, other) if window[0] < window[1]])
    bounds = [bound for pair in zip(one, other, strict=True) if pair[0] != pair[1] for bound in pair]
    return (min(bounds), max(bounds)) if bounds else (_ALWAYS[0], _ALWAYS[0])


def _hull(windows: Sequence[Window]) -> Window:
    if not windows:
        return _ALWAYS[0], _ALWAYS[0]
    return min(begin for begin, _ in windows), max(end for _, end in windows)


def _made_staff_known(changes: Sequence[Change], index: EvidenceIndex) -> Collection[str]:
    """Give the refs by which anyone's employment may be known now and was not before, or the reverse.

    Of employments that were changed after these it is not known here what they were before.
    """
    toggled = {
        change.after.ref
        for change in changes
        if _is_employment(change.before) != _is_employment(change.after)
    }
    if not toggled:
        return ()
    steady = any(_is_employment(change.after) and change.after.ref not in toggled for change in changes)
    first = min(change.version for change in changes)
    if steady or any(entry.kind == "employment" and entry.version < first for entry in index.entries()):
        return ()
    return toggled


def _is_employment(record: EvidenceRecord | None) -> bool:
    return record is not None and record.kind == "employment"


def _merged(selectors: Iterable[Selector]) -> tuple[Selector, ...]:
    """Make one selector of those with the same shape, over all their values and times."""
    shapes: defaultdict[Shape, list[Selector]] = defaultdict(list)
    for selector in selectors:
        if selector.since < selector.until and (selector.values or not selector.by):
            shapes[selector.shape].append(selector)
    return tuple(
        Selector(
            actor_types,
            by,
            frozenset().union(*(selector.values for selector in alike)),
            uncited,
            *_hull([(selector.since, selector.until) for selector in alike]),
        )
        for (actor_types, by, uncited), alike in shapes.items()
    )


class _Links:
    """Which ids may be one actor: every alias that a register told or tells of, whoever entered it.

    Built when first asked, for most changes name nobody who has another id.
    """

    def __init__(self, changes: Sequence[Change], index: EvidenceIndex) -> None:
        self._changes = changes
        self._index = index
        self._joined: Mapping[str, Sequence[Sequence[str]]] | None = None

    def known_as(self, names: Collection[str]) -> Collection[str]:
        """Give `names` and all ids that any chain of aliases joins to one of them."""
        if self._joined is None:
            self._joined = self._join()
        known, ahead = set(names), list(names)
        while ahead:
            for ids in self._joined.get(ahead.pop(), ()):
                ahead += [name for name in ids if name not in known]
                known.update(ids)
        return known

    def _join(self) -> Mapping[str, Sequence[Sequence[str]]]:
        joined: defaultdict[str, list[Sequence[str]]] = defaultdict(list)
        told = [
            (*record.assignees, *record.aliases)
            for change in self._changes
            for record in change.records
            if record.kind in KINDS_WITH_ALIASES and record.aliases
        ]
        for ids in (*told, *(entry.actor_ids for entry in self._index.entries() if entry.actor_ids)):
            for name in ids:
                joined[name].append(ids)
        return joined

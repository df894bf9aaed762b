"""Questions about evidence: what the registers say now, what they said before, what was known when."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

from earwitness.query.conditions import Parameters
from earwitness.query.store import Store
from models.errors import QueryRejected
from models.evidence import KINDS_WITH_ALIASES, EvidenceRecord
from models.fields import format_time

MOST_RECORDS: Final = 1_000_000
"""Records that an explanation can look through."""

MOST_VERSIONS: Final = 1_000
"""Versions of one record in one answer, the newest ones."""

MOST_ALIAS_STEPS: Final = 8
"""How far ids are followed from record to record; who has more of them is looked up in all records."""

MOST_LINKS: Final = 1_000
"""Records that are followed in one step."""

_ALIASES: Final = "JSONExtract(record, 'aliases', 'Array(String)')"

MOST_CHANGES: Final = 1_000
"""Changes of the registers that are held against the history of one access."""

Item = dict[str, Any]
"""`version` (its offset), `registered_at` (the broker's time) and `record`, as the register gave it."""


class EvidencePage(NamedTuple):
    """The newest version of each record, by ref; `next` is the `after` of the next page, None at the end."""

    items: list[Item]
    next: str | None


class KnownRecord(NamedTuple):
    """A record as it stood at some version of the registers."""

    record: EvidenceRecord
    version: int
    registered_at: datetime


class Subject(NamedTuple):
    """What an access says that evidence can be about. An empty `ref` or `actor_team` is none.

    `aliases` are the actor's other ids, and `linking` the refs of the records that say so:
    `Evidence.identified` finds them.
    """

    ref: str
    customer_id: str
    actor_id: str
    organizations: tuple[str, ...]
    actor_team: str = ""
    aliases: tuple[str, ...] = ()
    linking: tuple[str, ...] = ()

    @property
    def actor_ids(self) -> list[str]:
        """Every id of the actor."""
        return [self.actor_id, *self.aliases]


class Registration(NamedTuple):
    """One version of a record entering the registers. `first`: there was none of its ref before."""

    ref: str
    version: int
    registered_at: datetime
    status: str
    first: bool


class Evidence:
    """The named questions about evidence."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def current(
        self, *, kind: str, customer_id: str, after: str, limit: int, prefix: str = ""
    ) -> EvidencePage:
        """Give the newest version of each record behind `after`; empty strings do not restrict."""
        answer = self._store.ask(
            "SELECT ref, max(version) AS newest, argMax(evidence.registered_at, version) AS registered_at,"
            " argMax(evidence.record, version) AS record FROM evidence"
            " WHERE ref > {after:String} AND startsWith(ref, {prefix:String}) GROUP BY ref"
            " HAVING ({kind:String} = '' OR argMax(kind, version) = {kind:String})"
            " AND ({customer:String} = '' OR has(argMax(customer_ids, version), {customer:String}))"
            " ORDER BY ref LIMIT {limit:UInt32}",
            {"after": after, "prefix": prefix, "kind": kind, "customer": customer_id, "limit": limit + 1},
        )
        items = [_item(version, registered, record) for _, version, registered, record in answer.rows[:limit]]
        return EvidencePage(items, answer.rows[limit - 1][0] if len(answer.rows) > limit else None)

    def versions(self, ref: str) -> list[Item]:
        """Give every version of one record, newest first; empty where there is none."""
        answer = self._store.ask(
            "SELECT version, registered_at, record FROM evidence WHERE ref = {ref:String}"
            " ORDER BY version DESC LIMIT {limit:UInt32}",
            {"ref": ref, "limit": MOST_VERSIONS},
        )
        return [_item(*row) for row in answer.rows]

    def known_at(self, version: int, about: Subject | None = None) -> list[KnownRecord]:
        """Give each record as it stood once `version` was the newest of all, by version.

        With `about`, only those that can matter for such an access: what is cited, what covers the
        customer, what names the actor under any of its ids, its team or an organization, what is about
        everybody, and one employment, which tells that any is known. `about` is `identified` before.

        Raises `QueryRejected` where there are more than this can look through.
        """
        parameters = Parameters()
        condition = f"version <= {parameters.add(version, 'Int64')}"
        if about is not None:
            # The refs first, by short columns; then their records, which are long.
            narrow = _matters(about, parameters)
            employments = f"SELECT ref FROM evidence WHERE {condition} AND kind = 'employment'"  # noqa: S608 - constants and placeholders
            condition += (
                f" AND (ref IN (SELECT ref FROM evidence WHERE {condition} AND ({narrow}))"  # noqa: S608 - constants and placeholders
                f" OR ref IN (SELECT ref FROM evidence WHERE {condition} AND ref IN ({employments})"
                " GROUP BY ref HAVING argMax(kind, version) = 'employment' ORDER BY min(version) LIMIT 1))"
            )
        answer = self._store.ask(
            "SELECT argMax(evidence.record, version) AS record, max(version) AS newest,"  # noqa: S608 - constants and placeholders
            f" argMax(evidence.registered_at, version) AS registered_at FROM evidence WHERE {condition}"
            f" GROUP BY ref ORDER BY newest LIMIT {parameters.add(MOST_RECORDS + 1, 'UInt32')}",
            parameters.values,
        )
        if len(answer.rows) > MOST_RECORDS:
            raise QueryRejected(f"more than {MOST_RECORDS} evidence records were known at version {version}")
        return [
            KnownRecord(EvidenceRecord.model_validate_json(record), number, registered)
            for record, number, registered in answer.rows
        ]

    def identified(self, about: Subject, version: int) -> Subject:
        """Add the actor's other ids: all that records up to `version` join to it, from alias to alias."""
        ids, linking = [about.actor_id], set[str]()
        for _ in range(MOST_ALIAS_STEPS):
            answer = self._store.ask(
                f"SELECT ref, arrayConcat(assignees, {_ALIASES}) AS names FROM evidence"  # noqa: S608 - constants and placeholders
                " WHERE version <= {version:Int64} AND kind IN {kinds:Array(String)}"
                f" AND notEmpty({_ALIASES}) AND hasAny(names, {{ids:Array(String)}})"
                " ORDER BY version LIMIT {limit:UInt32}",
                {"version": version, "kinds": sorted(KINDS_WITH_ALIASES), "ids": ids, "limit": MOST_LINKS},
            )
            linking.update(str(ref) for ref, _ in answer.rows)
            found = list(dict.fromkeys((*ids, *(str(name) for _, names in answer.rows for name in names))))
            if len(found) == len(ids):
                break
            ids = found
        return about._replace(aliases=tuple(ids[1:]), linking=tuple(sorted(linking)))

    def first_registered(self, refs: Collection[str]) -> dict[str, tuple[int, datetime]]:
        """Give the first version of each of `refs` and its time; unknown refs are left out."""
        answer = self._store.ask(
            "SELECT ref, min(version) AS first, argMin(evidence.registered_at, version) AS registered_at"
            " FROM evidence WHERE ref IN {refs:Array(String)} GROUP BY ref",
            {"refs": list(refs)},
        )
        return {str(ref): (first, registered_at) for ref, first, registered_at in answer.rows}

    def registered_between(
        self, after: int, upto: int, about: Subject, refs: Collection[str]
    ) -> list[Registration]:
        """Give what entered the registers above version `after` and up to `upto`, by version.

        Only of `refs`, and what says who the actor (`identified` before) or its organization is; of more
        than MOST_CHANGES the newest.
        """
        parameters = Parameters()
        interval = (
            f"version > {parameters.add(after, 'Int64')} AND version <= {parameters.add(upto, 'Int64')}"
        )
        ids = parameters.add(about.actor_ids, "Array(String)")
        kinds = parameters.add(sorted(KINDS_WITH_ALIASES), "Array(String)")
        organizations = parameters.add(list(about.organizations), "Array(String)")
        answer = self._store.ask(
            "SELECT ref, version, registered_at, status FROM evidence"  # noqa: S608 - constants and placeholders
            f" WHERE {interval} AND (ref IN {parameters.add([*refs, *about.linking], 'Array(String)')}"
            f" OR (kind IN {kinds} AND hasAny(assignees, {ids}))"
            f" OR (kind = 'affiliation' AND organization IN {organizations}))"
            f" ORDER BY version DESC LIMIT {parameters.add(MOST_CHANGES, 'UInt32')}",
            parameters.values,
        )
        firsts = self.first_registered({ref for ref, *_ in answer.rows})
        return [
            Registration(ref, version, registered_at, status, version == firsts[ref][0])
            for ref, version, registered_at, status in reversed(answer.rows)
        ]


def _matters(about: Subject, parameters: Parameters) -> str:
    refs = parameters.add([about.ref, *about.linking], "Array(String)")
    customer = parameters.add(about.customer_id, "String")
    names = parameters.add([*about.actor_ids, *filter(None, [about.actor_team])], "Array(String)")
    organizations = parameters.add(list(about.organizations), "Array(String)")
    return (
        f"ref IN {refs} OR has(customer_ids, {customer}) OR hasAny(assignees, {names})"
        f" OR organization IN {organizations} OR (empty(customer_ids) AND empty(assignees))"
    )


def _item(version: int, registered_at: datetime, record: str) -> Item:
    return {
        "version": version,
        "registered_at": format_time(registered_at),
        "record": json.loads(record),
    }

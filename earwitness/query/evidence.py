"""Questions about evidence: what the registers say now, what they said before, what was known when."""

import json
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
    """What an access says that evidence can be about. An empty `ref` is none."""

    ref: str
    customer_id: str
    actor_id: str
    organizations: tuple[str, ...]


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
        customer, what names the actor or an organization, and all that says who is who.

        Raises `QueryRejected` where there are more than this can look through.
        """
        parameters = Parameters()
        newest_of = f"version <= {parameters.add(version, 'Int64')} GROUP BY ref"
        having = f" HAVING {_matters(about, parameters)}" if about else ""
        answer = self._store.ask(
            "SELECT argMax(evidence.record, version) AS record, max(version) AS newest,"  # noqa: S608 - constants and placeholders
            " argMax(evidence.registered_at, version) AS registered_at FROM evidence"
            f" WHERE {newest_of}{having} ORDER BY newest LIMIT {parameters.add(MOST_RECORDS + 1, 'UInt32')}",
            parameters.values,
        )
        if len(answer.rows) > MOST_RECORDS:
            raise QueryRejected(f"more than {MOST_RECORDS} evidence records were known at version {version}")
        return [
            KnownRecord(EvidenceRecord.model_validate_json(record), number, registered)
            for record, number, registered in answer.rows
        ]


def _matters(about: Subject, parameters: Parameters) -> str:
    customer = parameters.add(about.customer_id, "String")
    actor = parameters.add(about.actor_id, "String")
    organizations = parameters.add(list(about.organizations), "Array(String)")
    return (
        f"argMax(kind, version) IN {parameters.add(sorted(KINDS_WITH_ALIASES), 'Array(String)')}"
        f" OR ref = {parameters.add(about.ref, 'String')}"
        f" OR empty(argMax(customer_ids, version)) OR has(argMax(customer_ids, version), {customer})"
        f" OR has(argMax(assignees, version), {actor})"
        f" OR argMax(organization, version) IN {organizations}"
    )


def _item(version: int, registered_at: datetime, record: str) -> Item:
    return {
        "version": version,
        "registered_at": format_time(registered_at),
        "record": json.loads(record),
    }

"""Questions about evidence: what the registers say now, what they said before, what was known when."""

import json
from datetime import datetime
from typing import Any, Final, NamedTuple

from earwitness.query.store import Store
from models.errors import QueryRejected
from models.evidence import EvidenceRecord
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


class Evidence:
    """The named questions about evidence."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def current(self, *, kind: str, customer_id: str, after: str, limit: int) -> EvidencePage:
        """Give the newest version of each record behind `after`; empty strings do not restrict."""
        answer = self._store.ask(
            "SELECT ref, max(version) AS newest, argMax(evidence.registered_at, version) AS registered_at,"
            " argMax(evidence.record, version) AS record FROM evidence"
            " WHERE ref > {after:String} GROUP BY ref"
            " HAVING ({kind:String} = '' OR argMax(kind, version) = {kind:String})"
            " AND ({customer:String} = '' OR has(argMax(customer_ids, version), {customer:String}))"
            " ORDER BY ref LIMIT {limit:UInt32}",
            {"after": after, "kind": kind, "customer": customer_id, "limit": limit + 1},
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

    def known_at(self, version: int) -> list[KnownRecord]:
        """Give each record as it stood once `version` was the newest of all, by version.

        Raises `QueryRejected` where there are more than this can look through.
        """
        answer = self._store.ask(
            "SELECT argMax(evidence.record, version) AS record, max(version) AS newest,"
            " argMax(evidence.registered_at, version) AS registered_at FROM evidence"
            " WHERE version <= {version:Int64} GROUP BY ref ORDER BY newest LIMIT {limit:UInt32}",
            {"version": version, "limit": MOST_RECORDS + 1},
        )
        if len(answer.rows) > MOST_RECORDS:
            raise QueryRejected(f"more than {MOST_RECORDS} evidence records were known at version {version}")
        return [
            KnownRecord(EvidenceRecord.model_validate_json(record), number, registered)
            for record, number, registered in answer.rows
        ]


def _item(version: int, registered_at: datetime, record: str) -> Item:
    return {
        "version": version,
        "registered_at": format_time(registered_at),
        "record": json.loads(record),
    }

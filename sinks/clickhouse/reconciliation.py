"""What reconciliation has told already, so that it tells of each fault once."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from earwitness.reconciliation.faults import Fault
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.trail import insert


class ReconciliationLog:
    """The table reconciliation_log. Raises `SinkUnavailable` or `SinkRejected`."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    def known(self, ids: Collection[UUID]) -> frozenset[UUID]:
        """Give those of `ids` that were told of before."""
        if not ids:
            return frozenset()
        rows = self._clickhouse.execute(
            "SELECT DISTINCT id FROM reconciliation_log WHERE id IN %(ids)s", {"ids": tuple(ids)}
        )
        return frozenset(row[0] for row in rows)

    def write(self, faults: Sequence[Fault]) -> None:
        """Keep what was told of."""
        columns: list[Sequence[Any]] = [
            [fault.id for fault in faults],
            [fault.reason for fault in faults],
            [fault.place for fault in faults],
            [fault.first for fault in faults],
            [fault.last for fault in faults],
            [fault.size for fault in faults],
            [fault.received_from for fault in faults],
            [fault.received_to for fault in faults],
            [fault.detail for fault in faults],
        ]
        insert(
            self._clickhouse,
            "INSERT INTO reconciliation_log (id, reason, place, first, last, size, received_from,"
            " received_to, detail) VALUES",
            columns,
            f"reconciliation:{faults[0].id}",
        )

    def close(self) -> None:
        """Close the connections."""
        self._clickhouse.close()

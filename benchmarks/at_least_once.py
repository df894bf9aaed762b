"""A contender: the worker without exactly-once, to tell what exactly-once costs.

It reads, judges, stores and tells as the worker does, and commits what it has stored before the next range.
What is left out: intents, names of blocks and the server's memory of them, its look for rows of the range
before it takes any, the ledger, and the search for copies. A kill between an insert and its commit stores a
range twice; an access that is sent twice has two rows.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final
from unittest import mock

from earwitness.cli import worker
from sinks.base import Content, Identity, LedgerEntry
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.trail import ClickHouseTrail
from streams import partition
from streams import worker as worker_process
from streams.copies import Accepted, Mark, Sorted

_FENCE: Final = re.compile(r"(?<= WHERE )NOT throwIf\(\(SELECT count\(\) .*\) > 0\) AND ")


class UnnamedBlocks(ClickHouse):
    """The same server, not asked whether it has a block already."""

    def execute(self, query: str, parameters: Any = None, **options: Any) -> Any:  # noqa: ANN401 - the driver's types
        """Execute as ever, but for the names of blocks and the look for their rows."""
        settings = {**options.pop("settings", {}), "insert_deduplicate": 0}
        settings.pop("insert_deduplication_token", None)
        return super().execute(_FENCE.sub("", query), parameters, settings=settings, **options)


class Unaccounted(ClickHouseTrail):
    """The same trail without a ledger."""

    def write_ledger(self, entry: LedgerEntry) -> None:
        """Keep no account of it."""


class AtLeastOnce(partition.PartitionOwner):
    """Stores range after range, and commits behind each."""

    async def _commit(self, offset: int, metadata: str) -> None:  # noqa: ARG002 - nothing is announced
        """Commit that all before is stored, where the worker would say what comes next."""
        await super()._commit(offset, "")

    async def _stored_copies(self, *_: object) -> Mapping[Identity, Content]:
        return {}

    def _remember(self, marks: Sequence[Mark]) -> None:
        """Remember nothing: nobody asks."""


def _unmarked(_: Sequence[Accepted]) -> Sequence[Mark]:
    return ()


def _taken_as_they_come(accepted: Sequence[Accepted], *_: object) -> Sorted:
    return Sorted(list(accepted), [], [])


def main() -> None:
    """Run the worker with those parts exchanged, with the settings of a worker."""
    with ExitStack() as exchanged:
        for where, name, other in (
            (worker, "ClickHouse", UnnamedBlocks),
            (worker, "ClickHouseTrail", Unaccounted),
            (worker_process, "PartitionOwner", AtLeastOnce),
            (partition, "marks_of", _unmarked),
            (partition, "sort_copies", _taken_as_they_come),
        ):
            exchanged.enter_context(mock.patch.object(where, name, other))
        worker.worker()


if __name__ == "__main__":
    main()

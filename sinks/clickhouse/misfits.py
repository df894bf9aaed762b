"""Which rows of a block ClickHouse refuses: found by halves, on a table that keeps nothing."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from models.errors import RowsRejected, SinkRejected
from sinks.base import MOST_MISFITS, Block, JudgedAccess
from sinks.clickhouse.client import ClickHouse

TABLE: Final = "earwitness_misfits"

Write = Callable[[ClickHouse, str, Block], bool]


def find_misfits(clickhouse: ClickHouse, block: Block, write: Write) -> dict[int, str]:
    """Give the offsets of the rows that are refused, each with what the server says of it alone.

    The table is made like access_log as it is now, its constraints included. It belongs to a connection,
    and a refusal ends that, so it is made anew for each try. Raises as `TrailSink.misfits` does.
    """
    found: dict[int, str] = {}

    def try_on(rows: Sequence[JudgedAccess]) -> None:
        clickhouse.execute(f"DROP TEMPORARY TABLE IF EXISTS {TABLE}")
        clickhouse.execute(f"CREATE TEMPORARY TABLE {TABLE} AS access_log ENGINE = Null")
        write(clickhouse, TABLE, block._replace(rows=rows))

    for row, why in _refused(block.rows, try_on):
        found[row.offset] = why
        if len(found) > MOST_MISFITS:
            raise SinkRejected(
                f"{block.range.token}: more than {MOST_MISFITS} rows are refused, so the table is at fault"
                f" and not the rows; the last one: {why}"
            )
    return found


def _refused(
    rows: Sequence[JudgedAccess], try_on: Callable[[Sequence[JudgedAccess]], None]
) -> Iterator[tuple[JudgedAccess, str]]:
    """Split what is refused until one row is left."""
    try:
        try_on(rows)
    except RowsRejected as error:
        if len(rows) == 1:
            yield rows[0], str(error)
            return
        half = len(rows) // 2
        yield from _refused(rows[:half], try_on)
        yield from _refused(rows[half:], try_on)

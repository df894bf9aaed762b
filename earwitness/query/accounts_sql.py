"""The statements of `earwitness.query.accounts`, composed of named pieces; values travel as parameters.

Every statement names the topic and the days of receipt, and leaves out what lies beyond the parameter
`bounds`: the last offset of each partition, by its number, -1 where there is none.
"""

import re
from typing import Final

from earwitness.reconciliation.accounts import MOST_BREAKS, MOST_HOLES, MOST_RANGES
from models.topics import ACCESS_EVENTS

MOST_COVERING: Final = 10_000
MOST_DOUBLED: Final = 100
MOST_POSITIONS: Final = 10
MOST_PRODUCERS: Final = 1_000
LARGEST_SPAN: Final = 100_000

_PIECE: Final = re.compile(r"<([a-z_]+)>")


def _compose(text: str, **pieces: str | int) -> str:
    """Put pieces of ours in the place of their `<names>`."""
    return _PIECE.sub(lambda found: str(pieces[found[1]]), " ".join(text.split()))


_DAYS: Final = "received_day BETWEEN {from:Date} AND {to:Date}"
_WITHIN: Final = "toInt64(<column>) <= {bounds:Array(Int64)}[partition + 1]"
_OFFSET_WITHIN: Final = _compose(_WITHIN, column="offset")
_HERE: Final = "partition = {partition:UInt16}"
_PLACE: Final = f"{_HERE} AND offset BETWEEN {{first:UInt64}} AND {{last:UInt64}}"
_BESIDE: Final = f"{_HERE} AND (toInt64(offset) = {{first:Int64}} - 1 OR offset = {{last:UInt64}} + 1)"


def _records(condition: str) -> str:
    """Every record that is held where the condition holds, as a row or set aside."""
    return _compose(
        """
        SELECT partition, received_day AS day, offset, received_at, producer, sequence, true AS is_row
        FROM access_log WHERE topic = '<topic>' AND <condition>
        UNION ALL
        SELECT partition, received_day AS day, offset, received_at, producer, sequence, false AS is_row
        FROM set_aside WHERE topic = '<topic>' AND <condition>
        """,
        topic=ACCESS_EVENTS,
        condition=condition,
    )


# Each range once: it may have been accounted for twice.
_RANGES: Final = _compose(
    """
    SELECT partition, received_day AS day, first_offset, last_offset,
           argMax(row_count, recorded_at) AS rows, argMax(set_aside_count, recorded_at) AS aside,
           argMax(dead_letter_count + duplicate_count - set_aside_count, recorded_at) AS only_counted
    FROM range_ledger WHERE topic = '<topic>' AND <days> AND <within>
    GROUP BY partition, day, first_offset, last_offset
    """,
    topic=ACCESS_EVENTS,
    days=_DAYS,
    within=_compose(_WITHIN, column="last_offset"),
)

EXTENT: Final = _compose(
    """
    SELECT partition, min(first_offset), max(last_offset) FROM range_ledger
    WHERE topic = '<topic>' GROUP BY partition
    """,
    topic=ACCESS_EVENTS,
)

LEDGERED: Final = _compose(
    """
    SELECT partition, day, min(first_offset), max(last_offset), sum(last_offset - first_offset + 1),
           sum(rows), sum(aside), sum(only_counted)
    FROM (<ranges>) GROUP BY partition, day ORDER BY partition, day
    """,
    ranges=_RANGES,
)

# Offsets are counted by words of 64 bits: exact, a fraction of the memory of a set, and it can spill.
HELD: Final = _compose(
    """
    SELECT partition, day, sum(rows), sum(bitCount(row_word)), sum(bitCount(aside_word)),
           sum(bitCount(bitOr(row_word, aside_word))), min(received_from), max(received_to)
    FROM
    (
        SELECT partition, day, countIf(is_row) AS rows,
               groupBitOrIf(bitShiftLeft(toUInt64(1), offset % 64), is_row) AS row_word,
               groupBitOrIf(bitShiftLeft(toUInt64(1), offset % 64), NOT is_row) AS aside_word,
               min(received_at) AS received_from, max(received_at) AS received_to
        FROM (<records>) GROUP BY partition, day, intDiv(offset, 64)
    )
    GROUP BY partition, day
    """,
    records=_records(f"{_DAYS} AND {_OFFSET_WITHIN}"),
)

BREAKS: Final = _compose(
    """
    SELECT partition, reached, first_offset, last_offset
    FROM
    (
        SELECT partition, first_offset, last_offset, row_number() OVER by_offset AS number,
               max(last_offset) OVER
               (
                   PARTITION BY partition ORDER BY first_offset, last_offset
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
               ) AS reached
        FROM (<ranges>) WINDOW by_offset AS (PARTITION BY partition ORDER BY first_offset, last_offset)
    )
    WHERE number > 1 AND first_offset != reached + 1
    ORDER BY partition, first_offset LIMIT <most>
    """,
    ranges=_RANGES,
    most=MOST_BREAKS,
)

COVERING: Final = _compose(
    """
    SELECT DISTINCT partition, first_offset, last_offset FROM range_ledger
    WHERE topic = '<topic>' AND <here> AND first_offset <= {last:UInt64} AND last_offset >= {first:UInt64}
    ORDER BY first_offset LIMIT <most>
    """,
    topic=ACCESS_EVENTS,
    here=_HERE,
    most=MOST_COVERING,
)

DISAGREEING: Final = _compose(
    """
    WITH ranges AS (SELECT * FROM (<ranges>) WHERE <here>),
         counted AS
         (
             SELECT ranges.first_offset AS first_offset, countIf(is_row) AS held_rows,
                    groupBitmapIf(offset, is_row) AS row_offsets,
                    groupBitmapIf(offset, NOT is_row) AS aside_offsets, groupBitmap(offset) AS offsets
             FROM (<records>) AS records
             ASOF JOIN ranges
             ON records.partition = ranges.partition AND records.offset >= ranges.first_offset
             WHERE offset <= ranges.last_offset
             GROUP BY first_offset
         )
    SELECT partition, first_offset, last_offset, rows, aside, only_counted,
           held_rows, row_offsets, aside_offsets, offsets
    FROM ranges LEFT JOIN counted USING first_offset
    WHERE held_rows != row_offsets OR row_offsets != rows OR aside_offsets != aside
       OR row_offsets + aside_offsets != offsets
       OR offsets + only_counted != last_offset - first_offset + 1
    ORDER BY first_offset LIMIT <most>
    """,
    ranges=_RANGES,
    here=_HERE,
    records=_records(f"{_DAYS} AND {_HERE}"),
    most=MOST_RANGES,
)

OFFSETS: Final = _compose(
    "SELECT DISTINCT offset FROM (<records>) ORDER BY offset LIMIT <most>",
    records=_records(_PLACE),
    most=LARGEST_SPAN,
)

RECEIVED: Final = _compose(
    "SELECT minOrNull(received_at), maxOrNull(received_at) FROM (<records>)", records=_records(_PLACE)
)

AROUND: Final = _compose(
    """
    SELECT maxOrNullIf(received_at, offset < {first:UInt64}), minOrNullIf(received_at, offset > {last:UInt64})
    FROM (<records>)
    """,
    records=_records(_BESIDE),
)

UNLEDGERED: Final = _compose(
    """
    SELECT partition, min(offset), max(offset) FROM access_log
    WHERE topic = '<topic>' AND <days> AND NOT (<within>) AND recorded_at < now() - {age:UInt32}
    GROUP BY partition ORDER BY partition
    """,
    topic=ACCESS_EVENTS,
    days=_DAYS,
    within=_OFFSET_WITHIN,
)

DOUBLED: Final = _compose(
    """
    SELECT count() OVER () AS all, source, toString(id), row_count, places, received_from, received_to
    FROM
    (
        SELECT source, id, count() AS row_count,
               arraySort(groupArray(<positions>)((partition, offset))) AS places,
               min(received_at) AS received_from, max(received_at) AS received_to
        FROM access_log
        WHERE <days> AND id IN
        (
            SELECT id FROM access_log WHERE <days> AND cityHash64(id) % {parts:UInt32} = {part:UInt32}
            GROUP BY id HAVING count() > 1
        )
        GROUP BY source, id HAVING row_count > 1
    )
    ORDER BY received_from, id LIMIT <most>
    """,
    days=_DAYS,
    positions=MOST_POSITIONS,
    most=MOST_DOUBLED,
)

_COUNTED: Final = """
    SELECT count() AS producers, sum(numbers) AS numbers, countIf(missing > 0) AS incomplete,
           arrayMap(found -> found.2, arrayReverseSort(
               groupArrayIf(<most>)((missing, producer), missing > 0))) AS worst
    FROM
    (
        SELECT producer, sum(bitCount(word)) AS numbers, max(highest) - <begin> + 1 - numbers AS missing
        FROM
        (
            SELECT producer, min(day) AS day, min(sequence) AS lowest, max(sequence) AS highest,
                   groupBitOr(bitShiftLeft(toUInt64(1), sequence % 64)) AS word
            FROM (<records>) GROUP BY producer, intDiv(sequence, 64)
        )
        GROUP BY producer
    )
    """
_NUMBERED: Final = _records(f"{_DAYS} AND producer != '' AND sequence > 0")

COUNTED_OF_ALL: Final = _compose(_COUNTED, most=MOST_PRODUCERS, begin=1, records=_NUMBERED)

# A producer that is there on the first day may have begun before it.
COUNTED_OF_DAYS: Final = _compose(
    _COUNTED,
    most=MOST_PRODUCERS,
    begin="if(min(day) = {from:Date}, min(lowest), 1)",
    records=_NUMBERED,
)

HOLES: Final = _compose(
    """
    SELECT producer, below + 1 AS first, sequence - 1 AS last, if(below = 0, NULL, below_at) AS after_at,
           received_at
    FROM
    (
        SELECT producer, sequence, received_at, day, lagInFrame(sequence) OVER by_number AS below,
               lagInFrame(received_at) OVER by_number AS below_at
        FROM (<records>)
        WINDOW by_number AS
        (PARTITION BY producer ORDER BY sequence ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
    )
    WHERE sequence > below + 1 AND <days>
    ORDER BY received_at, producer, first LIMIT <most>
    """,
    records=_records("producer IN {producers:Array(String)} AND sequence > 0"),
    days=_DAYS.replace("received_day", "day"),
    most=MOST_HOLES,
)

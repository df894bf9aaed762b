"""The trail in ClickHouse: one block a range, recognised when it comes twice."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from models.dead_letter import DeadLetter, Position
from models.fields import microseconds
from models.finding import Finding
from models.ranges import Range
from models.registers import RegisterState
from models.verdict import NO_EVIDENCE_VERSION
from sinks.base import (
    CONTENT_FIELDS,
    Block,
    Content,
    Identity,
    KeptEvidence,
    LedgerEntry,
    PolicyVersion,
    Received,
    RegisteredEvidence,
    SetAside,
    following,
    letters_token,
)
from sinks.clickhouse.client import ClickHouse, StoredBefore
from sinks.clickhouse.columns import READ_WHOLE, ROWS, Layout, columns_of
from sinks.clickhouse.heartbeats import read_registers
from sinks.clickhouse.misfits import find_misfits
from sinks.clickhouse.policies import register_policy

LARGEST_BLOCK: Final = 1_000_000
"""Rows in one block at most; far above any range, so that a range is never split."""

LONGEST_INSERT_S: Final = 60
"""How long an insert may take from its beginning, when it is asked whether its rows are there already, to
its end, by the server's clock; after that the server refuses the rest of it."""

MOST_FINDINGS: Final = 100_000
"""Findings of one range at most; a range has fewer rows."""

EVIDENCE_PAGE: Final = 10_000
"""Records of evidence that are read at once."""

_RANGE = (
    "received_day = %(day)s AND topic = %(topic)s AND partition = %(partition)s"
    " AND offset BETWEEN %(first)s AND %(last)s"
)
_CONTENT_COLUMNS = ", ".join(
    "toUnixTimestamp64Micro(time)" if name == "time" else name for name in CONTENT_FIELDS
)


class ClickHouseTrail:
    """A `TrailSink` on ClickHouse. Blocking; safe to share between threads."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    def write(self, block: Block) -> bool:
        """Insert the rows as one block of one partition, which ClickHouse stores whole or not at all.

        The name keeps a block from being stored twice by inserts that are under way at once, and for
        as long as ClickHouse remembers it; that the range has no rows yet is asked as the insert begins,
        however long its owner slept (docs/decisions/0016-inserts-that-refuse-themselves.md).
        """
        return write_rows(self._clickhouse, "access_log", block)

    def misfits(self, block: Block) -> Mapping[int, str]:
        """Try the rows on a table of this connection that is made like the trail's and keeps nothing."""
        return find_misfits(self._clickhouse, block, write_rows)

    def tally(self, stored: Range) -> LedgerEntry:
        """Count the rows, dead letters and what was set aside of the range, whichever attempt wrote them."""
        counted = self._clickhouse.execute(
            f"SELECT (SELECT count() FROM access_log WHERE {_RANGE}),"  # noqa: S608 - constants
            f" (SELECT uniqExact(offset) FROM dead_letters WHERE {_RANGE}),"
            f" (SELECT uniqExact(offset) FROM set_aside WHERE {_RANGE})",
            _bounds(stored),
        )
        rows, letters, aside = (int(count) for count in counted[0])
        return LedgerEntry(stored, rows, letters, stored.last - stored.first + 1 - rows - letters, aside)

    def findings(self, stored: Range) -> list[Finding]:
        """Give the rows of the range that are not justified, by offset."""
        query = (
            "SELECT verdict, toString(id), source, time, actor_type, actor_id, customer_id, resource_type,"  # noqa: S608 - constants
            " resource_id, reason, clause, concat(topic, '/', toString(partition), '/', toString(offset)),"
            " stale_registers"
            f" FROM access_log WHERE {_RANGE} AND verdict != 'justified'"
            f" ORDER BY offset LIMIT {MOST_FINDINGS}"
        )
        rows = self._clickhouse.execute(query, _bounds(stored))
        return [Finding(*row[:-1])._replace(stale_registers=tuple(row[-1])) for row in rows]

    def refused(self, stored: Range) -> list[DeadLetter]:
        """Give the dead letters of that range, by offset; key and value come back as the bytes they were."""
        query = (
            "SELECT reason, detail, fields, offset, received_at, hex(key), hex(value),"  # noqa: S608 - constants
            " arrayMap(header -> (header.1, hex(header.2)), headers) FROM dead_letters"
            f" WHERE {_RANGE} ORDER BY offset LIMIT 1 BY offset"
        )
        return [
            DeadLetter(
                reason=reason,
                detail=detail,
                fields=tuple(fields),
                position=Position(stored.topic, stored.partition, offset),
                received_at=received_at,
                key=bytes.fromhex(key) or None,
                value=bytes.fromhex(value),
                headers=tuple((name, bytes.fromhex(header)) for name, header in headers),
            )
            for reason, detail, fields, offset, received_at, key, value, headers in self._clickhouse.execute(
                query, _bounds(stored)
            )
        ]

    def known(self, identities: Collection[Identity], apart_from: Range | None) -> Mapping[Identity, Content]:
        """Look the identities up by id; the bloom filters and sorted parts keep this to a scan of ids."""
        if not identities:
            return {}
        outside = "" if apart_from is None else f" AND NOT ({_RANGE})"
        rows = self._clickhouse.execute(
            f"SELECT source, toString(id), {_CONTENT_COLUMNS} FROM access_log"  # noqa: S608 - constants
            f" WHERE id IN (SELECT toUUID(id) FROM identities){outside}",
            None if apart_from is None else _bounds(apart_from),
            external_tables=[
                {
                    "name": "identities",
                    "structure": [("id", "String")],
                    "data": [{"id": identity[1]} for identity in identities],
                }
            ],
        )
        wanted = frozenset(identities)
        return {(row[0], row[1]): tuple(row[2:]) for row in rows if (row[0], row[1]) in wanted}

    def newest_id_ms(self, topic: str, partition: int, received_after_ms: int) -> int | None:
        """Read it of the days since then; an id of another version has no place in them."""
        rows = self._clickhouse.execute(
            "SELECT toUnixTimestamp64Milli(max(UUIDv7ToDateTime(id))) FROM access_log"
            " WHERE topic = %(topic)s AND partition = %(partition)s"
            " AND received_day >= toDate(fromUnixTimestamp64Milli(%(after)s, 'UTC'))"
            " AND received_at > fromUnixTimestamp64Milli(%(after)s, 'UTC')"
            " AND substring(toString(id), 15, 1) = '7' HAVING count() > 0",
            {"topic": topic, "partition": partition, "after": received_after_ms},
        )
        return int(rows[0][0]) if rows else None

    def last_row(self, topic: str, partition: int) -> Received | None:
        """Read it of the last range that has rows, and of what the ledger does not cover."""
        rows = self._clickhouse.execute(
            "SELECT max(offset), toUnixTimestamp64Milli(argMax(received_at, offset)) FROM access_log"
            " WHERE topic = %(topic)s AND partition = %(partition)s AND offset >= ("
            "  SELECT max(first_offset) FROM range_ledger"
            "  WHERE topic = %(topic)s AND partition = %(partition)s AND row_count > 0"
            " ) HAVING count() > 0",
            {"topic": topic, "partition": partition},
        )
        return Received(*map(int, rows[0])) if rows else None

    def highest_offset(self, topic: str, partition: int) -> int | None:
        """Read the last offset that the ledger or the rows of the partition reach.

        Of the rows only those are read that the ledger does not cover: whoever takes a partition over asks.
        """
        rows = self._clickhouse.execute(
            "SELECT max(reached) FROM ("
            " SELECT max(last_offset) AS reached, count() AS rows FROM range_ledger"
            " WHERE topic = %(topic)s AND partition = %(partition)s HAVING rows > 0"
            " UNION ALL"
            " SELECT max(offset) AS reached, count() AS rows FROM access_log"
            " WHERE topic = %(topic)s AND partition = %(partition)s AND offset >= ("
            "  SELECT max(last_offset) FROM range_ledger"
            "  WHERE topic = %(topic)s AND partition = %(partition)s"
            " ) HAVING rows > 0"
            ") HAVING count() > 0",
            {"topic": topic, "partition": partition},
        )
        return int(rows[0][0]) if rows else None

    def last_accounted(self, topic: str, partition: int) -> Range | None:
        """Read it from the end of the ledger."""
        rows = self._clickhouse.execute(
            "SELECT first_offset, last_offset, received_day, attempt FROM range_ledger"
            " WHERE topic = %(topic)s AND partition = %(partition)s ORDER BY last_offset DESC LIMIT 1",
            {"topic": topic, "partition": partition},
        )
        return Range(topic, partition, *rows[0]) if rows else None

    def unaccounted(self, topic: str, partition: int) -> list[Range]:
        """Read the runs of rows of one day behind what the ledger covers; mostly there are none."""
        where = "topic = %(topic)s AND partition = %(partition)s"
        here: dict[str, Any] = {"topic": topic, "partition": partition}
        covered = self._clickhouse.execute(
            f"SELECT max(last_offset) FROM range_ledger WHERE {where} HAVING count() > 0",  # noqa: S608 - constants
            here,
        )
        reached = int(covered[0][0]) if covered else -1
        runs = self._clickhouse.execute(
            "SELECT any(received_day), min(offset) AS first, max(offset) FROM ("  # noqa: S608 - constants
            " SELECT received_day, offset, sum(begins) OVER (ORDER BY offset) AS run FROM ("
            "  SELECT received_day, offset,"
            "   received_day != lagInFrame(received_day, 1, received_day) OVER (ORDER BY offset) AS begins"
            f"  FROM access_log WHERE {where} AND offset >= %(begin)s))"
            " GROUP BY run ORDER BY first",
            {**here, "begin": reached + 1},
        )
        return following(topic, partition, reached, runs)

    def write_dead_letters(self, origin: Range, letters: Sequence[DeadLetter]) -> None:
        """Insert the letters of a range as one block."""
        columns: list[Sequence[Any]] = [
            [origin.day] * len(letters),
            [letter.position.topic for letter in letters],
            [letter.position.partition for letter in letters],
            [letter.position.offset for letter in letters],
            [letter.received_at for letter in letters],
            [letter.reason for letter in letters],
            [letter.detail for letter in letters],
            [list(letter.fields) for letter in letters],
            [letter.key or b"" for letter in letters],
            [letter.value for letter in letters],
            [list(letter.headers) for letter in letters],
        ]
        insert(
            self._clickhouse,
            "INSERT INTO dead_letters (received_day, topic, partition, offset, received_at, reason, detail,"
            " fields, key, value, headers) VALUES",
            columns,
            letters_token(origin, letters),
        )

    def write_set_aside(self, origin: Range, aside: Sequence[SetAside]) -> None:
        """Insert what was set aside as one block; merges fold an offset that came twice."""
        place = (f"'{origin.day.isoformat()}'", f"'{origin.topic}'", str(origin.partition))
        insert(
            self._clickhouse,
            "INSERT INTO set_aside (received_day, topic, partition, offset, received_at, reason, producer,"  # noqa: S608 - names and numbers of ours
            f" sequence) SELECT {', '.join(place)}, offset, fromUnixTimestamp64Milli(received_at, 'UTC'),"
            " reason, producer, sequence FROM input('offset UInt64, received_at Int64, reason String,"
            " producer String, sequence UInt64') FORMAT Native",
            [list(values) for values in zip(*aside, strict=True)],
            f"set-aside:{origin.token}:{aside[0].offset}-{aside[-1].offset}:{len(aside)}",
        )

    def write_ledger(self, entry: LedgerEntry) -> None:
        """Insert one ledger row under the range's name.

        Written out as text: that takes a third of what an insert takes that selects its row (measured), and
        this one is made for every range.
        """
        stored = entry.range
        row = {
            "received_day": f"'{stored.day.isoformat()}'",
            "topic": f"'{stored.topic}'",
            "partition": str(stored.partition),
            "first_offset": str(stored.first),
            "last_offset": str(stored.last),
            "attempt": str(stored.attempt),
            "row_count": str(entry.row_count),
            "dead_letter_count": str(entry.dead_letter_count),
            "duplicate_count": str(entry.duplicate_count),
            "set_aside_count": str(entry.set_aside_count),
        }
        self._clickhouse.execute(
            f"INSERT INTO range_ledger ({', '.join(row)}) VALUES ({', '.join(row.values())})",  # noqa: S608 - names and numbers of ours
            settings={"insert_deduplication_token": f"ledger:{stored.name}", "async_insert": 0},
        )

    def write_evidence(self, records: Sequence[RegisteredEvidence]) -> None:
        """Insert versions of evidence records; merges fold a version that came twice."""
        kept = [item.record for item in records]
        columns: list[Sequence[Any]] = [
            [record.ref for record in kept],
            [item.version for item in records],
            [record.kind for record in kept],
            [list(record.customer_ids) for record in kept],
            [list(record.assignees) for record in kept],
            [record.organization or "" for record in kept],
            [record.status for record in kept],
            [record.origin for record in kept],
            [record.recorded_by or "" for record in kept],
            [record.model_dump_json(exclude_defaults=True) for record in kept],
            [item.registered_at_ms for item in records],
        ]
        insert(
            self._clickhouse,
            "INSERT INTO evidence_log (ref, version, kind, customer_ids, assignees, organization, status,"
            " origin, recorded_by, record, registered_at) SELECT ref, version, kind, customer_ids, assignees,"
            " organization, status, origin, recorded_by, record,"
            " fromUnixTimestamp64Milli(registered_at, 'UTC') FROM input('ref String, version Int64,"
            " kind String, customer_ids Array(String), assignees Array(String), organization String,"
            " status String, origin String, recorded_by String, record String, registered_at Int64')"
            " FORMAT Native",
            columns,
            f"evidence:{records[0].version}-{records[-1].version}",
        )

    def evidence_received(self) -> list[Received]:
        """Say where every version of evidence came from that is kept."""
        rows = self._clickhouse.execute(
            "SELECT version, toUnixTimestamp64Milli(registered_at) FROM evidence_log"
        )
        return [Received(*map(int, row)) for row in rows]

    def evidence_beyond(self, known: Mapping[str, int]) -> list[KeptEvidence]:
        """Compare versions first, which are short; then read the few records that are newer."""
        newest = self._clickhouse.execute("SELECT ref, max(version) FROM evidence_log GROUP BY ref")
        wanted = [
            {"ref": ref, "version": version}
            for ref, version in newest
            if version > known.get(ref, NO_EVIDENCE_VERSION)
        ]
        found: list[KeptEvidence] = []
        for first in range(0, len(wanted), EVIDENCE_PAGE):
            rows = self._clickhouse.execute(
                "SELECT ref, version, record FROM evidence_log"
                " WHERE (ref, version) IN (SELECT ref, version FROM wanted) LIMIT 1 BY ref, version",
                external_tables=[
                    {
                        "name": "wanted",
                        "structure": [("ref", "String"), ("version", "Int64")],
                        "data": wanted[first : first + EVIDENCE_PAGE],
                    }
                ],
            )
            found += [KeptEvidence(ref, version, record.encode()) for ref, version, record in rows]
        return found

    def register_policy(self, version: PolicyVersion) -> str:
        """Make a version known unless one of its name is; give the digest that it is known by."""
        return register_policy(self._clickhouse, version)

    def registers(self) -> Sequence[RegisterState]:
        """Read the newest beat of each register."""
        return read_registers(self._clickhouse)


def write_rows(clickhouse: ClickHouse, table: str, block: Block) -> bool:
    """Insert the rows of a block into a table with the trail's columns, unless its range has rows there."""
    stored = block.range
    place = {
        "received_day": f"toDate('{stored.day.isoformat()}')",
        "topic": f"'{stored.topic}'",
        "partition": str(stored.partition),
    }
    taken = f"{_equal(place)} AND offset BETWEEN {stored.first} AND {stored.last}"
    return insert_converted(
        clickhouse,
        Into(table, ROWS, taken, READ_WHOLE),
        {
            **place,
            "evidence_version": str(block.evidence_version),
            "judged_at": f"fromUnixTimestamp64Micro({microseconds(block.judged_at)}, 'UTC')",
        },
        columns_of(block.rows),
        stored.token,
    )


class Into(NamedTuple):
    """Where an insert goes: table, layout, which rows of the table would make it a second one, and what must
    hold of each row that it brings.
    """  # noqa: D205 - one sentence

    table: str
    layout: Layout
    taken: str
    wanted: str = "true"


def insert_converted(
    clickhouse: ClickHouse,
    into: Into,
    constants: Mapping[str, str],
    values: Sequence[Sequence[Any]],
    token: str,
) -> bool:
    """Insert columns that the server converts; `constants` are expressions, the same for each row.

    Changes nothing where a block of that token is stored; nor where a row that meets `into.taken` is, and
    gives False then.
    """
    names = ", ".join((*into.layout.columns, *constants))
    converted = ", ".join((*into.layout.expressions, *constants.values()))
    # A constant to the server: found as the insert begins, before it asks for the rows.
    taken = f"(SELECT count() FROM {into.table} WHERE {into.taken}) > 0"  # noqa: S608 - names and numbers of ours
    try:
        insert(
            clickhouse,
            f"INSERT INTO {into.table} ({names}) SELECT {converted} FROM {into.layout.source}"  # noqa: S608 - as above
            f" WHERE NOT throwIf({taken}) AND {into.wanted} FORMAT Native",
            values,
            token,
        )
    except StoredBefore:
        return False
    return True


def insert(clickhouse: ClickHouse, statement: str, columns: Sequence[Sequence[Any]], token: str) -> None:
    """Insert columns as one block, which the store takes once under the name `token`."""
    clickhouse.execute(
        statement,
        columns,
        columnar=True,
        settings={
            "insert_deduplication_token": token,
            "async_insert": 0,
            "max_insert_block_size": LARGEST_BLOCK,
            "insert_block_size": LARGEST_BLOCK,
            "max_execution_time": LONGEST_INSERT_S,
            "allow_custom_error_code_in_throwif": 1,
            "date_time_input_format": "best_effort",
        },
    )


def _equal(place: Mapping[str, str]) -> str:
    return " AND ".join(f"{name} = {value}" for name, value in place.items())


def _bounds(stored: Range) -> dict[str, Any]:
    return {
        "day": stored.day,
        "topic": stored.topic,
        "partition": stored.partition,
        "first": stored.first,
        "last": stored.last,
    }

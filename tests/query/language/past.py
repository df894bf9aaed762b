"""A few hundred accesses whose values try to break a query, written into the store and kept here as well.

They have a database of their own, made as the real one is: workers would judge some of them again.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from earwitness.query.language.fields import FIELDS
from tests.conftest import Stack

NOW = datetime(2021, 5, 20, 10, 15, 30, 123456, tzinfo=UTC)
ROWS = 300
DATABASE = "query_language"
TOPIC = "access.events.v1"
TEXTS = (
    *(
        "e-1",
        "e-10",
        "E-1",
        "e%",
        "e_1",
        "e\\1",
        "it's",
        '"q"',
        "a,b",
        "a b",
        " a",
        "a ",
        "*",
        "-x",
        "(x)",
        "a:b",
    ),
    *(
        "ticket:TCK-1",
        "TICKET:tck-11",
        "nul\x00nul",
        "\n",
        "\x1b[31m",
        "\u202e",
        "\u00a0",
        "😀",
        "é",
        "É",
        "ß",
    ),
    *(
        "\u0130",
        "\u212a",
        "{p0:String}",
        "%(p0)s",
        "' OR 1=1 --",
        "\\'",
        "now",
        "..",
        ">=7",
        '""',
        "NULL",
        "0",
    ),
)
_JUDGED = (
    *("verdict", "reason", "clause", "policy_version", "policy_digest", "evidence_used", "evidence_version"),
    *("derived", "stale_registers", "judged_at"),
)


def write_rows(stack: Stack) -> list[dict[str, Any]]:
    """Write the accesses; give them as the view `trail` has them."""
    random = Random(TOPIC)  # noqa: S311 - a world, not a secret
    rows = [_row(random, number) for number in range(ROWS)]
    again = {number: _judgement(random) for number in range(0, ROWS, 3)}
    admin = stack.clickhouse("admin")
    try:
        _make_database(admin)
        _insert(admin, "access_log", [_first(row) for row in rows])
        for number, judgement in again.items():
            rows[number].update(judgement)
        _insert(admin, "verdict_log", [_later(rows[number]) for number in again])
    finally:
        admin.disconnect()
    return rows


def _make_database(admin: Any) -> None:
    """Make the tables and the views of the real database again, in another."""
    real = admin.execute("SELECT currentDatabase()")[0][0]
    admin.execute(f"CREATE DATABASE {DATABASE}")
    for table in ("access_log", "verdict_log"):
        admin.execute(f"CREATE TABLE {DATABASE}.{table} AS {real}.{table}")
    views = admin.execute(
        "SELECT name, as_select FROM system.tables WHERE database = currentDatabase()"
        " AND name IN ('trail', 'accesses', 'later_verdicts')"
    )
    for name, view in views:
        admin.execute(f"CREATE VIEW {DATABASE}.{name} AS {view.replace(f'{real}.', f'{DATABASE}.')}")


def _row(random: Random, number: int) -> dict[str, Any]:
    received_at = NOW - timedelta(milliseconds=random.randrange(7 * 86_400_000))
    received_at = received_at.replace(microsecond=received_at.microsecond // 1000 * 1000)
    row: dict[str, Any] = {
        name: _text(random, field.absence == "never")
        for name, field in FIELDS.items()
        if field.kind == "text"
    }
    for name, field in FIELDS.items():
        if field.choices:
            row[name] = random.choice(field.choices)
    return row | {
        "id": str(UUID(int=random.getrandbits(128))),
        "time": received_at + timedelta(microseconds=random.randrange(-(10**11), 3 * 10**8)),
        "sequence": random.choice((None, 1, 2, 7, 2**63 - 1)),
        "item_count": random.choice((None, 0, 1, 7, 2**63 - 1)),
        "content_bytes": random.choice((None, 0, 1, 7)),
        "received_at": received_at,
        "recorded_at": received_at + timedelta(microseconds=random.randrange(10**7)),
        "topic": TOPIC,
        "partition": random.randrange(3),
        "offset": number,
        **_judgement(random),
        "late": False,
    }


def _judgement(random: Random) -> dict[str, Any]:
    return {
        "verdict": random.choice(FIELDS["verdict"].choices),
        "reason": random.choice(FIELDS["reason"].choices),
        "clause": _text(random, required=False),
        "policy_version": _text(random, required=False),
        "policy_digest": _text(random, required=False),
        "evidence_used": random.sample(TEXTS, random.choice((0, 0, 1, 2))),
        "evidence_version": random.choice((-1, 0, 1, 7)),
        "derived": random.choice((True, False)),
        "late": random.choice((True, False)),
        "stale_registers": random.sample(TEXTS, random.choice((0, 0, 1))),
        "judged_at": NOW - timedelta(microseconds=random.randrange(10**11)),
    }


def _text(random: Random, required: bool) -> str | None:  # noqa: FBT001 - a case
    return random.choice(TEXTS) if required or random.random() < 0.8 else None


def _first(row: dict[str, Any]) -> dict[str, Any]:
    stored = _stored(row) | {"received_day": row["received_at"].date()}
    del stored["late"]
    return stored


def _later(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in (*_JUDGED, "late", "id", "source", "recorded_at")}
    return _stored(kept) | {"received_day": row["received_at"].date()}


def _stored(row: dict[str, Any]) -> dict[str, Any]:
    """Absent texts are empty and an absent sequence is 0."""
    texts = {name for name, field in FIELDS.items() if field.kind == "text"}
    absent = dict.fromkeys(texts, "") | {"sequence": 0}
    return {name: absent.get(name) if value is None else value for name, value in row.items()}


def _insert(client: Any, table: str, rows: list[dict[str, Any]]) -> None:
    client.execute(f"INSERT INTO {DATABASE}.{table} ({', '.join(rows[0])}) VALUES", rows)

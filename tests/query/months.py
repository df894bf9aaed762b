"""A month of accesses made up at random, some judged again: what a question of a month is tested on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

from earwitness.devstack.scratch import Server
from earwitness.query.clickhouse import ClickHouseStore
from sinks.clickhouse import schema

BEGIN: Final = datetime(2026, 3, 1, tzinfo=UTC)
DAYS: Final = 40
END: Final = BEGIN + timedelta(days=DAYS)
ACCESSES: Final = 4_000
JUDGED_AGAIN: Final = 600
SOURCES: Final = ("/services/sms-api", "/services/recording-api")
VERDICTS: Final = (
    ("justified", "clause_met", "access.resolve-complaint"),
    ("justified", "derived", "use.provide-service"),
    ("unjustified", "evidence_wrong_customer", ""),
    ("unjustified", "outside_transfer", "no-sale-or-transfer"),
    ("pending", "evidence_not_found", ""),
)

Record = dict[str, Any]


@contextmanager
def a_month(folder: Path, seed: int) -> Iterator[tuple[Server, ClickHouseStore]]:
    """Store a month on a server of its own; give that, and a store that asks as the API does."""
    server = Server(folder)
    try:
        server.wait()
        schema.migrate(server.address("earwitness_admin"))
        rng = Random(seed)  # noqa: S311 - a repeatable month, not a secret
        accesses = [_access(rng, number) for number in range(ACCESSES)]
        _write(server, "access_log", accesses)
        again = rng.sample(accesses, JUDGED_AGAIN)
        for access in again:
            for verdict in _later(rng, access):
                _write(server, "verdict_log", [verdict])
        address = server.address("earwitness_api")
        store = ClickHouseStore(**address._asdict(), query_timeout_s=60)
        yield server, store
        store.close()
    finally:
        server.process.kill()
        server.process.wait()


def _access(rng: Random, number: int) -> Record:
    time = BEGIN + timedelta(seconds=rng.randrange(DAYS * 86_400 // 60) * 60)
    received_at = time + timedelta(seconds=rng.choice((0, 2, 3 * 86_400, -200)))
    verdict, reason, clause = rng.choices(VERDICTS, (50, 30, 10, 5, 5))[0]
    return {
        "received_day": received_at.date(),
        # Some ids are used by two sources, and some instants by several accesses.
        "id": UUID(int=(number - number % 10 if number % 10 < 2 else number) << 70 | 7),
        "source": SOURCES[number % 2],
        "time": time,
        "actor_type": rng.choice(("employee", "customer", "vendor")),
        "actor_id": f"a-{rng.randrange(30)}",
        "action": "listen",
        "resource_type": "call_recording",
        "resource_id": f"rec-{rng.randrange(900)}",
        "customer_id": rng.choice(("*", *(f"c-{place}" for place in range(40)))),
        "outcome": "succeeded",
        "verdict": verdict,
        "reason": reason,
        "clause": clause,
        "received_at": received_at,
        "judged_at": received_at,
        "recorded_at": received_at,
        "topic": "access.events.v1",
        "partition": 0,
        "offset": number,
    }


def _later(rng: Random, access: Record) -> Iterator[Record]:
    """Give its later verdicts, in no order; a third of them as an older worker writes them."""
    told = {
        "time": access["time"],
        "actor_type": access["actor_type"],
        "actor_id": access["actor_id"],
        "first_verdict": access["verdict"],
        "first_clause": access["clause"],
    }
    for number in range(rng.choice((1, 1, 2, 3))):
        verdict, reason, clause = rng.choice(VERDICTS)
        yield {
            **{name: access[name] for name in ("received_day", "id", "source")},
            **(told if rng.randrange(3) else {}),
            "verdict": verdict,
            "reason": reason,
            "clause": clause,
            "evidence_version": rng.randrange(5),
            "judged_at": access["received_at"] + timedelta(hours=rng.randrange(1_000), seconds=number),
        }


def _write(server: Server, table: str, rows: list[Record]) -> None:
    names = ", ".join(rows[0])
    values = [tuple(row.values()) for row in rows]
    server.ask("earwitness_writer", f"INSERT INTO {table} ({names}) VALUES", values)

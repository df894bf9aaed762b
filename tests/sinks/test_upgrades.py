"""Every earlier schema, holding rows, brought up to date: as an installation of that age is."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from earwitness.devstack.scratch import Server
from models.ranges import Range
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from sinks.clickhouse import schema
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.trail import ClickHouseTrail

EVIDENCE_ACCOUNTED_FOR_BY = 8
"""The migration that has the ledger cover the evidence that was recorded before."""
VERSIONS = sorted(int(path.name[:4]) for path in schema.MIGRATIONS.glob("*.sql"))
AT = datetime.now(UTC).replace(microsecond=0)
A_DAY = AT.date()
ACCESSES, AGAIN, LETTERS, EVIDENCE = 40, 10, 3, 5
TABLES = ("access_log", "verdict_log", "dead_letters", "evidence_log", "range_ledger")
OLDEST_COLUMNS = {
    "access_log": "received_day, id, source, verdict, reason, topic, partition, offset, received_at",
    "verdict_log": "received_day, id, source, verdict, reason, evidence_version, judged_at",
    "dead_letters": "received_day, topic, partition, offset, received_at, reason, key, value",
    "evidence_log": "ref, version, kind, record, registered_at",
    "range_ledger": "received_day, topic, partition, first_offset, last_offset, attempt, row_count,"
    " dead_letter_count",
}
"""What a worker of the first schema wrote: it names its columns, so it can go on beside a newer schema."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("upgrades") / "data")
    try:
        started.wait()
        yield started
    finally:
        started.process.kill()
        started.process.wait()


@pytest.fixture
def server(shared: Server) -> Iterator[Server]:
    """Give the one server, without a trail."""
    yield shared
    shared.ask("earwitness_admin", "DROP DATABASE earwitness SYNC")


def migrate_to(server: Server, version: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring the trail to an earlier schema."""
    folder.mkdir()
    newest = schema.MIGRATIONS
    for migration in newest.glob("*.sql"):
        if int(migration.name[:4]) <= version:
            shutil.copy(migration, folder)
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", folder)
        schema.migrate(server.address("earwitness_admin"))


def fill(server: Server, begin: int = 0) -> None:
    """Store a range as a worker of the first schema does: rows, later verdicts, letters, evidence."""
    rows: dict[str, list[tuple[object, ...]]] = {
        "access_log": [
            (A_DAY, UUID(int=n + 1), "/s", "pending", "evidence_not_found", ACCESS_EVENTS, 0, n, AT)
            for n in range(begin, begin + ACCESSES)
        ],
        "verdict_log": [
            (A_DAY, UUID(int=n + 1), "/s", "justified", "clause_met", begin + 1, AT)
            for n in range(begin, begin + AGAIN)
        ],
        "dead_letters": [
            (A_DAY, ACCESS_EVENTS, 0, begin + ACCESSES + n, AT, "not_json", b"key", b"\xff")
            for n in range(LETTERS)
        ],
        "evidence_log": [(f"t:{n}", begin + n, "complaint", "{}", AT) for n in range(EVIDENCE)],
        "range_ledger": [
            (A_DAY, ACCESS_EVENTS, 0, begin, begin + ACCESSES + LETTERS - 1, 1, ACCESSES, LETTERS)
        ],
    }
    for table, columns in OLDEST_COLUMNS.items():
        server.ask("earwitness_writer", f"INSERT INTO {table} ({columns}) VALUES", rows[table])


def counts(server: Server) -> list[object]:
    return [server.ask("earwitness_admin", f"SELECT count() FROM {table}")[0][0] for table in TABLES]  # noqa: S608


@pytest.mark.parametrize("version", VERSIONS)
def test_a_trail_of_any_earlier_schema_keeps_every_row(
    server: Server, version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows stand in the views with their newest verdicts, and a worker finds where to go on."""
    migrate_to(server, version, tmp_path / "older", monkeypatch)
    fill(server)
    before = counts(server)
    schema.migrate(server.address("earwitness_admin"))
    assert schema.pending(server.address("earwitness_admin")) == []
    assert counts(server)[:-1] == before[:-1]

    trail = "SELECT verdict, count() FROM trail GROUP BY verdict ORDER BY verdict"
    assert server.ask("earwitness_reader", trail) == [("justified", AGAIN), ("pending", ACCESSES - AGAIN)]
    clickhouse = ClickHouse(server.address("earwitness_writer"))
    sink = ClickHouseTrail(clickhouse)
    announced = Range(ACCESS_EVENTS, 0, 0, ACCESSES + LETTERS - 1, A_DAY)
    assert sink.tally(announced)[1:] == (ACCESSES, LETTERS, 0, 0)
    assert [(letter.value, letter.headers) for letter in sink.refused(announced)] == [(b"\xff", ())] * LETTERS
    assert sink.highest_offset(ACCESS_EVENTS, 0) == announced.last
    assert sink.unaccounted(ACCESS_EVENTS, 0) == []
    if version < EVIDENCE_ACCOUNTED_FOR_BY:
        assert sink.highest_offset(EVIDENCE_RECORDS, 0) == EVIDENCE - 1
    clickhouse.close()


def test_a_worker_of_the_first_schema_can_go_on_beside_the_newest(server: Server) -> None:
    """Workers are upgraded one after the other, behind the schema: nobody has to stop for it."""
    schema.migrate(server.address("earwitness_admin"))
    fill(server)
    fill(server, begin=1_000)
    assert counts(server)[:2] == [2 * ACCESSES, 2 * AGAIN]
    assert server.ask("earwitness_reader", "SELECT count() FROM trail") == [(2 * ACCESSES,)]

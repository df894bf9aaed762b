"""Migrations on a ClickHouse that holds rows of an older version: nothing of them may be lost or hidden."""

import shutil
import time
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from earwitness.devstack.scratch import Server
from sinks.clickhouse import schema

JUDGED_ONCE, JUDGED_AGAIN = UUID(int=1), UUID(int=2)
A_DAY = date(2026, 1, 1)
VERDICT = "received_day, id, source, verdict, evidence_version"


def test_verdicts_from_before_heartbeats_name_no_register(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade keeps every row, and readers get the new column of old and new rows alike."""
    admin, newest = server.address("earwitness_admin"), schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", _before(5, tmp_path))
    schema.migrate(admin)
    access = "INSERT INTO access_log (received_day, id, source, verdict) VALUES"
    server.ask(
        "earwitness_writer",
        access,
        [(A_DAY, id_, "/s", "pending") for id_ in (JUDGED_ONCE, JUDGED_AGAIN)],
    )
    again = f"INSERT INTO verdict_log ({VERDICT}) VALUES"
    server.ask("earwitness_writer", again, [(A_DAY, JUDGED_AGAIN, "/s", "unjustified", 1)])

    monkeypatch.setattr(schema, "MIGRATIONS", newest)
    assert 5 in schema.migrate(admin)

    columns = "SELECT id, verdict, stale_registers FROM"
    assert server.ask("earwitness_reader", f"{columns} trail ORDER BY id") == [
        (JUDGED_ONCE, "pending", []),
        (JUDGED_AGAIN, "unjustified", []),
    ]
    marked = f"INSERT INTO verdict_log ({VERDICT}, stale_registers) VALUES"
    server.ask("earwitness_writer", marked, [(A_DAY, JUDGED_AGAIN, "/s", "pending", 2, ["zendesk"])])
    history = f"{columns} verdicts WHERE id = '{JUDGED_AGAIN}' ORDER BY evidence_version"
    assert [row[1:] for row in server.ask("earwitness_reader", history)] == [
        ("pending", []),
        ("unjustified", []),
        ("pending", ["zendesk"]),
    ]
    assert (JUDGED_AGAIN, "pending", ["zendesk"]) in server.ask("earwitness_reader", f"{columns} trail")
    assert server.ask("earwitness_reader", "SELECT count() FROM registers") == [(0,)]


def test_accesses_from_before_are_counted_with_those_that_come(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept counts reach back, and rows that are deleted by hand take theirs with them."""
    admin, newest = server.address("earwitness_admin"), schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", _before(11, tmp_path))
    schema.migrate(admin)
    access = "INSERT INTO access_log (received_day, id, source, time, actor_id, verdict) VALUES"
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    server.ask("earwitness_writer", access, [(A_DAY, JUDGED_ONCE, "/s", at, "a-1", "pending")])
    monkeypatch.setattr(schema, "MIGRATIONS", newest)
    assert 11 in schema.migrate(admin)
    server.ask("earwitness_writer", access, [(A_DAY, JUDGED_AGAIN, "/s", at, "a-1", "pending")])

    give_up_at = time.monotonic() + 60
    while server.ask("earwitness_admin", "SELECT count() FROM system.mutations WHERE NOT is_done") != [(0,)]:
        assert time.monotonic() < give_up_at, "the parts of before were not given their projections"
        time.sleep(0.1)
    kept = "SELECT name, uniqExact(parent_name) FROM system.projection_parts WHERE active GROUP BY name"
    names = ("by_actor", "by_resource", "counts_by_actor", "counts_by_hour")
    assert set(server.ask("earwitness_admin", kept)) >= {(name, 2) for name in names}

    counts = "SELECT toStartOfHour(time), verdict, clause, count() FROM access_log GROUP BY ALL"
    forced = f"{counts} SETTINGS force_optimize_projection_name = 'counts_by_hour'"
    assert server.ask("earwitness_admin", forced) == [(at, "pending", "", 2)]
    server.ask("earwitness_admin", f"DELETE FROM access_log WHERE id = '{JUDGED_ONCE}'")  # noqa: S608 - ours
    assert server.ask("earwitness_admin", counts) == [(at, "pending", "", 1)]


def test_parts_of_many_files_and_of_few_are_merged_with_each_other(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored before, and what comes in fewer files, is one trail, and outlives a kill."""
    admin, newest = server.address("earwitness_admin"), schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", _before(12, tmp_path))
    schema.migrate(admin)
    access = "INSERT INTO access_log (received_day, id, source, time, actor_id, verdict) VALUES"
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    server.ask("earwitness_writer", access, [(A_DAY, JUDGED_ONCE, "/s", at, "a-1", "pending")])
    monkeypatch.setattr(schema, "MIGRATIONS", newest)
    assert 12 in schema.migrate(admin)
    server.ask("earwitness_writer", access, [(A_DAY, JUDGED_AGAIN, "/s", at, "a-1", "pending")])

    (before,), (since,) = server.ask(
        "earwitness_admin",
        "SELECT path FROM system.parts WHERE table = 'access_log' AND active ORDER BY min_block_number",
    )
    assert len(list(Path(str(since)).rglob("*"))) < 10 < len(list(Path(str(before)).rglob("*")))
    server.kill_and_start()
    stored = "SELECT id, actor_id, verdict FROM access_log ORDER BY id"
    rows = [(JUDGED_ONCE, "a-1", "pending"), (JUDGED_AGAIN, "a-1", "pending")]
    assert server.ask("earwitness_admin", stored) == rows
    server.ask("earwitness_admin", "OPTIMIZE TABLE access_log FINAL")
    assert server.ask("earwitness_admin", stored) == rows
    counts = "SELECT toStartOfHour(time), verdict, clause, count() FROM access_log GROUP BY ALL"
    forced = f"{counts} SETTINGS force_optimize_projection_name = 'counts_by_hour'"
    assert server.ask("earwitness_admin", forced) == [(at, "pending", "", 2)]


def _before(version: int, folder: Path) -> Path:
    """Give a folder of the migrations that an older release had."""
    older = folder / "older"
    older.mkdir()
    for migration in schema.MIGRATIONS.glob("*.sql"):
        if int(migration.name[:4]) < version:
            shutil.copy(migration, older)
    return older

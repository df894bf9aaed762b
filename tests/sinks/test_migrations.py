"""Migrations on a ClickHouse that holds rows of an older version: nothing of them may be lost or hidden."""

import shutil
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from sinks.clickhouse import schema
from tests.sinks.server import Server

JUDGED_ONCE, JUDGED_AGAIN = UUID(int=1), UUID(int=2)
A_DAY = date(2026, 1, 1)
VERDICT = "received_day, id, source, verdict, evidence_version"


def test_verdicts_from_before_heartbeats_name_no_register(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade keeps every row, and readers get the new column of old and new rows alike."""
    admin, newest = server.address("earwitness_admin"), schema.MIGRATIONS
    older = tmp_path / "older"
    older.mkdir()
    for migration in newest.glob("*.sql"):
        if int(migration.name[:4]) < 5:
            shutil.copy(migration, older)
    monkeypatch.setattr(schema, "MIGRATIONS", older)
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

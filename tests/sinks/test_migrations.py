"""Migrations on a ClickHouse that holds rows of an older version: nothing of them may be lost or hidden."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import NetworkError, SocketTimeoutError

from earwitness.devstack import clickhouse_config
from earwitness.devstack.layout import layout_of, prepare
from earwitness.devstack.ports import HOST, choose
from earwitness.devstack.users import make_secrets, read_secret
from earwitness.settings import ROOT
from sinks.clickhouse import schema
from sinks.clickhouse.client import Address

ANSWERS_WITHIN_S = 60.0
JUDGED_ONCE, JUDGED_AGAIN = UUID(int=1), UUID(int=2)
A_DAY = date(2026, 1, 1)
VERDICT = "received_day, id, source, verdict, evidence_version"


class Server:
    """An empty ClickHouse with our users."""

    def __init__(self, folder: Path) -> None:
        self._layout = layout_of(folder)
        prepare(self._layout)
        make_secrets(self._layout)
        self._ports = choose(self._layout, {})
        clickhouse_config.configure(self._layout, self._ports)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "earwitness.devstack.clickhouse_server", str(self._layout.clickhouse)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def address(self, user: str) -> Address:
        password = read_secret(self._layout, f"clickhouse-{user}")
        return Address(HOST, self._ports.clickhouse, "earwitness", user, password, secure=False)

    def ask(
        self, user: str, query: str, rows: list[tuple[object, ...]] | None = None
    ) -> list[tuple[object, ...]]:
        client = Client(**self.address(user)._asdict())
        try:
            answer: list[tuple[object, ...]] = client.execute(query, rows)
        finally:
            client.disconnect()
        return answer

    def wait(self) -> None:
        give_up_at = time.monotonic() + ANSWERS_WITHIN_S
        while True:
            client = Client(**{**self.address("earwitness_admin")._asdict(), "database": "default"})
            try:
                client.execute("SELECT 1")
            except (EOFError, NetworkError, SocketTimeoutError):
                assert time.monotonic() < give_up_at, "ClickHouse did not answer"
                time.sleep(0.2)
            else:
                return
            finally:
                client.disconnect()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "data")
    try:
        started.wait()
        yield started
    finally:
        started.process.kill()
        started.process.wait()


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

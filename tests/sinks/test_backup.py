"""A copy of the trail on a real ClickHouse, and the way back from it."""

from datetime import date
from uuid import UUID

import pytest

from earwitness.devstack.scratch import Server
from models.errors import QueryRejected, SinkRejected
from sinks.clickhouse.backup import back_up, restore
from sinks.clickhouse.schema import migrate, pending

A_DAY = date(2026, 1, 1)
COUNTS = (
    "SELECT (SELECT count() FROM trail), (SELECT sum(row_count) FROM range_ledger), uniqExact(id) FROM trail"
)


def stored(server: Server, first: int, last: int) -> None:
    """Store a range of accesses, and account for it."""
    rows = [(A_DAY, UUID(int=number), "/s", "pending", number) for number in range(first, last + 1)]
    access = "INSERT INTO access_log (received_day, id, source, verdict, offset) VALUES"
    server.ask("earwitness_writer", access, rows)
    ledger = "INSERT INTO range_ledger (received_day, topic, first_offset, last_offset, row_count) VALUES"
    server.ask("earwitness_writer", ledger, [(A_DAY, "access.events.v1", first, last, len(rows))])


def test_a_trail_comes_back_from_a_copy_as_it_was(server: Server) -> None:
    """Its rows, its views with their rights, and what had been migrated; no trail is replaced."""
    admin = server.address("earwitness_admin")
    migrate(admin)
    stored(server, 0, 9)
    back_up(admin, "monday")
    stored(server, 10, 19)
    assert server.ask("earwitness_admin", COUNTS) == [(20, 20, 20)]
    with pytest.raises(QueryRejected, match="holds rows"):
        restore(admin, "monday")
    assert server.ask("earwitness_admin", COUNTS) == [(20, 20, 20)]

    server.ask("earwitness_admin", "RENAME DATABASE earwitness TO kept")
    assert restore(admin, "monday") == (10, 1, 0)
    assert server.ask("earwitness_admin", COUNTS) == [(10, 10, 10)]
    assert server.ask("earwitness_reader", "SELECT count() FROM trail") == [(10,)]
    assert pending(admin) == []
    stored(server, 10, 19)
    assert server.ask("earwitness_admin", COUNTS) == [(20, 20, 20)]


def test_a_backup_replaces_no_other_and_has_a_sound_name(server: Server) -> None:
    """Names are folders on the server's disk."""
    admin = server.address("earwitness_admin")
    migrate(admin)
    back_up(admin, "monday")
    with pytest.raises(SinkRejected, match="already exists"):
        back_up(admin, "monday")
    for name in ("../elsewhere", "", "a'b", "-x"):
        with pytest.raises(QueryRejected, match="no name of a backup"):
            back_up(admin, name)


def test_only_a_backup_that_exists_is_restored(server: Server) -> None:
    """An empty trail stays what it is where there is nothing to put in its place."""
    admin = server.address("earwitness_admin")
    migrate(admin)
    with pytest.raises(SinkRejected, match="not found"):
        restore(admin, "tuesday")
    assert pending(admin) == []

"""One rule's statement that fails keeps no other rule from being asked."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from earwitness.alerting.raising import Raiser
from earwitness.devstack.scratch import Server
from earwitness.query.clickhouse import ClickHouseStore
from sinks.clickhouse import schema
from sinks.clickhouse.alerts import AlertLog
from sinks.clickhouse.client import ClickHouse
from tests.alerts.builders import BEHAVIOUR_RULE, NOON, a_rule


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    try:
        started.wait()
        schema.migrate(started.address("earwitness_admin"))
        yield started
    finally:
        started.stop()


def test_a_statement_that_clickhouse_refuses_holds_up_no_other_rule(server: Server) -> None:
    """A column that was renamed is its author's to mend; meanwhile the others go on."""
    address = server.address("earwitness_alerter")
    store = ClickHouseStore(**address._asdict(), query_timeout_s=30)
    statements = ClickHouseStore(**address._asdict(), query_timeout_s=30, author="person")
    alert_log = AlertLog(ClickHouse(address))
    broken = a_rule(
        BEHAVIOUR_RULE.replace("some-behaviour", "a-broken-one").replace("FROM trail", "FROM trial")
    )
    sound = a_rule(BEHAVIOUR_RULE)
    server.ask(
        "earwitness_admin",
        "INSERT INTO access_log (received_day, id, source, time, received_at, judged_at, actor_id) VALUES",
        [(NOON.date(), uuid4(), "/s", NOON, NOON, NOON, "e-1") for _ in range(3)],
    )
    raiser = Raiser(store, statements, alert_log, [broken, sound], lambda: NOON + timedelta(minutes=1))
    try:
        assert [news.rule.id for news in raiser.look()] == ["some-behaviour"]
    finally:
        alert_log.close()
        statements.close()
        store.close()

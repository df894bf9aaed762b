"""The sink for activity on a real ClickHouse, as the user who may insert there and nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from earwitness.cli import wiring
from models.errors import SinkUnavailable
from sinks.clickhouse.activity import MOST_CUSTOMERS, Activity, ActivityLog
from sinks.clickhouse.client import ClickHouse
from tests.conftest import Stack

pytestmark = pytest.mark.stack


def an_activity(**changes: object) -> Activity:
    activity = Activity(uuid4(), datetime.now(UTC), "api-token", "api", "search", "actor:e-1")
    return activity._replace(**changes)


@pytest.fixture
def log(stack: Stack) -> Iterator[ActivityLog]:
    opened = ActivityLog(ClickHouse(wiring.clickhouse(stack.settings("api").clickhouse)))
    yield opened
    opened.close()


def test_an_activity_is_there_once_write_returns(log: ActivityLog, stack: Stack) -> None:
    """Durable before answered: another connection sees it at once."""
    activity = an_activity(customer_ids=("acme", "globex"), row_count=2)
    log.write(activity)
    client = stack.clickhouse("reader")
    rows = client.execute("SELECT * FROM activity WHERE id = %(id)s", {"id": activity.id})
    client.disconnect()
    assert rows == [(*activity[:6], ["acme", "globex"], 2)]


def test_no_more_customers_are_kept_than_the_contract_says(log: ActivityLog, stack: Stack) -> None:
    """`row_count` still tells how many there were; absent, nothing was counted."""
    activity = an_activity(customer_ids=tuple(f"c-{number}" for number in range(MOST_CUSTOMERS * 2)))
    log.write(activity)
    client = stack.clickhouse("reader")
    rows = client.execute(
        "SELECT length(customer_ids), row_count FROM activity WHERE id = %(id)s", {"id": activity.id}
    )
    client.disconnect()
    assert rows == [(MOST_CUSTOMERS, None)]


@pytest.mark.parametrize("fault", [{"port": 1}, {"password": "wrong"}, {"database": "system"}])
def test_what_is_not_known_to_be_durable_is_an_error(stack: Stack, fault: dict[str, object]) -> None:
    """Unreachable, not let in, or refused: whoever would answer must not."""
    address = wiring.clickhouse(stack.settings("api").clickhouse)._replace(**fault)
    log = ActivityLog(ClickHouse(address))
    with pytest.raises(SinkUnavailable):
        log.write(an_activity())
    log.close()

"""Alerts in a real ClickHouse, for tests of what people do with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from earwitness.cli import wiring
from models.alerts import BY_ALERTER, Delivery, Entry, Member, entry_id
from sinks.clickhouse.alerts import AlertLog
from sinks.clickhouse.client import ClickHouse
from tests.conftest import Stack


@contextmanager
def alert_log(stack: Stack, role: str = "alerter") -> Iterator[AlertLog]:
    """Write alerts as the alerter does."""
    log = AlertLog(ClickHouse(wiring.clickhouse(stack.settings(role).clickhouse)))
    try:
        yield log
    finally:
        log.close()


def an_alert(actor_id: str, customer_id: str, **changes: Any) -> Entry:
    """Give what raises an alert about one actor and customer, a minute ago."""
    alert_id, at = uuid4(), datetime.now(UTC) - timedelta(minutes=1)
    raised = Entry(
        alert_id,
        entry_id(alert_id, "raised"),
        at,
        "raised",
        BY_ALERTER,
        rule="unexplained-access",
        rule_digest="0123456789abcdef",
        severity="high",
        title="An access that nothing justifies",
        fingerprint=alert_id.hex,
        grouping={"actor_type": "vendor", "actor_id": actor_id, "customer_id": customer_id},
    )
    return raised._replace(**changes)


def a_member(raised: Entry, event: dict[str, Any], **changes: Any) -> Member:
    """Give an access that belongs to it."""
    return Member(
        raised.alert_id,
        event["source"],
        UUID(event["id"]),
        datetime.fromisoformat(event["time"]),
        event["actor_id"],
        event["customer_id"],
        "unjustified",
        "resource_not_needed",
    )._replace(**changes)


def a_delivery(raised: Entry, **changes: Any) -> Delivery:
    """Give the evidence that a channel was told."""
    at = raised.at + timedelta(seconds=1)
    given = Delivery(str(raised.id), raised.alert_id, "mail", 1, at, "delivered", 250, "2.0.0 Ok", 41)
    return given._replace(**changes)

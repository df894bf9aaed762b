"""How long it takes from an access that nothing justifies until somebody is told.

`python -m benchmarks.alert_latency` runs a stack of its own with one worker, publishes such accesses one by
one among many others, and asks the store: when the broker received each, and when a receiver of webhooks
took its message.
"""

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import click

from earwitness.cli import wiring
from earwitness.demo.alerts import an_inbox
from earwitness.devstack import control, state
from earwitness.devstack.layout import layout_of
from earwitness.devstack.supervisor import Options
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.settings import Settings
from models.publisher import Message
from models.topics import ACCESS_EVENTS
from streams.publisher import KafkaPublisher

PACE_S: Final = 0.25
TOLD_WITHIN_S: Final = 60.0
_TOOK: Final = """
SELECT count(), quantiles(0.5, 0.99, 1.0)(took), quantiles(0.5, 0.99, 1.0)(raised) FROM
(
    SELECT dateDiff('millisecond', t.received_at, d.at) + d.took_ms AS took,
           dateDiff('millisecond', t.received_at, e.at) AS raised
    FROM (SELECT * FROM alert_deliveries WHERE status = 'delivered') AS d
    INNER JOIN alert_entries AS e ON toString(e.entry_id) = d.notice_id AND e.kind = 'raised'
    INNER JOIN alert_members AS m ON m.alert_id = d.alert_id
    INNER JOIN trail AS t ON t.id = m.id AND t.source = m.source
    WHERE startsWith(t.actor_id, 'v-latency-')
)
"""


class Told(NamedTuple):
    """How many were told, and ms from receipt to the receiver's answer: median, 99th percentile, most."""

    count: int
    took_ms: list[float]
    raised_ms: list[float]


@click.command()
@click.option("--seconds", default=60, show_default=True, help="How long accesses are published.")
@click.option("--others", default=250, show_default=True, help="How many others beside each.")
@click.option("--results", type=click.Path(path_type=Path), help="Write the result there as JSON.")
def main(seconds: int, others: int, results: Path | None) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory(prefix="earwitness-alert-latency-") as folder, an_inbox():
        data_dir = Path(folder) / "data"
        control.fetch_kafka(Settings().maven_url, click.echo)
        control.start_detached(Options(data_dir=data_dir, workers=1))
        try:
            sent = _publish(data_dir, seconds, others)
            told = _told(data_dir, sent)
        finally:
            control.stop(layout_of(data_dir), lambda _: None)
    middle, nearly_all, most = told.took_ms
    shown = {
        "accesses_alerted": told.count,
        "accesses_per_s": round((others + 1) / PACE_S),
        "received_to_raised_ms_p50": round(told.raised_ms[0]),
        "received_to_raised_ms_p99": round(told.raised_ms[1]),
        "received_to_told_ms_p50": round(middle),
        "received_to_told_ms_p99": round(nearly_all),
        "received_to_told_ms_max": round(most),
    }
    click.echo(json.dumps(shown, indent=2))
    if results is not None:
        results.write_text(json.dumps(shown, indent=2) + "\n", encoding="utf-8")


def _publish(data_dir: Path, seconds: int, others: int) -> int:
    publisher = KafkaPublisher(wiring.kafka(state.settings_for(data_dir, "producer").kafka))
    begun_at = time.monotonic()
    count = 0
    while time.monotonic() < begun_at + seconds:
        events = [_event(f"v-latency-{count}", "vendor", "process_sms")]
        events += [_event("cus-1", "customer", "own_use") for _ in range(others)]
        publisher.publish(
            [Message(ACCESS_EVENTS, e["id"].encode(), json.dumps(e).encode(), {}) for e in events]
        )
        count += 1
        time.sleep(max(0.0, begun_at + count * PACE_S - time.monotonic()))
    publisher.close()
    return count


def _event(actor: str, actor_type: str, purpose: str) -> dict[str, Any]:
    event = {
        "id": str(uuid4()),
        "time": datetime.now(UTC).isoformat(),
        "source": "/services/sms-api",
        "actor_type": actor_type,
        "actor_id": actor,
        "action": "read",
        "resource_type": "sms_content",
        "resource_id": "sms-1",
        "customer_id": "cus-1",
        "purpose": purpose,
    }
    return event | ({"organization": "org-latency"} if actor_type == "vendor" else {})


def _told(data_dir: Path, expected: int) -> Told:
    address = wiring.clickhouse(state.settings_for(data_dir, "alerter").clickhouse)
    store = ClickHouseStore(**address._asdict(), query_timeout_s=30)
    give_up_at = time.monotonic() + TOLD_WITHIN_S
    while True:
        ((count, took, raised),) = store.ask(_TOOK).rows
        if count >= expected or time.monotonic() > give_up_at:
            store.close()
            return Told(count, list(took), list(raised))
        time.sleep(0.5)


if __name__ == "__main__":
    main()

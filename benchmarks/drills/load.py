"""Accesses that flow while something goes wrong, and the ids that Kafka acknowledged."""

import json
import threading
import time
from datetime import UTC, datetime
from typing import Any, Final, Self

from earwitness_sdk.ids import IdMaker
from kafka import KafkaProducer
from kafka.errors import KafkaError

from models.topics import ACCESS_EVENTS

DELIVERED_WITHIN_MS: Final = 600_000
BURST: Final = 50
CUSTOMERS: Final = 97


class Load:
    """Publishes `rate` accesses a second until it is left; `acknowledged` are those that must be stored."""

    def __init__(self, kafka: dict[str, Any], source: str, rate: int) -> None:
        self.acknowledged: set[str] = set()
        self.refused = 0
        self._source = source
        self._rate = rate
        self._producer = KafkaProducer(
            **kafka, acks="all", linger_ms=5, delivery_timeout_ms=DELIVERED_WITHIN_MS, max_block_ms=60_000
        )
        self._ids = IdMaker()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._producer.flush()
        self._producer.close()

    def publish(self, count: int) -> None:
        """Publish so many at once."""
        for _ in range(count):
            self._send()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            self.publish(BURST)
            due = max(due + BURST / self._rate, time.monotonic() - 1)
            self._stopping.wait(max(0.0, due - time.monotonic()))

    def _send(self) -> None:
        made = self._ids.new()
        try:
            sent = self._producer.send(ACCESS_EVENTS, key=made.encode(), value=self._event(made))
        except KafkaError:
            self.refused += 1
            return
        sent.add_callback(lambda _: self.acknowledged.add(made))

    def _event(self, made: str) -> bytes:
        customer = f"customer-{int(made[-4:], 16) % CUSTOMERS}"
        event = {
            "id": made,
            "time": datetime.now(UTC).isoformat(),
            "source": self._source,
            "actor_type": "employee",
            "actor_id": "e-1",
            "action": "listen",
            "resource_type": "call_recording",
            "resource_id": f"rec-{made[-12:]}",
            "customer_id": customer,
            "purpose": "resolve_complaint",
            "evidence_ref": f"ticket:{customer}",
        }
        return json.dumps(event).encode()

"""Who put evidence in by a command: on record before it is published."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from getpass import getuser
from types import TracebackType
from typing import Self
from uuid import uuid4

from earwitness.cli import wiring
from earwitness.registers.activity import Named, writing
from earwitness.settings import ClickHouseSettings
from sinks.clickhouse.activity import Activity, ActivityLog
from sinks.clickhouse.client import ClickHouse


class EvidenceActivity:
    """Keeps who writes which evidence. Use it in a `with` block."""

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._log = ActivityLog(ClickHouse(wiring.clickhouse(settings)))

    def __enter__(self) -> Self:
        """Use the log."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connection."""
        self._log.close()

    def record(self, action: str, what: str, records: Sequence[Named]) -> None:
        """Return once it is durable that these records are about to be published; none is nothing.

        Raises `SinkUnavailable`: nothing may then be published.
        """
        if not records:
            return
        told = writing(what, records)
        self._log.write(
            Activity(
                id=uuid4(),
                time=datetime.now(UTC),
                principal=_principal(),
                surface="cli",
                action=action,
                query=told.query,
                customer_ids=told.customer_ids,
                row_count=told.row_count,
            )
        )


def _principal() -> str:
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # a container need not know its user by name

"""Heartbeats of registers in ClickHouse: beating, retiring, and what each register said last."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar
from uuid import uuid4

from models.errors import QueryRejected, SinkUnavailable
from models.registers import MOST_REGISTERS, Heartbeat, RegisterState
from sinks.clickhouse.activity import Activity
from sinks.clickhouse.client import ClickHouse

WRITE_TIMEOUT_S: Final = 15

BEATS_PER_INTERVAL: Final = 20
"""A beat that repeats what this process wrote less than a twentieth of the interval ago is not written.

A register that beats with every webhook would otherwise insert as often; its last beat may so look
five percent of the interval older than it is.
"""

T = TypeVar("T")


class Teller(NamedTuple):
    """Who beats or retires, and through what (`cli`, `api`, `webhook` …)."""

    principal: str
    surface: str


class _Written(NamedTuple):
    heartbeat: Heartbeat
    monotonic_s: float


def read_registers(clickhouse: ClickHouse) -> list[RegisterState]:
    """Give every register that ever beat, by its newest beat, by name.

    Raises `SinkUnavailable` or `SinkRejected`.
    """
    rows = clickhouse.execute(
        f"SELECT name, kinds, every_s, beat_at FROM registers ORDER BY name LIMIT {2 * MOST_REGISTERS}"  # noqa: S608 - constants
    )
    return [RegisterState(name, tuple(kinds), every_s, beat_at) for name, kinds, every_s, beat_at in rows]


class HeartbeatLog:
    """Where registers beat. Safe to share between threads: one thread of its own writes.

    A beat alone is no activity, for one a minute would bury the rest. What changes who is watched is:
    a register that is new, that declares other kinds or another interval, or that is retired goes to
    `record` before it is written.
    """

    def __init__(self, clickhouse: ClickHouse, record: Callable[[Activity], None]) -> None:
        self._clickhouse = clickhouse
        self._record = record
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="heartbeats")
        self._written: dict[str, _Written] = {}
        self._lock = threading.Lock()

    def beat(self, heartbeat: Heartbeat, by: Teller) -> bool:
        """Say that a register works; tell whether that changed what was known of it.

        Raises `SinkUnavailable` where the beat is not known to be durable, and `QueryRejected` where it is
        of a new register and there are too many.
        """
        if self._is_repeated(heartbeat):
            return False
        return self._in_thread(lambda: self._beat(heartbeat, by))

    def retire(self, name: str, by: Teller) -> bool:
        """Expect nothing of a register any more, until it beats again; False where none of that name beats.

        Raises `SinkUnavailable` where that is not known to be durable.
        """
        return self._in_thread(lambda: self._retire(name, by))

    def close(self) -> None:
        """Let what is under way end, then let go of the connection."""
        self._thread.shutdown()
        self._clickhouse.close()

    def _is_repeated(self, heartbeat: Heartbeat) -> bool:
        with self._lock:
            written = self._written.get(heartbeat.name)
        return (
            written is not None
            and written.heartbeat == heartbeat
            and time.monotonic() - written.monotonic_s < heartbeat.every_s / BEATS_PER_INTERVAL
        )

    def _in_thread(self, work: Callable[[], T]) -> T:
        under_way = self._thread.submit(work)
        try:
            return under_way.result(timeout=WRITE_TIMEOUT_S)
        except TooLong as error:
            under_way.cancel()
            raise SinkUnavailable(f"the heartbeat was not written within {WRITE_TIMEOUT_S} s") from error

    def _beat(self, heartbeat: Heartbeat, by: Teller) -> bool:
        known = {state.name: state for state in read_registers(self._clickhouse)}
        before = known.get(heartbeat.name)
        if before is None and len(known) >= MOST_REGISTERS:
            raise QueryRejected(
                f"{len(known)} registers are known, and there can be no more",
                "beat as one that exists: one register needs one name",
            )
        changed = before is None or (set(before.kinds), before.every_s) != (
            set(heartbeat.kinds),
            heartbeat.every_s,
        )
        if changed:
            declared = f"{heartbeat.name} --kinds {','.join(heartbeat.kinds)} --every {heartbeat.every_s}s"
            self._tell("registers.declare", declared, by)
        self._insert(heartbeat.name, heartbeat.kinds, heartbeat.every_s, by)
        with self._lock:
            self._written[heartbeat.name] = _Written(heartbeat, time.monotonic())
        return changed

    def _retire(self, name: str, by: Teller) -> bool:
        before = next((state for state in read_registers(self._clickhouse) if state.name == name), None)
        if before is None or before.retired:
            return False
        self._tell("registers.retire", name, by)
        self._insert(name, before.kinds, 0, by)
        with self._lock:
            self._written.pop(name, None)
        return True

    def _tell(self, action: str, query: str, by: Teller) -> None:
        self._record(
            Activity(
                id=uuid4(),
                time=datetime.now(UTC),
                principal=by.principal,
                surface=by.surface,
                action=action,
                query=query,
            )
        )

    def _insert(self, name: str, kinds: Sequence[str], every_s: int, by: Teller) -> None:
        self._clickhouse.execute(
            "INSERT INTO register_heartbeats (register, every_s, kinds, written_by) VALUES",
            [(name, every_s, sorted(set(kinds)), by.principal)],
            settings={"async_insert": 0},
        )

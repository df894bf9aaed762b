"""Group commit: whoever records meanwhile shares the next write and the next sync."""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from time import monotonic
from typing import Final, NamedTuple

from earwitness_sdk.errors import NotRecorded
from earwitness_sdk.outbox import Dropped, NoRoom

from .frames import FRAME_BYTES
from .journal import DiskUse, Journal
from .settings import Spool

BATCH_BYTES: Final = 1024 * 1024
"""How much is written with one sync."""

LINGER_S: Final = 0.01
"""How long records wait for company that nobody waits for."""

AGAIN_AFTER_S: Final = 0.5
"""When the disk is tried again for records that it refused, and that nobody waits for."""

MOST_COMMITS: Final = 4_000
"""Seconds of which it is known when records became durable; an outage longer than that looks no older."""

_LOG: Final = logging.getLogger("earwitness_sdk")


class Waiting(NamedTuple):
    """One record on its way to the disk; without a future it is tried until it is there."""

    body: bytes
    future: "Future[None] | None"

    @property
    def size_bytes(self) -> int:
        """What it takes, in memory and on disk alike."""
        return len(self.body) + FRAME_BYTES


class Counts(NamedTuple):
    """Records since the start: taken over, made durable, refused by the disk."""

    taken: int
    durable: int
    refused: int

    @property
    def queued(self) -> int:
        """Those that still wait for the disk."""
        return self.taken - self.durable - self.refused


class _Commit(NamedTuple):
    """How many records were durable at the end of about a second, and when that began."""

    records: int
    began_at: float


class Writer:
    """Owns the thread that writes. `put` never waits for the disk."""

    def __init__(self, journal: Journal, limits: Spool, use: DiskUse, work: threading.Event) -> None:
        self.error: str | None = None
        """Why the last write failed; None where it did not."""
        self.busy_since: float | None = None
        """Since when the disk has not answered a write."""
        self._journal = journal
        self._limits = limits
        self._use = use
        self._work = work
        self._taken = self._durable = self._refused = 0
        self._commits: deque[_Commit] = deque()
        self._queue: deque[Waiting] = deque()
        self._queued_bytes = 0
        self._urgent = False
        self._stopping = False
        self._telling = False
        """Whether records are being dropped: after one more there would be a gap in its producer's count."""
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._thread = threading.Thread(target=self._run, name="earwitness-spool-writer", daemon=True)
        self._thread.start()

    def put(self, body: bytes, future: "Future[None] | None") -> None:
        """Take one record over at once. Raises `NoRoom`, or `NotRecorded` after a stop."""
        waiting = Waiting(body, future)
        size_bytes = waiting.size_bytes
        with self._lock:
            self._refuse_where_full(size_bytes)
            self._queue.append(waiting)
            self._queued_bytes += size_bytes
            self._taken += 1
            if future is not None and not self._urgent:
                self._urgent = True
                self._changed.notify()
            elif len(self._queue) == 1:
                self._changed.notify()

    @property
    def waiting_bytes(self) -> int:
        """What waits in memory for the disk."""
        return self._queued_bytes

    def counts(self) -> Counts:
        """Tell what became of all that was taken."""
        with self._changed:
            return Counts(self._taken, self._durable, self._refused)

    def oldest_at(self, settled: int) -> float | None:
        """Say when the oldest record was written of which so many are settled; None where all are."""
        with self._changed:
            while self._commits and self._commits[0].records <= settled:
                self._commits.popleft()
            return self._commits[0].began_at if self._commits else None

    def stop(self, timeout_s: float) -> bool:
        """Take nothing more, and write what is queued; say whether that took no longer than `timeout_s`."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _refuse_where_full(self, size_bytes: int) -> None:
        limits = self._limits
        if self._stopping:
            raise NotRecorded(f"the spool {limits.folder} is closed")
        if self._telling:
            raise NotRecorded(self.error)
        if self._queued_bytes + size_bytes > limits.most_memory_bytes:
            raise NoRoom(
                f"the disk of the spool {limits.folder} does not keep up:"
                f" {limits.most_memory_bytes} bytes wait for it"
            )
        if self._use.total_bytes + self._queued_bytes + size_bytes > limits.most_disk_bytes:
            raise NoRoom(
                f"the spool {limits.folder} is full: {limits.most_disk_bytes} bytes wait for Kafka;"
                " check that Kafka is up, or allow more"
            )

    def _run(self) -> None:
        while batch := self._next_batch():
            self.busy_since = monotonic()
            try:
                self._journal.append([waiting.body for waiting in batch])
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a disk does
                self._refuse(batch, error)
            else:
                self._acknowledge(batch)
            finally:
                self.busy_since = None
        self._journal.seal()

    def _next_batch(self) -> Sequence[Waiting]:
        """Wait for records; nothing is left to write where there are none."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stopping)
            linger_s = LINGER_S if self.error is None else AGAIN_AFTER_S
            self._changed.wait_for(lambda: self._urgent or self._stopping, linger_s)
            return self._taken_out()

    def _taken_out(self) -> Sequence[Waiting]:
        """Take out what is written next, in one step where that is everything: callers wait for the lock."""
        if self._queued_bytes <= BATCH_BYTES:
            batch, self._queue, self._urgent = self._queue, deque(), False
            return batch
        batch = deque()
        size_bytes = 0
        while size_bytes < BATCH_BYTES:
            batch.append(self._queue.popleft())
            size_bytes += batch[-1].size_bytes
        self._urgent = any(waiting.future is not None for waiting in self._queue)
        return batch

    def _acknowledge(self, batch: Sequence[Waiting]) -> None:
        size_bytes = sum(waiting.size_bytes for waiting in batch)
        self._use.written_bytes += size_bytes
        with self._changed:
            self._queued_bytes -= size_bytes
            self._durable += len(batch)
            self._remember_when()
        if self.error is not None:
            _LOG.warning("the spool %s can be written to again", self._limits.folder)
            self.error = None
        self._work.set()
        for waiting in batch:
            if waiting.future is not None:
                waiting.future.set_result(None)

    def _remember_when(self) -> None:
        """Note when records became durable, to the second, for as long as notes are few."""
        now = monotonic()
        last = self._commits[-1] if self._commits else None
        if last is not None and (now - last.began_at < 1.0 or len(self._commits) >= MOST_COMMITS):
            self._commits[-1] = _Commit(self._durable, last.began_at)
        else:
            self._commits.append(_Commit(self._durable, now))

    def _refuse(self, batch: Sequence[Waiting], error: Exception) -> None:
        """Tell all who wait. What nobody waits for stays, with what was taken before it, so that no number
        is missing between; unless this is the end.
        """  # noqa: D205 - one sentence
        said = f"the spool {self._limits.folder} cannot be written to: {error}"
        if self.error is None:
            _LOG.error("%s", said)
        self.error = said
        with self._changed:
            everything = [*batch, *self._queue]
            stays = 0 if self._stopping else _ends_with_unawaited(everything)
            dropped = everything[stays:]
            self._queue = deque(waiting._replace(future=None) for waiting in everything[:stays])
            self._queued_bytes -= sum(waiting.size_bytes for waiting in dropped)
            self._refused += len(dropped)
            self._urgent = False
            self._telling = True
        for number, waiting in enumerate(everything):
            if waiting.future is not None:
                refused = NotRecorded(said) if number < stays else Dropped(said)
                refused.__cause__ = error
                waiting.future.set_exception(refused)
        self._telling = False


def _ends_with_unawaited(everything: list[Waiting]) -> int:
    """Count the records up to the last that nobody waits for."""
    for number in range(len(everything), 0, -1):
        if everything[number - 1].future is None:
            return number
    return 0

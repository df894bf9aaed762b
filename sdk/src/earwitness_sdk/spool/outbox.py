"""The spool behind the seam of every `Outbox`: durable on disk first, and sent on from there."""

import atexit
import logging
import os
import threading
from concurrent.futures import Future
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from earwitness_sdk.errors import BadSettings, NotRecorded
from earwitness_sdk.forks import renew_in_children
from earwitness_sdk.kafka import Kafka
from earwitness_sdk.kafka_outbox import KafkaOutbox
from earwitness_sdk.outbox import CLOSED_WITHIN_S, FlushReport, Metrics, Outbox, Outgoing

from .frames import LARGEST_BODY_BYTES, encode
from .journal import SEGMENT_BYTES, DiskUse, Journal
from .parts import Part, parts_in, sync_folder
from .sender import Sender
from .settings import FOLDER_VARIABLE, Spool
from .writer import Writer

CLOSED_AT_EXIT_WITHIN_S: Final = 5.0
"""How long the end of the process is put off; what is not sent by then stays on disk."""

PREPARED_WITHIN_S: Final = 5.0
"""How long the disk may take to show at the start that the folder can be used."""

STOPPED_WITHIN_S: Final = 1.0
PAUSE_S: Final = 0.01
SEGMENTS_IN_SPOOL: Final = 8
"""A spool must hold several segments: room comes back one segment at a time."""

_LOG: Final = logging.getLogger("earwitness_sdk")


class SpoolOutbox:
    """An `Outbox` whose records are durable once they are on disk; another one takes them on from there.

    Safe to share by threads, and usable in a child after a fork, which gets a part of its own. Nothing is
    started before the first record, unless a process that is gone has left records. Raises `BadSettings`.
    """

    is_local: Final = True

    def __init__(self, spool: Spool, onward: Outbox) -> None:
        self._spool = spool
        self._onward = onward
        self._running: _Running | None = None
        self._starting = threading.Lock()
        self._closed = False
        if _prepared(spool):
            self._started()
        atexit.register(self.close_at_exit)
        renew_in_children(self)

    @classmethod
    def to_kafka(cls, spool: Spool, kafka: Kafka) -> "SpoolOutbox":
        """Make one whose records go on to Kafka. Raises `BadSettings`."""
        onward = KafkaOutbox(kafka)
        made = cls(spool, onward)
        onward.at_exit = made.close_at_exit
        return made

    @property
    def destination(self) -> str:
        """Name the folder, and what follows it."""
        return f"the spool {self._spool.folder} before {self._onward.destination}"

    def begin_anew(self) -> None:
        """Leave the parent's part to it; its threads are not here."""
        running, self._running = self._running, None
        self._starting = threading.Lock()
        if running is not None:
            running.let_go_of_files()

    def send(self, record: Outgoing, timeout_s: float = 0) -> "Future[None]":  # noqa: ARG002 - it never waits
        """Take one record over at once; see `Outbox.send`."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()  # nobody can take a record back
        self._started().writer.put(_body(record), future)
        return future

    def keep(self, record: Outgoing) -> None:
        """Take one record over at once; see `Outbox.keep`. It is on disk some 10 ms later."""
        self._started().writer.put(_body(record), None)

    def metrics(self) -> Metrics:
        """Tell what it holds and has done."""
        running = self._running
        return Metrics.of(FlushReport(0, 0, 0)) if running is None else running.metrics()

    def flush(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Wait until everything was sent, what processes that are gone have left included."""
        running = self._running
        if running is None:
            if self._closed or not _prepared(self._spool):
                return FlushReport(0, 0, 0)
            running = self._started()
        return running.flush(monotonic() + timeout_s)

    def close(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Flush and stop. What is not sent stays on disk, for the next process that uses the folder."""
        deadline = monotonic() + timeout_s
        if self._closed:
            return self.flush(0)
        self._closed = True
        atexit.unregister(self.close_at_exit)
        report = self.flush(timeout_s)
        if self._running is not None:
            report = self._running.stop(deadline)
        self._onward.close(max(0.0, deadline - monotonic()))
        return report

    def close_at_exit(self) -> None:
        """Close, for a process that ends."""
        report = self.close(CLOSED_AT_EXIT_WITHIN_S)
        if report.pending:
            _LOG.error(
                "when the process ended, %d records were not sent; %d of them wait in %s"
                " for the next process that uses it",
                report.pending,
                report.on_disk,
                self._spool.folder,
            )

    def _started(self) -> "_Running":
        if self._closed:
            raise NotRecorded(f"the spool {self._spool.folder} is closed")
        running = self._running
        if running is not None:
            return running
        with self._starting:
            if self._running is None:
                try:
                    self._running = _Running(self._spool, self._onward)
                except RuntimeError as error:
                    raise NotRecorded(
                        f"the spool {self._spool.folder} can start no thread: {error}"
                    ) from error
            return self._running


class _Running:
    """What belongs to one process: its journal, and the threads that write and send."""

    def __init__(self, spool: Spool, onward: Outbox) -> None:
        work = threading.Event()
        use = DiskUse()
        self._spool = spool
        self._use = use
        self._journal = Journal(spool.folder, min(SEGMENT_BYTES, spool.most_disk_bytes // SEGMENTS_IN_SPOOL))
        self.writer = Writer(self._journal, spool, use, work)
        self._sender = Sender(spool.folder, self._journal, onward, use, work)

    def report(self) -> FlushReport:
        """Tell what became of all records."""
        own, others, taken = self._sender.own, self._sender.others, self.writer.counts()
        pending = max(0, taken.taken - taken.refused - own.settled)
        orphaned = self._sender.orphaned
        return FlushReport(
            acknowledged=own.sent + others.sent,
            failed=taken.refused + own.lost + own.rejected,
            pending=pending + orphaned,
            on_disk=max(0, pending - taken.queued) + orphaned,
            quarantined=own.quarantined + others.quarantined,
        )

    def metrics(self) -> Metrics:
        """Tell what is held, and what does not work."""
        now = monotonic()
        busy_since, oldest_at = self.writer.busy_since, self.writer.oldest_at(self._sender.own.settled)
        return Metrics.of(self.report())._replace(
            memory_bytes=self.writer.waiting_bytes,
            disk_bytes=self._use.total_bytes,
            most_disk_bytes=self._spool.most_disk_bytes,
            oldest_unsent_s=0.0 if oldest_at is None else now - oldest_at,
            disk_silent_s=0.0 if busy_since is None else now - busy_since,
            disk_error=self.writer.error,
            broker_error=self._sender.error,
        )

    def flush(self, deadline: float) -> FlushReport:
        """Wait until all is sent, for as long as is left."""
        asked = self._sender.ask_for_orphans()
        while True:
            report = self.report()
            is_done = not report.pending and self._sender.has_answered(asked)
            if is_done or monotonic() + PAUSE_S > deadline:
                return report
            sleep(PAUSE_S)

    def stop(self, deadline: float) -> FlushReport:
        """End both threads, and leave on disk what is not sent; remove the part where nothing is."""
        latest = max(deadline, monotonic() + STOPPED_WITHIN_S)
        has_written = self.writer.stop(latest - monotonic())
        while self._journal.segments and not self.report().pending and monotonic() < latest:
            sleep(PAUSE_S)
        has_sent = self._sender.stop(max(0.0, latest - monotonic()))
        part = self._journal.part
        if has_written and has_sent and part is not None:
            self._journal.part = None
            if self._journal.segments:
                part.release()
            else:
                part.remove()
        return self.report()

    def let_go_of_files(self) -> None:
        """Close the parent's files in a forked child."""
        self._journal.let_go_of_file()
        if self._journal.part is not None:
            self._journal.part.release()
        self._sender.let_go_of_files()


def _body(record: Outgoing) -> bytes:
    body = encode(record)
    if len(body) > LARGEST_BODY_BYTES:
        raise NotRecorded(
            f"{record.topic}: {len(body)} bytes are too many; the largest record has {LARGEST_BODY_BYTES}"
        )
    return body


def _prepared(spool: Spool) -> bool:
    """Make the folder, and say whether records were left in it that nobody sends. Raises `BadSettings`."""
    answer: Future[bool] = Future()
    threading.Thread(target=_answer, args=(spool.folder, answer), daemon=True).start()
    try:
        return answer.result(PREPARED_WITHIN_S)
    except TimeoutError as error:
        raise _unusable(spool, f"the disk does not answer within {PREPARED_WITHIN_S:.0f} s") from error
    except OSError as error:
        raise _unusable(spool, str(error)) from error


def _answer(folder: Path, answer: "Future[bool]") -> None:
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(folder.parent)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} cannot be written to")
        answer.set_result(_is_left_over(folder))
    except OSError as error:
        answer.set_exception(error)


def _is_left_over(folder: Path) -> bool:
    for path in parts_in(folder):
        part = Part.claim(path)
        if part is not None:
            part.release()
            return True
    return False


def _unusable(spool: Spool, why: str) -> BadSettings:
    fault = (
        f"the spool {spool.folder} cannot be used: {why}. {FOLDER_VARIABLE} names another folder;"
        " without a spool, give outbox=KafkaOutbox(…)"
    )
    return BadSettings([fault])

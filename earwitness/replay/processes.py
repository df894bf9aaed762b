"""A replay in several processes: who judges which slice, and what happens when one of them dies.

The processes are spawned, not forked: they inherit no lock, thread or socket of their parent, whatever it
has done before. Each reads the registers itself, at the same time as the others. One pipe a process
carries slices there and counts back; it holds little, so that a process waits where nobody reads on.
docs/decisions/0010-replay-in-processes.md tells what that costs.
"""

import gc
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Final, NamedTuple, Self

from earwitness.policy import EvidenceIndex, Policy
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.history import History, PastAccess, Slice, Window
from earwitness.replay.judging import Bench, Judged, newest
from models.errors import PipelineError, ReplayFailed
from models.evidence import EvidenceRecord
from models.policy import PolicyDocument
from sinks.clickhouse.client import Address

MOST_PROCESSES: Final = 64
JUDGED_AT_ONCE: Final = 20_000
"""Accesses whose result travels together."""

ANSWER_WITHIN_S: Final = 60
"""How long a process waits for ClickHouse's next rows."""

ENDS_WITHIN_S: Final = 5.0


class Task(NamedTuple):
    """What is the same for every access of a replay.

    `kept` is how many changes the caller wants at most, the newest; None is all of them.
    """

    address: Address
    document: PolicyDocument
    digest: str
    window: Window
    evidence_version: int
    as_of: datetime
    kept: int | None


class SliceDone(NamedTuple):
    """A process has judged all of its slice."""


class Failed(NamedTuple):
    """A process cannot go on, and says why."""

    why: str


Report = Judged | SliceDone | Failed


def replay(task: Task, slices: Sequence[Slice], processes: int) -> Iterator[Judged]:
    """Judge all slices; give the results as they come, in no particular order.

    Raises `ReplayFailed` where a process dies or cannot go on. However this ends, also by an interrupt
    or because its caller stops taking results, no process is left behind.
    """
    ahead = deque(slices)
    with _started(task, min(processes, len(slices))) as judges:
        busy = {judge.connection: judge for judge in judges}
        for judge in judges:
            judge.give(ahead.popleft())
        while busy:
            for connection in wait(list(busy)):
                judge = busy[connection]  # type: ignore[index] # the connections that it was given
                report = judge.report()
                if isinstance(report, Judged):
                    yield report
                elif ahead:
                    judge.give(ahead.popleft())
                else:
                    del busy[judge.connection]


class _Judge:
    """One process, seen from its parent."""

    def __init__(self, task: Task) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(target=serve, args=(theirs, task), daemon=True)
        self._process.start()
        theirs.close()  # so that its death ends the pipe

    def give(self, piece: Slice) -> None:
        """Have it judge one more slice."""
        try:
            self.connection.send(piece)
        except OSError as error:
            raise self._death() from error

    def report(self) -> Judged | SliceDone:
        """Take its next report, or say why there is none."""
        try:
            report: Report = self.connection.recv()
        except (EOFError, OSError) as error:
            raise self._death() from error
        if isinstance(report, Failed):
            raise ReplayFailed(report.why)
        return report

    def end(self) -> None:
        """Stop it; it has nothing to lose."""
        self._process.terminate()
        self._process.join(ENDS_WITHIN_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()
        self._process.close()

    def _death(self) -> ReplayFailed:
        self._process.join(ENDS_WITHIN_S)
        code = self._process.exitcode
        how = "without a word" if code is None else f"by signal {-code}" if code < 0 else f"with code {code}"
        return ReplayFailed(
            f"a process of the replay (pid {self._process.pid}) ended {how}, so its accesses are not counted;"
            " nothing was changed: replay again, with fewer --processes if memory was short"
        )


@contextmanager
def _started(task: Task, count: int) -> Iterator[list[_Judge]]:
    judges: list[_Judge] = []
    try:
        with _deaf_to_interrupts():
            for _ in range(count):
                judges.append(_Judge(task))  # noqa: PERF401 - those started before a failure must be ended
        yield judges
    finally:
        for judge in judges:
            judge.end()


class _deaf_to_interrupts:  # noqa: N801 - reads as what it does
    """Ignore Ctrl-C for a moment: what is started now inherits that, and is ended by its parent alone."""

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)


def serve(connection: Connection, task: Task) -> None:
    """Judge slices until the parent has no more: the life of one process."""
    store = ClickHouseStore(**task.address._asdict(), query_timeout_s=ANSWER_WITHIN_S)
    history = History(store)
    try:
        bench = Bench(
            Policy(task.document, task.digest),
            _index(history.evidence(task.evidence_version), task.evidence_version),
            task.as_of,
        )
        gc.freeze()  # the registers stay; the collector need not walk them again and again
        while True:
            for judged in _judged(history, bench, task, connection.recv()):
                connection.send(judged)
            connection.send(SliceDone())
    except PipelineError as error:
        connection.send(Failed(str(error)))
    except (EOFError, ConnectionError):
        return  # the parent is gone, and with it whoever wanted to know
    finally:
        store.close()


def _judged(history: History, bench: Bench, task: Task, piece: Slice) -> Iterator[Judged]:
    for batch in _batches(history.accesses(piece, task.window)):
        judged = bench.judge(batch)
        if task.kept is not None:
            judged = judged._replace(changes=newest(judged.changes, task.kept))
        yield judged


def _batches(accesses: Iterator[PastAccess]) -> Iterator[list[PastAccess]]:
    while batch := list(islice(accesses, JUDGED_AT_ONCE)):
        yield batch


def _index(records: Iterable[tuple[EvidenceRecord, int]], version: int) -> EvidenceIndex:
    index = EvidenceIndex()
    for record, registered in records:
        index.put(record, registered)
    index.version = version
    return index

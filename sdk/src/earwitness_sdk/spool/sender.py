"""The thread that sends: what this process records, and what processes left that are gone."""

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Final

from earwitness_sdk.outbox import Outbox

from .journal import DiskUse, Extent, Journal, Segment
from .lane import Lane, Passed
from .parts import Part, bytes_in, parts_in
from .quarantine import Quarantine

LOOK_EVERY_S: Final = 2.0
"""How often it looks for parts whose process is gone, and how much others take of the disk."""

NOTE_EVERY_S: Final = 0.5
"""How often it notes on disk how far it is. What was sent since is sent again after a crash."""

GATHER_S: Final = 0.1
"""How long records and answers gather: to turn to each at once would take the service's own time."""

AFTER_A_FAULT_S: Final = 1.0

_LOG: Final = logging.getLogger("earwitness_sdk")


class Accounts:
    """What became of records, since the start; written by the sending thread alone."""

    def __init__(self) -> None:
        self.sent = self.lost = self.rejected = self.quarantined = 0

    def add(self, passed: Passed) -> None:
        """Count one more step."""
        self.sent += passed.sent
        self.lost += passed.lost
        self.rejected += passed.rejected
        self.quarantined += passed.quarantined

    @property
    def settled(self) -> int:
        """Records with which nothing more will happen."""
        return self.sent + self.lost + self.rejected


class _Orphan:
    """A part whose process is gone, on its way to Kafka."""

    def __init__(
        self, part: Part, quarantine: Quarantine, accounts: Accounts, wake: Callable[[], None]
    ) -> None:
        self.part = part
        self._accounts = accounts
        self._settled_before = accounts.sent + accounts.rejected
        self.lane = Lane(
            deque(Segment(path, Extent(path.stat().st_size, None), sealed=True) for path in part.segments()),
            quarantine,
            begin=part.read_cursor(),
            passed=accounts.add,
            wake=wake,
        )
        self._records = self.lane.count_left()

    @property
    def left(self) -> int:
        """How many records are still to be sent; at least one where the part is not done."""
        settled = self._accounts.sent + self._accounts.rejected - self._settled_before
        return max(0 if self.lane.is_done else 1, self._records - settled)


class Sender:
    """Owns the thread that sends. Nothing that it does holds up whoever records."""

    def __init__(
        self, spool: Path, journal: Journal, onward: Outbox, use: DiskUse, work: threading.Event
    ) -> None:
        self.own = Accounts()
        self.others = Accounts()
        """Of parts whose process is gone."""
        self._use = use
        self._spool = spool
        self._journal = journal
        self._onward = onward
        self._quarantine = Quarantine(spool)
        self._work = work
        self._stop = threading.Event()
        self._asked = self._answered = 0
        self._looked_at = self._noted_at = 0.0
        self._orphan: _Orphan | None = None
        self._lane = Lane(journal.segments, self._quarantine, passed=self._pass, wake=work.set)
        self._thread = threading.Thread(target=self._run, name="earwitness-spool-sender", daemon=True)
        self._thread.start()

    @property
    def error(self) -> str | None:
        """Why nothing is sent at present."""
        return self._lane.failing or (self._orphan.lane.failing if self._orphan is not None else None)

    @property
    def orphaned(self) -> int:
        """How many records of a process that is gone are still to be sent."""
        return self._orphan.left if self._orphan is not None else 0

    def ask_for_orphans(self) -> int:
        """Have it look for them now; give what `has_answered` takes."""
        self._asked += 1
        self._work.set()
        return self._asked

    def has_answered(self, asked: int) -> bool:
        """Say whether it has looked since, and nothing is left of what it found."""
        return self._answered >= asked

    def stop(self, timeout_s: float) -> bool:
        """End the thread, and leave what is not sent for whoever comes; say whether it ended in time."""
        self._stop.set()
        self._work.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            return False
        self._note()
        self.let_go_of_files()
        return True

    def let_go_of_files(self) -> None:
        """Close what a forked child has no business with, or nobody has any more."""
        if self._orphan is not None:
            self._orphan.part.release()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._work.clear()
            try:
                more = self._turn()
            except Exception:  # noqa: BLE001 - the thread must outlive whatever a disk or a library does
                _LOG.exception("the spool %s could not be sent on; it is tried again", self._spool)
                more = False
                self._stop.wait(AFTER_A_FAULT_S)
            if not more:
                self._work.wait(self._pause_s())
                self._stop.wait(GATHER_S)

    def _turn(self) -> bool:
        now = monotonic()
        if now - self._looked_at >= LOOK_EVERY_S or self._answered < self._asked:
            self._look()
            self._looked_at = now
        more = self._lane.turn(self._onward)
        if self._orphan is not None:
            more |= self._orphan.lane.turn(self._onward)
            if self._orphan.lane.is_done:
                self._orphan.part.remove()
                self._orphan = None
                self._looked_at = 0.0
                more = True
        if now - self._noted_at >= NOTE_EVERY_S:
            self._note()
            self._noted_at = now
        return more

    def _look(self) -> None:
        """Claim one part that was left. While it is being sent, other processes may claim others."""
        asked = self._asked
        with contextlib.suppress(OSError):  # the folder is gone at present, and who records is told
            own = self._journal.part
            self._use.others_bytes = bytes_in(self._spool, None if own is None else own.folder)
            if self._orphan is None:
                self._orphan = self._claimed()
        if self._orphan is None:
            self._answered = asked

    def _claimed(self) -> _Orphan | None:
        for folder in parts_in(self._spool):
            part = Part.claim(folder)
            if part is None:
                continue
            try:
                return _Orphan(part, self._quarantine, self.others, self._work.set)
            except OSError as error:
                part.release()
                _LOG.warning("%s was left, and cannot be read at present: %s", folder, error)
        return None

    def _pass(self, passed: Passed) -> None:
        self.own.add(passed)
        self._use.deleted_bytes += passed.deleted_bytes

    def _note(self) -> None:
        """Note how far each part is; where that fails, more is sent again after a crash."""
        parts = [(self._journal.part, self._lane)]
        if self._orphan is not None:
            parts.append((self._orphan.part, self._orphan.lane))
        for part, lane in parts:
            place = lane.cursor
            if part is not None and place is not None:
                with contextlib.suppress(OSError):
                    part.write_cursor(place)

    def _pause_s(self) -> float:
        lanes = [self._lane] if self._orphan is None else [self._lane, self._orphan.lane]
        rests = [rest for lane in lanes if (rest := lane.rests_for()) > 0]
        return min([NOTE_EVERY_S if self._is_busy() else LOOK_EVERY_S, *rests])

    def _is_busy(self) -> bool:
        return self._orphan is not None or not self._lane.is_done

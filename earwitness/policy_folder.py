"""The policy versions of a folder while a process runs: a broken file never replaces a good one."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from earwitness.policy import PolicySet
from earwitness.policy.succession import backdated, faults_of_succession
from earwitness.policy_files import POLICY_FILE, read_policies
from models.errors import PipelineError, PolicyInvalid
from models.fields import format_time

log = structlog.get_logger(__name__)

LOOKED_AT_EVERY_S: Final = 5.0
STOPPED_WITHIN_S: Final = 5.0

Admit = Callable[[PolicySet], None]
"""Called with each set before anybody judges by it. Raises `PolicyInvalid` where that must not be, or
another `PipelineError` where it cannot be told now."""

_Stamp = tuple[tuple[str, int, int, int], ...]


def _admit_all(_policies: PolicySet) -> None:
    """Let every sound set in."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PolicyFolder:
    """The newest good set of policy versions of one folder.

    Raises `PolicyInvalid` at the start, for there is no good set then, also where files change while
    they are read, and whatever `admit` raises.
    """

    def __init__(
        self, folder: Path, admit: Admit = _admit_all, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._folder = folder
        self._admit = admit
        self._now = now
        self._seen = self._looked_at = _stamp(folder)
        self._current = read_policies(folder)
        if _stamp(folder) != self._seen:
            raise PolicyInvalid([f"{folder}: changed while it was read; start again once it is complete"])
        admit(self._current)

    def current(self) -> PolicySet:
        """Give the versions to judge by."""
        return self._current

    def refresh(self) -> None:
        """Take up what changed in the folder; keep the last good set, and say why, where it must not count.

        A change counts at the second call that sees it: until then files may still be written. What is
        refused is told once, and looked at again when the files change again. Raises what `admit` raises
        where it could not tell: the next call asks again.
        """
        before, self._looked_at = self._looked_at, _stamp(self._folder)
        if self._looked_at == self._seen or self._looked_at != before:
            return
        try:
            found = read_policies(self._folder)
            if _stamp(self._folder) != self._looked_at:
                return
            self._let_in(found)
        except PolicyInvalid as error:
            kept = [policy.version for policy in self._current.policies]
            log.error("policy_refused", faults=list(error.faults), kept_versions=kept)  # noqa: TRY400 - the faults say all
        else:
            self._take(found)
        self._seen = self._looked_at

    def _let_in(self, found: PolicySet) -> None:
        """Raise `PolicyInvalid` where nobody may judge by what was found."""
        faults = faults_of_succession(self._current, found, self._now())
        if faults:
            raise PolicyInvalid(faults)
        self._admit(found)

    def _take(self, found: PolicySet) -> None:
        for policy in backdated(self._current, found, self._now()):
            log.warning(
                "policy_backdated", version=policy.version, effective_from=format_time(policy.effective_from)
            )
        self._current = found
        log.info("policies_taken", versions=[policy.version for policy in found.policies])


class PolicyWatch:
    """Refreshes a folder every few seconds, in a thread of its own, for as long as the block lasts."""

    def __init__(self, folder: PolicyFolder, interval_s: float = LOOKED_AT_EVERY_S) -> None:
        self._folder = folder
        self._interval_s = interval_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="policies", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(STOPPED_WITHIN_S)

    def _look(self) -> None:
        while not self._over.wait(self._interval_s):
            try:
                self._folder.refresh()
            except PipelineError as error:
                log.warning("policies_wait", error=str(error), retry_after_s=self._interval_s)
            except Exception:
                # Whatever it is: nobody would notice that nothing is looked at any more.
                log.exception("policies_watch_failed", retry_after_s=self._interval_s)


def _stamp(folder: Path) -> _Stamp:
    """Tell one state of the folder's files from another, cheaply: names, times, sizes and inodes."""
    found: list[tuple[str, int, int, int]] = []
    for path in sorted(folder.glob(f"*/*/{POLICY_FILE}")):
        try:
            status = path.stat()
        except OSError:
            found.append((str(path), -1, -1, -1))
        else:
            found.append((str(path), status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)

"""Asking something again and again, in a thread of its own, so that a hang is seen from outside."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from earwitness.health.readiness import Readiness

ASKED_EVERY_S: Final = 0.25
STOPPED_WITHIN_S: Final = 3.0


class Pulse:
    """Asks one part of what a process needs; `ask` raises where it cannot be had, with the reason."""

    def __init__(self, part: str, ask: Callable[[], object], readiness: Readiness) -> None:
        self._part = part
        self._ask = ask
        self._readiness = readiness
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pulse-{part}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(STOPPED_WITHIN_S)

    def _run(self) -> None:
        while True:
            try:
                self._ask()
            except Exception as error:  # noqa: BLE001 - whatever it is, the answer did not come
                # A process that stops closes the connection under a question that hangs.
                self._readiness.refused(self._part, str(error))
            else:
                self._readiness.answered(self._part)
            if self._stopping.wait(ASKED_EVERY_S):
                return

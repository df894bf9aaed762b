"""From the store to the channels: what is still to be told is asked for and handed over, again and again."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

import structlog

from earwitness.alerting.delivering import Deliverer
from earwitness.alerting.notices import TOLD_WITHIN, Outbox
from earwitness.alerting.rule_folder import RuleFolder
from models.errors import PipelineError

log = structlog.get_logger(__name__)

LOOKS_EVERY_S: Final = 2.0
"""How often what happened lately is asked for, unwoken: people close and reopen alerts through the API."""

ALL_EVERY: Final = timedelta(seconds=60)
"""How often everything of the last days is asked for: silences end, a queue was full, a row was late."""

LATELY: Final = timedelta(seconds=30)


class Teller:
    """A thread that hands notices to the deliverer while this process `leads`. `wake` has it look at once."""

    def __init__(
        self,
        outbox: Outbox,
        deliverer: Deliverer,
        rules: RuleFolder,
        leads: Callable[[], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._outbox = outbox
        self._deliverer = deliverer
        self._rules = rules
        self._leads = leads
        self._clock = clock
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)

    def wake(self) -> None:
        """Have it look now."""
        self._woken.set()

    def __enter__(self) -> Self:
        self._deliverer.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._woken.set()
        self._thread.join()
        self._deliverer.stop()

    def _run(self) -> None:
        all_at: datetime | None = None
        while not self._stopping.is_set():
            self._woken.clear()
            now = self._clock()
            everything = all_at is None or now - all_at >= ALL_EVERY
            if self._leads() and self._hand_over(now - (TOLD_WITHIN if everything else LATELY), now):
                all_at = now if everything else all_at
            self._woken.wait(LOOKS_EVERY_S)

    def _hand_over(self, since: datetime, now: datetime) -> bool:
        rules = {rule.id: rule for rule in self._rules.rules}
        try:
            for pending in self._outbox.pending(rules, since, now):
                self._deliverer.offer([pending])
        except PipelineError as error:
            log.warning("notices_wait", error=str(error))
            return False
        return True

"""The alerting process: findings in, alerts out, behaviour looked for, explained alerts closed."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

import structlog

from earwitness.alerting.raising import News, Raiser
from earwitness.alerting.rule_folder import RuleFolder
from earwitness.health.readiness import Readiness
from models.errors import BrokerUnavailable, SinkUnavailable
from models.finding import Finding

log = structlog.get_logger(__name__)

POLL_S: Final = 0.5
EXPLAINED_EVERY_S: Final = 5.0
RULES_LOOKED_AT_EVERY_S: Final = 2.0
LONGEST_PAUSE_S: Final = 5.0
DONE: Final = "raising alerts"
READING: Final = "reading findings"


class Findings(Protocol):
    """Where findings come from: each is handed over until it is committed."""

    @property
    def leads(self) -> bool:
        """Say whether this is the process that gets them."""

    def poll(self, timeout_s: float) -> list[Finding]:
        """Give findings as they come, or none."""

    def commit(self) -> None:
        """Note that all that was handed over is dealt with."""


class Alerter:
    """Works in the thread that calls `run`; `tell` hears of what is stored, and must not block.

    `clock` gives monotonic seconds. Findings in hand are kept while the store is away, and committed only
    after what they gave cause for is stored and handed to `tell`.
    """

    def __init__(  # noqa: PLR0913 - its collaborators
        self,
        findings: Findings,
        raiser: Raiser,
        rules: RuleFolder,
        tell: Callable[[News], None],
        readiness: Readiness,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._findings = findings
        self._raiser = raiser
        self._rules = rules
        self._tell = tell
        self._readiness = readiness
        self._clock = clock
        self._closed_at = self._refreshed_at = float("-inf")

    def run(self, stopping: threading.Event) -> None:
        """Work until stopped."""
        while not stopping.is_set():
            self._refresh()
            found = self._poll(stopping)
            if found:
                self._persistently(partial(self._raiser.take, found), stopping)
                if not stopping.is_set():
                    self._findings.commit()
            if self._findings.leads:
                self._persistently(self._raiser.look, stopping)
                self._close_explained(stopping)

    def _poll(self, stopping: threading.Event) -> list[Finding]:
        try:
            found = self._findings.poll(POLL_S)
        except BrokerUnavailable as error:
            log.warning("findings_wait", error=str(error))
            self._readiness.waits(READING, str(error))
            stopping.wait(LONGEST_PAUSE_S)
            return []
        self._readiness.goes_on(READING)
        return found

    def _refresh(self) -> None:
        if self._clock() - self._refreshed_at >= RULES_LOOKED_AT_EVERY_S:
            self._refreshed_at = self._clock()
            if self._rules.refresh():
                self._raiser.use(self._rules.rules)

    def _close_explained(self, stopping: threading.Event) -> None:
        if self._clock() - self._closed_at >= EXPLAINED_EVERY_S:
            self._closed_at = self._clock()
            self._persistently(self._raiser.close_explained, stopping)

    def _persistently(self, doing: Callable[[], Sequence[News]], stopping: threading.Event) -> None:
        """Do it until the store has taken it, or until stopped: the findings come again then."""
        while not stopping.is_set():
            try:
                news = doing()
            except SinkUnavailable as error:
                log.warning("alerts_wait", error=str(error), retry_after_s=error.retry_after_s)
                self._readiness.waits(DONE, str(error))
                stopping.wait(min(error.retry_after_s, LONGEST_PAUSE_S))
                continue
            self._readiness.goes_on(DONE)
            for each in news:
                log.info(
                    "alert",
                    kind=each.entry.kind,
                    alert=str(each.entry.alert_id),
                    rule=each.rule.id,
                    severity=each.rule.severity,
                )
                self._tell(each)
            return

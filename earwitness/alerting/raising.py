"""From findings and looks at the trail to alerts in the store, each once, whatever is killed between."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from earwitness.alerting.questions import (
    AccessRules,
    behaviour,
    crowd,
    explained,
    known_alerts,
    memberships,
)
from earwitness.alerts.findings import hits_of_findings
from earwitness.alerts.grouping import Grouper, Hit
from earwitness.alerts.rules import BehaviourCondition, Rule
from earwitness.query.store import Store
from models.alerts import BY_ALERTER, Entry, Member, entry_id
from models.errors import QueryRejected
from models.finding import Finding
from sinks.clickhouse.alerts import AlertLog

log = structlog.get_logger(__name__)

LARGEST_STEP: Final = 200
"""Accesses that are asked about at once."""

_OF_AN_ACCESS: Final = frozenset({"unjustified", "pending", "indeterminate"})
_LATE_BY: Final = timedelta(minutes=5)


class News(NamedTuple):
    """Something that people may have to be told: an entry just stored, and its rule."""

    entry: Entry
    rule: Rule


class Raiser:
    """Makes alerts of findings and of behaviour, and closes those that evidence has explained.

    `statements` runs the rules' own SELECTs, and says of one that ClickHouse refuses that its author has to
    mend it.

    What a method returns is stored; calling it again with the same input stores nothing new. Each raises
    `SinkUnavailable`, after which it is to be called again.
    """

    def __init__(
        self,
        store: Store,
        statements: Store,
        alert_log: AlertLog,
        rules: Sequence[Rule],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._statements = statements
        self._log = alert_log
        self._clock = clock
        self._looked_at: dict[str, datetime] = {}
        self.use(rules)

    def use(self, rules: Sequence[Rule]) -> None:
        """Go by these rules from now on."""
        self._rules = {rule.id: rule for rule in rules}
        self._access_rules = AccessRules(rules)
        self._behaviours = [rule for rule in rules if isinstance(rule.condition, BehaviourCondition)]

    def take(self, findings: Sequence[Finding]) -> list[News]:
        """Raise what these findings give cause for."""
        accesses = [finding for finding in findings if finding.kind in _OF_AN_ACCESS]
        hits = list(hits_of_findings(self._rules.values(), findings))
        for begin in range(0, len(accesses), LARGEST_STEP):
            hits += self._of_accesses(accesses[begin : begin + LARGEST_STEP])
        return self._raise(hits)

    def look(self) -> list[News]:
        """Look for the behaviour that is due to be looked for."""
        hits: list[Hit] = []
        now = self._clock()
        for rule in self._behaviours:
            if self._is_due(rule, now):
                self._looked_at[rule.id] = now
                hits += self._seen(rule, now)
        return self._raise(hits)

    def close_explained(self) -> list[News]:
        """Close alerts whose every access is justified by now."""
        now = self._clock()
        entries = [
            Entry(
                each.alert_id,
                entry_id(each.alert_id, "closed", each.at.isoformat()),
                now,
                "closed",
                BY_ALERTER,
                rule=each.rule,
                text=f"justified since {each.at:%Y-%m-%d %H:%M:%S} UTC"
                f" by {', '.join(each.evidence) or 'the policy'}",
                outcome="explained",
            )
            for each in explained(self._store, self._rules.values())
        ]
        self._log.write(entries)
        return self._news(entries)

    def _of_accesses(self, findings: Iterable[Finding]) -> Iterator[Hit]:
        of_them = {finding.id: finding.time for finding in findings}
        since = min(of_them.values()) - _LATE_BY
        for hit in self._access_rules.hits(self._store, list(of_them), since):
            whole = crowd(self._store, hit)
            if whole is not None:
                yield whole

    def _is_due(self, rule: Rule, now: datetime) -> bool:
        condition = rule.condition
        before = self._looked_at.get(rule.id)
        return isinstance(condition, BehaviourCondition) and (
            before is None or now - before >= condition.every
        )

    def _seen(self, rule: Rule, now: datetime) -> list[Hit]:
        try:
            return behaviour(self._statements, rule, now)
        except QueryRejected as error:
            # A statement of one rule that fails must not keep the others from being asked.
            log.warning("rule_failed", rule=rule.id, error=str(error))
            return []

    def _raise(self, hits: Sequence[Hit]) -> list[News]:
        if not hits:
            return []
        known = known_alerts(self._store, [hit.fingerprint for hit in hits])
        belonging = memberships(self._store, [member for hit in hits for member in hit.members])
        raised = Grouper(known, belonging).take(hits, self._clock())
        if not raised.entries and not raised.members:
            return []
        asked = [_asked(entry, raised.members) for entry in raised.entries if self._asks(entry)]
        self._log.write([*raised.entries, *asked], raised.members)
        return self._news(raised.entries)

    def _news(self, entries: Sequence[Entry]) -> list[News]:
        return [News(entry, self._rules[entry.rule]) for entry in entries]

    def _asks(self, entry: Entry) -> bool:
        return entry.kind == "raised" and self._rules[entry.rule].ask_actor


def _asked(entry: Entry, members: Sequence[Member]) -> Entry:
    """Say that the actor of the first access is to be asked about it."""
    access = next(str(member.id) for member in members if member.alert_id == entry.alert_id)
    asked = entry_id(entry.alert_id, "asked", access)
    return Entry(entry.alert_id, asked, entry.at, "asked", BY_ALERTER, text=access)

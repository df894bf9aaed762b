"""How what fires becomes alerts: one for each fingerprint, while it lasts. Pure.

The same hits, handed over again after a kill, give the same alerts with the same ids.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID, uuid5

from earwitness.alerts.rules import BehaviourCondition, Rule
from models.alerts import BY_ALERTER, MOST_MEMBERS, NAMESPACE, Entry, Member, State, entry_id


class Hit(NamedTuple):
    """One time that a rule fired: for one verdict of an access, or for behaviour within a window.

    `members` are the access, or some of those behind the behaviour; `access_count` counts them all.
    `at` is when the verdict was given, or the end of the window. `detail` is for the investigator.
    """

    rule: Rule
    grouping: Mapping[str, str]
    at: datetime
    first_at: datetime
    last_at: datetime
    access_count: int
    members: Sequence[Member]
    detail: str = ""

    @property
    def fingerprint(self) -> str:
        """What alerts of one rule with equal grouping have in common."""
        named = (f"{name}={self.grouping[name]}" for name in self.rule.grouping.by)
        return hashlib.sha256("\x1f".join([self.rule.id, *named]).encode()).hexdigest()[:32]


class Known(NamedTuple):
    """An alert as the store has it, as far as grouping asks."""

    alert_id: UUID
    fingerprint: str
    state: State
    raised_at: datetime
    state_since: datetime
    access_count: int
    closed_by_alerter: bool


class Raised(NamedTuple):
    """What to write: entries in their order, and the accesses that belong to them."""

    entries: list[Entry]
    members: list[Member]


class Grouper:
    """Knows the alerts there are, and makes hits into what is to be written.

    `known` are the alerts of the fingerprints that hits may have, `memberships` (alert, source, id) the
    accesses of the hits that belong to one of them already.
    """

    def __init__(
        self, known: Iterable[Known] = (), memberships: Iterable[tuple[UUID, str, UUID]] = ()
    ) -> None:
        self._known: dict[str, list[Known]] = defaultdict(list)
        for alert in known:
            self._known[alert.fingerprint].append(alert)
        self._alerts_of: dict[tuple[str, UUID], set[UUID]] = defaultdict(set)
        for alert_id, source, id_ in memberships:
            self._alerts_of[source, id_].add(alert_id)
        self._raised = Raised([], [])
        self._now = datetime.min.replace(tzinfo=UTC)

    def take(self, hits: Iterable[Hit], now: datetime) -> Raised:
        """Give what these hits add, and know it from then on."""
        self._raised, self._now = Raised([], []), now
        for hit in hits:
            if isinstance(hit.rule.condition, BehaviourCondition):
                self._behaviour(hit)
            else:
                self._access(hit)
        return self._raised

    def _behaviour(self, hit: Hit) -> None:
        """Raise once in `dedup`: what was seen at the last look is no news at this one, closed or not."""
        until = hit.at - hit.rule.grouping.dedup
        if not any(alert.raised_at > until for alert in self._known[hit.fingerprint]):
            self._raise(hit, name=_bucket(hit))

    def _access(self, hit: Hit) -> None:
        """An access that comes after an alert was closed is news; the same one again is not."""
        alerts = self._known[hit.fingerprint]
        ids = {alert.alert_id for alert in alerts}
        new = [member for member in hit.members if not self._alerts_of[member.source, member.id] & ids]
        if not new:
            self._seen_again(hit, alerts)
            return
        lasting = [alert for alert in alerts if alert.state != "closed" and self._lasts(alert, hit)]
        if lasting:
            self._attach(lasting[-1], new)
        else:
            first = new[0]
            self._raise(hit, name=f"{first.source}\x1f{first.id}")

    def _lasts(self, alert: Known, hit: Hit) -> bool:
        return hit.at < alert.raised_at + hit.rule.grouping.dedup

    def _seen_again(self, hit: Hit, alerts: Sequence[Known]) -> None:
        """Open an alert again that evidence had closed, where that evidence holds no longer."""
        its = set().union(*(self._alerts_of[member.source, member.id] for member in hit.members))
        for alert in [alert for alert in alerts if alert.alert_id in its]:
            if alert.state == "closed" and alert.closed_by_alerter and hit.at > alert.state_since:
                named = entry_id(alert.alert_id, "reopened", hit.at.isoformat())
                said = "the evidence that justified it does so no longer"
                self._raised.entries.append(
                    Entry(
                        alert.alert_id, named, self._now, "reopened", BY_ALERTER, rule=hit.rule.id, text=said
                    )
                )
                self._replace(alert, alert._replace(state="open", state_since=self._now))

    def _attach(self, alert: Known, new: Sequence[Member]) -> None:
        if alert.access_count < MOST_MEMBERS:
            self._add_members(alert.alert_id, new)
            self._replace(alert, alert._replace(access_count=alert.access_count + len(new)))

    def _raise(self, hit: Hit, name: str) -> None:
        alert_id = uuid5(NAMESPACE, f"{hit.fingerprint}:{name}")
        rule = hit.rule
        counted = isinstance(rule.condition, BehaviourCondition)
        self._raised.entries.append(
            Entry(
                alert_id,
                entry_id(alert_id, "raised"),
                self._now,
                "raised",
                BY_ALERTER,
                rule=rule.id,
                rule_digest=rule.digest,
                severity=rule.severity,
                title=rule.title,
                fingerprint=hit.fingerprint,
                grouping={name: hit.grouping[name] for name in rule.grouping.by},
                first_at=hit.first_at,
                last_at=hit.last_at,
                access_count=hit.access_count if counted else 0,
                text=hit.detail,
            )
        )
        self._add_members(alert_id, hit.members)
        count = max(hit.access_count, len(hit.members))
        alert = Known(alert_id, hit.fingerprint, "open", hit.at, self._now, count, closed_by_alerter=False)
        self._known[hit.fingerprint].append(alert)

    def _add_members(self, alert_id: UUID, members: Sequence[Member]) -> None:
        for member in members:
            self._raised.members.append(member._replace(alert_id=alert_id))
            self._alerts_of[member.source, member.id].add(alert_id)

    def _replace(self, alert: Known, changed: Known) -> None:
        alerts = self._known[alert.fingerprint]
        alerts[alerts.index(alert)] = changed


def _bucket(hit: Hit) -> str:
    """Name the stretch of time that an alert on behaviour is for: two processes that see it name it alike."""
    return str(int(hit.at.timestamp() // hit.rule.grouping.dedup.total_seconds()))

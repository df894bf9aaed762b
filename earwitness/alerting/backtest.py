"""Rules on history: which alerts there would have been."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from earwitness.alerting.questions import AccessRules, behaviour, crowd
from earwitness.alerts.grouping import Grouper, Hit, Raised
from earwitness.alerts.rules import BehaviourCondition, Rule
from earwitness.query.store import Store
from models.alerts import Entry, Member

SLICE: Final = timedelta(days=1)
"""How much history is asked for at once."""

SHORTEST_STEP: Final = timedelta(hours=1)
LOOKS_A_WINDOW: Final = 8
"""How often behaviour is looked at: a month at every minute would be 43,200 looks."""


class PastAlert(NamedTuple):
    """An alert as it would have been raised: its first entry, and the accesses that came to belong to it."""

    entry: Entry
    members: list[Member]


def backtest(store: Store, rules: Sequence[Rule], since: datetime, until: datetime) -> list[PastAlert]:
    """Give the alerts that these rules would have raised within [since, until), in their order.

    Each verdict counts as it was given, whatever it became later; behaviour is looked at eight times a
    window, and at most every hour. Alerts that people would have closed stay open, so that a repeat
    within the dedup period is not counted. Raises `SinkUnavailable` or `QueryRejected`.
    """
    grouper = Grouper()
    alerts: dict[object, PastAlert] = {}
    hits = [*_of_accesses(store, rules, since, until)]
    for rule in rules:
        hits += _of_behaviour(store, rule, since, until)
    for hit in sorted(hits, key=lambda hit: hit.at):
        _note(grouper.take([hit], hit.at), alerts)
    return list(alerts.values())


def hits_given(store: Store, rules: Sequence[Rule], begin: datetime, end: datetime) -> Iterator[Hit]:
    """Give what rules on one access make of the verdicts given within [begin, end)."""
    for hit in AccessRules(rules).given(store, begin, end):
        whole = crowd(store, hit)
        if whole is not None:
            yield whole


def _note(raised: Raised, alerts: dict[object, PastAlert]) -> None:
    for entry in raised.entries:
        if entry.kind == "raised":
            alerts[entry.alert_id] = PastAlert(entry, [])
    for member in raised.members:
        alerts[member.alert_id].members.append(member)


def _of_accesses(store: Store, rules: Sequence[Rule], since: datetime, until: datetime) -> Iterator[Hit]:
    begin = since
    while begin < until:
        end = min(begin + SLICE, until)
        yield from hits_given(store, rules, begin, end)
        begin = end


def _of_behaviour(store: Store, rule: Rule, since: datetime, until: datetime) -> Iterator[Hit]:
    if not isinstance(rule.condition, BehaviourCondition):
        return
    step = max(rule.condition.every, SHORTEST_STEP, rule.grouping.window / LOOKS_A_WINDOW)
    looked_at = since + step
    while looked_at <= until:
        yield from behaviour(store, rule, looked_at)
        looked_at += step

"""Alerts against labels: recall, precision, alerts a day. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from benchmarks.alert_quality.deeds import Incident

SLACK: Final = timedelta(hours=6)
"""How long after an incident without accesses an alert that names it counts."""


class Raised(NamedTuple):
    """An alert that people would have been told of."""

    rule: str
    at: datetime
    access_ids: frozenset[str]
    grouping: Mapping[str, str]


class Tally(NamedTuple):
    """How many alerts there were, and how many of them true; which incidents they found."""

    alerts: int
    true: int
    found: frozenset[str]

    @property
    def precision(self) -> float:
        """True alerts over all."""
        return self.true / self.alerts if self.alerts else 1.0


class Score(NamedTuple):
    """What became of a month."""

    total: Tally
    by_rule: Mapping[str, Tally]
    found_by_kind: Mapping[str, tuple[int, int]]
    """Incidents found, and all, of each kind."""

    days: int

    @property
    def recall(self) -> float:
        """Incidents found over all."""
        return len(self.total.found) / max(1, sum(count for _, count in self.found_by_kind.values()))

    @property
    def alerts_a_day(self) -> float:
        """Alerts that people are told of, a day."""
        return self.total.alerts / self.days


def score(
    raised: Sequence[Raised], incidents: Sequence[Incident], incident_of: Mapping[str, str], days: int
) -> Score:
    """Compare. `incident_of` gives the incident of an access by its id; honest accesses are not in it."""
    hits: list[tuple[str, frozenset[str]]] = [
        (each.rule, _incidents_of(each, incidents, incident_of)) for each in raised
    ]
    by_rule: dict[str, list[frozenset[str]]] = defaultdict(list)
    for rule, found in hits:
        by_rule[rule].append(found)
    total = _tally(found for _, found in hits)
    all_of = Counter(incident.kind for incident in incidents)
    found_of = Counter(incident.kind for incident in incidents if incident.id in total.found)
    return Score(
        total,
        {rule: _tally(found) for rule, found in sorted(by_rule.items())},
        {kind: (found_of[kind], count) for kind, count in sorted(all_of.items())},
        days,
    )


def _incidents_of(
    raised: Raised, incidents: Sequence[Incident], incident_of: Mapping[str, str]
) -> frozenset[str]:
    found = {incident_of[id_] for id_ in raised.access_ids if id_ in incident_of}
    named = {f"{key}={value}" for key, value in raised.grouping.items()}
    found |= {
        incident.id
        for incident in incidents
        if named.intersection(incident.names) and incident.begin <= raised.at <= incident.end + SLACK
    }
    return frozenset(found)


def _tally(hits: Iterable[frozenset[str]]) -> Tally:
    several = list(hits)
    return Tally(len(several), sum(map(bool, several)), frozenset().union(*several))

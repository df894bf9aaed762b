"""What the rules ask ClickHouse: which of them fire, which alerts there are, which evidence explains."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from earwitness.alerts.grouping import Hit, Known
from earwitness.alerts.rules import AccessCondition, BehaviourCondition, Rule
from earwitness.query.conditions import Condition, Parameter, Parameters, day_before
from earwitness.query.language.compiler import condition_of
from earwitness.query.language.parser import parse
from earwitness.query.store import Store
from models.alerts import BY_ALERTER, Member
from models.fields import format_time

MOST_HITS: Final = 1_000
"""Alerts on behaviour that one look of one rule can give."""

MOST_CROWD: Final = 1_000
"""Accesses that are looked at to see whether they reach a threshold, and that then belong to the alert."""

MOST_EXPLAINED: Final = 1_000
NO_ALERT: Final = UUID(int=0)
"""Of a member whose alert is not known yet."""

QUESTION_LIMITS: Final[Mapping[str, Any]] = {"max_execution_time": 30}

_MEMBER: Final = ("source", "id", "time", "actor_id", "customer_id", "verdict", "reason")

_VERDICT: Final = (
    "verdict", "reason", "clause", "policy_version", "policy_digest", "evidence_used", "evidence_version",
    "derived", "late", "stale_registers", "judged_at", "recorded_at",
)  # fmt: skip
_REPLACED: Final = ", ".join(f"v.{name} AS {name}" for name in _VERDICT)

_COMPLAINTS: Final = """
SELECT arrayJoin(customer_ids) AS of_customer,
       groupArray((parseDateTime64BestEffortOrZero(valid_from, 6, 'UTC'),
                   if(valid_to = '', toDateTime64('2200-01-01 00:00:00', 6, 'UTC'),
                      parseDateTime64BestEffortOrZero(valid_to, 6, 'UTC')),
                   registered_at)) AS complaints
FROM
(
    SELECT customer_ids, kind, status, registered_at, JSONExtractString(record, 'valid_from') AS valid_from,
           JSONExtractString(record, 'valid_to') AS valid_to
    FROM evidence
)
WHERE kind = 'complaint' AND status = 'active'
  AND hasAny(customer_ids, (SELECT groupUniqArray(customer_id) FROM candidates))
GROUP BY of_customer
"""
_OPEN: Final = (
    "arrayExists(each -> each.1 <= candidates.time AND candidates.time < each.2 + INTERVAL 1 DAY"
    " AND each.3 <= candidates.judged_at, known.complaints)"
)
_BESIDE: Final = {"either": "", "a_complaint": f" AND {_OPEN}", "no_complaint": f" AND NOT {_OPEN}"}


class AccessRules:
    """Asks which rules on one access fire for accesses, all of them in one statement."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [rule for rule in rules if isinstance(rule.condition, AccessCondition)]
        self._conditions = [_condition(rule, f"r{number}_") for number, rule in enumerate(self._rules)]
        named = dict.fromkeys(name for rule in self._rules for name in rule.grouping.by)
        self._grouped = [name for name in named if name not in _MEMBER]

    def hits(self, store: Store, ids: Sequence[str], since: datetime) -> list[Hit]:
        """Give what fires for these accesses, by the verdicts they have now; none is older than `since`."""
        if not self._rules or not ids:
            return []
        parameters = Parameters("x")
        where = (
            f"id IN {parameters.add(list(ids), 'Array(UUID)')}"
            f" AND received_day >= {day_before(since, parameters)}"
        )
        return list(self._fired(store, "trail", where, parameters.values))

    def given(self, store: Store, begin: datetime, end: datetime) -> Iterator[Hit]:
        """Give what fires for each verdict given within [begin, end), changed since or not, in order."""
        parameters = Parameters("x")
        within = f"judged_at >= {parameters.instant(begin)} AND judged_at < {parameters.instant(end)}"
        days = f"received_day BETWEEN {day_before(begin, parameters)} AND {parameters.day(end)}"
        changed = f"SELECT id FROM further_verdicts WHERE {within}"  # noqa: S608 - constants
        given = (
            f"(SELECT * FROM first_verdicts WHERE {within} AND {days}"  # noqa: S608 - constants
            f" UNION ALL SELECT a.* REPLACE ({_REPLACED})"
            f" FROM (SELECT * FROM first_verdicts WHERE id IN ({changed})) AS a"
            f" INNER JOIN (SELECT * FROM further_verdicts WHERE {within}) AS v"
            " ON a.received_day = v.received_day AND a.id = v.id AND a.source = v.source)"
        )
        return self._fired(store, given, "1", parameters.values)

    def _fired(self, store: Store, source: str, where: str, values: Mapping[str, Parameter]) -> Iterator[Hit]:
        fires = ", ".join(
            f"({each.sql}{_BESIDE[_beside(rule)]}) AS fires_{number}"
            for number, (rule, each) in enumerate(zip(self._rules, self._conditions, strict=True))
        )
        columns = ", ".join((*_MEMBER, *self._grouped, "judged_at"))
        any_of = " OR ".join(f"fires_{number}" for number in range(len(self._rules)))
        answer = store.ask(
            f"WITH candidates AS (SELECT * FROM {source} WHERE {where} AND verdict != 'justified')"  # noqa: S608 - constants and compiled conditions
            f" SELECT {columns}, {fires} FROM candidates LEFT ANY JOIN ({_COMPLAINTS}) AS known"
            f" ON known.of_customer = candidates.customer_id WHERE {any_of} ORDER BY judged_at, id",
            {
                **values,
                **{name: value for each in self._conditions for name, value in each.parameters.items()},
            },
            limits=QUESTION_LIMITS,
        )
        for row in answer.records():
            for number, rule in enumerate(self._rules):
                if row[f"fires_{number}"]:
                    yield _hit(rule, row)


def crowd(store: Store, hit: Hit) -> Hit | None:
    """Give the hit with all accesses of its window that meet its rule; None where they are too few."""
    rule = hit.rule
    if rule.grouping.threshold == 1:
        return hit
    condition = _condition(rule, "r_")
    parameters = Parameters("x")
    begin, end = rule.window_before(hit.at)
    alike = "".join(
        f" AND {name} = {parameters.add(hit.grouping[name], 'String')}" for name in rule.grouping.by
    )
    answer = store.ask(
        f"SELECT {', '.join(_MEMBER)} FROM trail WHERE {condition.sql} AND verdict != 'justified'{alike}"  # noqa: S608 - as above
        f" AND received_day >= {day_before(begin, parameters)}"
        f" AND judged_at > {parameters.instant(begin)} AND judged_at <= {parameters.instant(end)}"
        f" ORDER BY time, id LIMIT {MOST_CROWD}",
        {**condition.parameters, **parameters.values},
        limits=QUESTION_LIMITS,
    )
    members = [_member(row) for row in answer.records()]
    if len(members) < rule.grouping.threshold:
        return None
    return hit._replace(
        members=members, access_count=len(members), first_at=members[0].time, last_at=members[-1].time
    )


def behaviour(store: Store, rule: Rule, until: datetime) -> list[Hit]:
    """Give what a rule on behaviour sees in the window that ends at `until`."""
    condition = rule.condition
    if not isinstance(condition, BehaviourCondition):
        return []
    begin, end = rule.window_before(until)
    given: dict[str, Parameter] = {"since": _stamp(begin), "until": _stamp(end)}
    given.update({name: _tunable(value) for name, value in condition.tunables.items()})
    answer = store.ask(
        f"SELECT * FROM ({condition.sql}) LIMIT {MOST_HITS}",  # noqa: S608 - a rule's own statement, as a user that may read the views alone
        given,
        limits=QUESTION_LIMITS,
    )
    records = list(answer.records())
    members = _members(store, [each for row in records for each in row["members"]], begin)
    return [
        Hit(
            rule,
            {name: str(row[name]) for name in rule.grouping.by},
            until,
            row["first_at"],
            row["last_at"],
            row["access_count"],
            [members[key] for key in row["members"] if key in members],
            row["detail"],
        )
        for row in records
    ]


def _members(
    store: Store, keys: Sequence[tuple[str, UUID]], since: datetime
) -> dict[tuple[str, UUID], Member]:
    if not keys:
        return {}
    parameters = Parameters("x")
    ids = parameters.add([str(id_) for _, id_ in keys], "Array(UUID)")
    answer = store.ask(
        f"SELECT {', '.join(_MEMBER)} FROM trail WHERE id IN {ids}"  # noqa: S608 - constants
        f" AND received_day >= {day_before(since, parameters)}",
        parameters.values,
        limits=QUESTION_LIMITS,
    )
    return {(row["source"], row["id"]): _member(row) for row in answer.records()}


def known_alerts(store: Store, fingerprints: Iterable[str]) -> list[Known]:
    """Give the alerts with these fingerprints, in the order in which they were raised."""
    wanted = sorted(set(fingerprints))
    if not wanted:
        return []
    parameters = Parameters("x")
    answer = store.ask(
        "SELECT alert_id, fingerprint, state, raised_at, state_since, access_count, state_by FROM alerts"  # noqa: S608 - constants
        f" WHERE fingerprint IN {parameters.add(wanted, 'Array(String)')} ORDER BY raised_at",
        parameters.values,
    )
    return [
        Known(id_, fingerprint, state, raised_at, since, count, by == BY_ALERTER)
        for id_, fingerprint, state, raised_at, since, count, by in answer.rows
    ]


def memberships(store: Store, members: Iterable[Member]) -> list[tuple[UUID, str, UUID]]:
    """Give the alerts (alert, source, id) that these accesses belong to."""
    ids = sorted({str(member.id) for member in members})
    if not ids:
        return []
    parameters = Parameters("x")
    answer = store.ask(
        "SELECT alert_id, source, id FROM alert_members"  # noqa: S608 - constants
        f" WHERE id IN {parameters.add(ids, 'Array(UUID)')}",
        parameters.values,
    )
    return [(alert_id, source, id_) for alert_id, source, id_ in answer.rows]


class Explained(NamedTuple):
    """An alert that evidence has explained: since when, and by which evidence."""

    alert_id: UUID
    rule: str
    at: datetime
    evidence: Sequence[str]


def explained(store: Store, rules: Iterable[Rule]) -> list[Explained]:
    """Give the alerts that are not closed and whose every access is justified by now.

    Of rules on behaviour none: that an access is justified does not explain how many there were.
    """
    names = [rule.id for rule in rules if isinstance(rule.condition, AccessCondition)]
    parameters = Parameters("x")
    answer = store.ask(
        "WITH unclosed AS (SELECT alert_id, rule FROM alerts WHERE state != 'closed'"  # noqa: S608 - constants
        f" AND rule IN {parameters.add(names, 'Array(String)')}),"
        " open AS (SELECT alert_id, source, id FROM alert_members"
        " WHERE alert_id IN (SELECT alert_id FROM unclosed)),"
        " newest AS (SELECT source, id, argMax(verdict, (evidence_version, judged_at)) AS verdict,"
        " argMax(evidence_used, (evidence_version, judged_at)) AS used, max(judged_at) AS at"
        " FROM verdicts WHERE id IN (SELECT id FROM open) GROUP BY source, id)"
        " SELECT open.alert_id, any(unclosed.rule), max(newest.at), groupUniqArrayArray(newest.used)"
        " FROM open LEFT ANY JOIN unclosed ON open.alert_id = unclosed.alert_id"
        " LEFT ANY JOIN newest ON open.source = newest.source AND open.id = newest.id"
        f" GROUP BY open.alert_id HAVING min(newest.verdict = 'justified') LIMIT {MOST_EXPLAINED}",
        parameters.values,
        limits=QUESTION_LIMITS,
    )
    return [Explained(*row) for row in answer.rows]


def _condition(rule: Rule, prefix: str) -> Condition:
    if not isinstance(rule.condition, AccessCondition):
        msg = f"{rule.id} is no rule on one access"
        raise TypeError(msg)
    return condition_of(parse(rule.condition.query), prefix)


def _beside(rule: Rule) -> str:
    return rule.condition.beside if isinstance(rule.condition, AccessCondition) else "either"


def _hit(rule: Rule, row: Mapping[str, Any]) -> Hit:
    grouping = {name: str(row[name]) for name in rule.grouping.by}
    return Hit(rule, grouping, row["judged_at"], row["time"], row["time"], 1, [_member(row)])


def _member(row: Mapping[str, Any]) -> Member:
    return Member(NO_ALERT, *(row[name] for name in _MEMBER))


def _stamp(moment: datetime) -> str:
    """Write an instant as a parameter of type DateTime64(6, 'UTC') is read."""
    return format_time(moment).removesuffix("Z").replace("T", " ")


def _tunable(value: float | str) -> Parameter:
    return value if isinstance(value, int) else str(value)

"""The cases of rules, played on a real ClickHouse: each must alert as often as it says."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from earwitness.alerting.backtest import hits_given
from earwitness.alerting.questions import behaviour
from earwitness.alerts.findings import hits_of_findings
from earwitness.alerts.grouping import Grouper
from earwitness.alerts.rules import BehaviourCondition, Case, CaseRows, FindingCondition, Rule
from earwitness.query.store import Store
from models.alerts import NAMESPACE
from models.errors import QueryRejected
from models.finding import Finding

Row = dict[str, Any]

_TABLES: Final = {
    "trail": "access_log",
    "activity": "activity_log",
    "dead_letters": "dead_letters",
    "registers": "register_heartbeats",
    "evidence": "evidence_log",
}
_USUAL: Final[Mapping[str, Row]] = {
    "trail": {
        "source": "/services/recording-api",
        "actor_type": "employee",
        "actor_id": "e-1",
        "action": "listen",
        "resource_type": "call_recording",
        "resource_id": "rec-{n}",
        "customer_id": "cus-1",
        "outcome": "succeeded",
        "verdict": "justified",
        "reason": "clause_met",
        "topic": "access.events.v1",
    },
    "activity": {"principal": "i-1", "surface": "api", "action": "search"},
    "dead_letters": {"topic": "access.events.v1", "reason": "not_json"},
    "registers": {"register": "tickets", "every_s": 60, "kinds": ["complaint"]},
    "evidence": {"ref": "ticket:{n}", "version": "{n}", "kind": "complaint", "status": "active"},
    "findings": {"source": "/services/recording-api", "customer_id": "*", "reason": ""},
}
VERDICT_LOG: Final = "verdict_log"
_INSTANTS: Final = {
    "trail": ("time", "received_at", "judged_at"),
    "activity": ("time",),
    "dead_letters": ("received_at",),
    "registers": ("beat_at",),
    "evidence": ("registered_at",),
    "findings": ("time",),
}
_ON_A_DAY: Final = frozenset({"trail", "dead_letters"})
_LATER: Final = timedelta(hours=1)
LOOKED_BACK: Final = timedelta(days=93)
A_MOMENT: Final = timedelta(seconds=1)

Insert = Callable[[str, Sequence[str], Sequence[tuple[Any, ...]]], None]


class Scratch(NamedTuple):
    """A ClickHouse for the cases: how to ask it, to put rows into a table, and to empty all of them."""

    store: Store
    insert: Insert
    clear: Callable[[Sequence[str]], None]


class Proof(NamedTuple):
    """What became of one case: it alerted so often, or could not be played."""

    rule: Rule
    case: Case
    alerts: int
    problem: str = ""

    @property
    def holds(self) -> bool:
        """Say whether it is as the case wants it."""
        return not self.problem and self.alerts == self.case.alerts


def prove(scratch: Scratch, rules: Sequence[Rule]) -> Iterator[Proof]:
    """Play every case of every rule. Raises `SinkUnavailable`."""
    for rule in rules:
        for case in rule.cases:
            try:
                yield Proof(rule, case, _played(scratch, rule, case))
            except QueryRejected as error:
                yield Proof(rule, case, 0, str(error))


def _played(scratch: Scratch, rule: Rule, case: Case) -> int:
    if isinstance(rule.condition, FindingCondition):
        findings = [_finding(row) for rows in case.rows for row in _rows(rows, case.at)]
        return len(Grouper().take(hits_of_findings([rule], findings), case.at).entries)
    scratch.clear((*_TABLES.values(), VERDICT_LOG))
    for rows in case.rows:
        if rows.table == "judged_again":
            _put_judged_again(scratch, rows, case.at)
        else:
            _put(scratch, _TABLES[rows.table], list(_rows(rows, case.at)))
    if isinstance(rule.condition, BehaviourCondition):
        hits = behaviour(scratch.store, rule, case.at)
    else:
        hits = list(hits_given(scratch.store, [rule], case.at - LOOKED_BACK, case.at + A_MOMENT))
    return len(Grouper().take(hits, case.at).entries)


def _put(scratch: Scratch, table: str, rows: Sequence[Row]) -> None:
    columns = list(rows[0])
    scratch.insert(table, columns, [tuple(row[name] for name in columns) for row in rows])


def _put_judged_again(scratch: Scratch, rows: CaseRows, at: datetime) -> None:
    first = {name: value for name, value in rows.row.items() if name != "then"}
    accesses = list(_rows(rows.model_copy(update={"table": "trail", "row": first}), at))
    _put(scratch, _TABLES["trail"], accesses)
    verdicts = [
        {
            **{
                name: access[name]
                for name in ("received_day", "id", "source", "time", "actor_type", "actor_id")
            },
            "verdict": rows.row["then"],
            "reason": "clause_met",
            "late": True,
            "evidence_version": 1,
            "judged_at": access["judged_at"] + _LATER,
        }
        for access in accesses
    ]
    _put(scratch, VERDICT_LOG, verdicts)


def _rows(rows: CaseRows, at: datetime) -> Iterator[Row]:
    begin = at - (rows.ago or timedelta(minutes=1))
    step = (rows.spread or timedelta()) / rows.repeat
    for number in range(rows.repeat):
        yield _row(rows.table, {**_USUAL[rows.table], **rows.row}, begin + number * step, number + 1)


def _row(table: str, given: Mapping[str, Any], moment: datetime, number: int) -> Row:
    row: Row = {name: moment for name in _INSTANTS[table] if name not in given}
    row.update({name: _numbered(value, number) for name, value in given.items()})
    if table in {"trail", "activity", "findings"} and "id" not in row:
        row["id"] = str(uuid5(NAMESPACE, f"{table}:{number}:{sorted(map(str, row.items()))}"))
    if table in _ON_A_DAY:
        row["received_day"] = row.get("received_at", moment).date()
    if "version" in row:
        row["version"] = int(row["version"])
    return row


def _numbered(value: Any, number: int) -> Any:  # noqa: ANN401 - what stands in a file
    if isinstance(value, list):
        return [_numbered(each, number) for each in value]
    return value.replace("{n}", str(number)) if isinstance(value, str) else value


def _finding(row: Row) -> Finding:
    empty = dict.fromkeys(
        ("actor_type", "actor_id", "resource_type", "resource_id", "clause", "position"), ""
    )
    return Finding(**{**empty, **row, "id": str(UUID(row["id"]))})

"""Which notices are still to be told over which channels: the store says, so no kill loses one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from earwitness.alerts.rules import Rule
from earwitness.query.conditions import Parameters
from earwitness.query.store import Store
from models.alerts import MOST_ACCESS_IDS, Delivery, Notice, Silence

TOLD_WITHIN: Final = timedelta(days=3)
"""How long a notice is tried, before it is given up."""

ENDED_WITHIN: Final = timedelta(days=30)
"""How long one whose tries came to no end, because no process ran then, gets a last one."""

PAGE: Final = 1_000
NOTICED: Final = ("raised", "reopened", "closed", "asked")
ROW: Final = (
    "entry_id", "alert_id", "kind", "at", "text", "rule", "title", "severity", "access_count", "grouping",
    "done", "tried", "ids",
)  # fmt: skip


class Pending(NamedTuple):
    """A notice, the channels that its rule names, those that have it, and how often each was tried."""

    notice: Notice
    channels: tuple[str, ...]
    done: frozenset[str]
    attempts: Mapping[str, int]


_ENTRIES: Final = f"""
WITH recent AS (SELECT * FROM alert_entries WHERE at > {{begin}} AND kind IN {{kinds}})
SELECT e.entry_id, e.alert_id, e.kind, e.at, e.text, a.rule, a.title, a.severity, a.access_count, a.grouping,
       d.done, d.tried, m.ids
FROM recent AS e
INNER JOIN alerts AS a ON a.alert_id = e.alert_id
LEFT ANY JOIN
(
    SELECT notice_id, groupUniqArrayIf(channel, status IN ('delivered', 'given_up')) AS done,
           groupArray((channel, attempt)) AS tried
    FROM alert_deliveries WHERE alert_id IN (SELECT alert_id FROM recent) GROUP BY notice_id
) AS d ON d.notice_id = toString(e.entry_id)
LEFT ANY JOIN
(
    SELECT alert_id, groupArray({MOST_ACCESS_IDS})(id) AS ids
    FROM alert_members WHERE alert_id IN (SELECT alert_id FROM recent) GROUP BY alert_id
) AS m ON m.alert_id = e.alert_id
WHERE NOT hasAll(d.done, {{channels}}) AND (e.at, e.entry_id) > ({{after}}, {{after_id}})
  AND (e.at > {{since}} OR arrayExists(t -> has({{channels}}, t.1) AND NOT has(d.done, t.1), d.tried))
ORDER BY e.at, e.entry_id LIMIT {PAGE}
"""  # noqa: S608 - constants


class DeliveryLog(Protocol):
    """Where evidence of tries is kept."""

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Keep it, or raise `SinkUnavailable`."""


class Links(Protocol):
    """Where notices lead to."""

    def alert(self, alert_id: UUID) -> str:
        """Give the address of an alert."""

    def question(self, alert_id: UUID, access: str) -> tuple[str, str] | None:
        """Give where the actor of an access answers, and whom to ask; None where nobody can be."""


class Outbox:
    """What the store says is still to be told over `channels`."""

    def __init__(self, store: Store, channels: Sequence[str], links: Links) -> None:
        self._store = store
        self._channels = list(channels)
        self._links = links

    def pending(self, rules: Mapping[str, Rule], since: datetime, now: datetime) -> Iterator[Pending]:
        """Give the notices of what happened after `since` that not every channel has, the oldest first.

        With them, where `since` reaches back as far as a notice is tried, older ones whose tries have no end.
        What a silence holds back is left out, and is given when the silence is over. Raises
        `SinkUnavailable`.
        """
        if not self._channels:
            return
        silences = _silences(self._store, now)
        fresh = now - TOLD_WITHIN
        for row in self._rows(now - ENDED_WITHIN if since <= fresh else since, max(since, fresh)):
            rule = rules.get(row["rule"])
            if rule is None or (row["kind"] != "asked" and not rule.notify):
                continue
            if any(silence.holds(row["rule"], row["grouping"], now) for silence in silences):
                continue
            notice = self._notice(row, rule)
            if notice is not None:
                yield Pending(notice, rule.channels, frozenset(row["done"]), _attempts(row["tried"]))

    def _rows(self, begin: datetime, since: datetime) -> Iterator[dict[str, Any]]:
        after, after_id = begin, UUID(int=0)
        while True:
            parameters = Parameters("x")
            sql = _ENTRIES.format(
                begin=parameters.instant(begin),
                since=parameters.instant(since),
                kinds=parameters.add(list(NOTICED), "Array(String)"),
                channels=parameters.add(self._channels, "Array(String)"),
                after=parameters.instant(after),
                after_id=parameters.add(str(after_id), "UUID"),
            )
            answer = self._store.ask(sql, parameters.values)
            rows = [dict(zip(ROW, values, strict=True)) for values in answer.rows]
            yield from rows
            if len(rows) < PAGE:
                return
            after, after_id = rows[-1]["at"], rows[-1]["entry_id"]

    def _notice(self, row: Mapping[str, Any], rule: Rule) -> Notice | None:
        link, recipient = self._links.alert(row["alert_id"]), ""
        if row["kind"] == "asked":
            asked = self._links.question(row["alert_id"], row["text"])
            if asked is None:
                return None
            link, recipient = asked
        return Notice(
            id=str(row["entry_id"]),
            alert_id=row["alert_id"],
            kind="question" if row["kind"] == "asked" else row["kind"],
            at=row["at"],
            rule=row["rule"],
            title=row["title"],
            severity=row["severity"],
            access_count=row["access_count"],
            access_ids=tuple(str(id_) for id_ in row["ids"]),
            link=link,
            runbook=rule.runbook,
            recipient=recipient,
        )


def _attempts(tried: Iterable[tuple[str, int]]) -> dict[str, int]:
    attempts: dict[str, int] = {}
    for channel, attempt in tried:
        attempts[channel] = max(attempt, attempts.get(channel, 0))
    return attempts


def _silences(store: Store, now: datetime) -> list[Silence]:
    parameters = Parameters("x")
    answer = store.ask(
        "SELECT silence_id, rule, grouping, reason, created_at, created_by, expires_at FROM silences"  # noqa: S608 - constants
        f" WHERE expires_at > {parameters.instant(now)}",
        parameters.values,
    )
    return [Silence(*row) for row in answer.rows]

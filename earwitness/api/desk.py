"""What the routes of alerts answer from, and the one way in which an alert is handled."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID, uuid4

from earwitness.alerts.handling import ONCE_IN_A_STATE, Handling, hindrance, moment_after
from earwitness.alerts.rules import Rule
from earwitness.api.errors import Conflict, NotFound
from earwitness.query.alerts import Alerts, silence_of
from earwitness.query.rows import Row
from models.alerts import Entry, Member, Silence, entry_id
from models.fields import format_time, parse_time

MEMBERS_SHOWN = 100
"""Accesses in the answer about one alert; further ones are asked for by themselves."""


class AlertSink(Protocol):
    """Where what happens to alerts is kept. Each method raises `SinkUnavailable`."""

    def write(self, entries: Sequence[Entry], members: Sequence[Member] = ()) -> None:
        """Keep entries."""

    def write_once(self, entry: Entry) -> None:
        """Keep an entry unless there is one of its id."""

    def silence(self, silence: Silence, written_by: str) -> None:
        """Keep a silence."""

    def end_silence(self, silence: Silence, at: datetime, written_by: str) -> None:
        """End a silence early."""


class Desk(NamedTuple):
    """The alerts there are, where handling them is kept, and the rules that raise them."""

    alerts: Alerts
    log: AlertSink
    rules: Callable[[], Sequence[Rule]]

    def rule(self, name: str) -> Rule | None:
        """Give a rule as it stands now; None where it is gone."""
        return next((rule for rule in self.rules() if rule.id == name), None)

    def found(self, identifier: str) -> Row:
        """Give an alert. Raises `NotFound`."""
        alert = self.alerts.named(identifier)
        if alert is None:
            raise NotFound(f"no alert has the id {identifier}; `earwitness alerts list` shows them")
        return alert

    def handle(self, alert: Row, handling: Handling, by: str, now: datetime, **told: Any) -> Row:  # noqa: ANN401 - fields of an entry
        """Keep what was done with an alert, and give the alert as it then stands.

        Raises `Conflict` where its state does not allow that, or somebody did it a moment before.
        """
        if hindered := hindrance(handling, alert["state"]):
            raise Conflict(f"alert {alert['id']}: {hindered[0]}", hindered[1])
        alert_id = UUID(alert["id"])
        at = moment_after(parse_time(alert["state_since"]), now)
        if handling not in ONCE_IN_A_STATE:
            self.log.write([Entry(alert_id, uuid4(), at, handling, by, **told)])
            return self.found(alert["id"])
        entry = Entry(alert_id, entry_id(alert_id, handling, alert["state_since"]), at, handling, by, **told)
        self.log.write_once(entry)
        kept = self.alerts.entry(alert["id"], entry.id)
        if kept is not None and not _is(entry, kept):
            raise Conflict(f"alert {alert['id']}: {kept['done_by']} did that a moment before", "look again")
        return self.found(alert["id"])

    def described(self, alert: Row, now: datetime) -> dict[str, Any]:
        """Say everything of one alert."""
        rule = self.rule(alert["rule"])
        members = self.alerts.members(alert["id"], limit=MEMBERS_SHOWN)
        return {
            "alert": alert,
            "rule": None if rule is None else _rule(rule),
            "entries": self.alerts.entries(alert["id"]),
            "members": members.rows,
            "next": members.next,
            "deliveries": self.alerts.deliveries(alert["id"]),
            "silences": [
                silence
                for silence in self.alerts.silences(now=now)
                if silence_of(silence).holds(alert["rule"], alert["grouping"], now)
            ],
        }


def _is(entry: Entry, kept: Mapping[str, Any]) -> bool:
    return bool(kept["at"] == format_time(entry.at) and kept["done_by"] == entry.done_by)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "code": rule.code,
        "description": " ".join(rule.description.split()),
        "runbook": rule.runbook,
    }

"""Questions about alerts: which there are, what happened to one, its accesses, and what is silenced."""

import base64
import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from earwitness.query.conditions import Parameters
from earwitness.query.rows import Row, plain
from earwitness.query.store import Store
from models.alerts import Silence
from models.errors import QueryRejected
from models.fields import parse_time

MOST_ENTRIES: Final = 1_000
MOST_DELIVERIES: Final = 1_000
MOST_SILENCES: Final = 1_000
SHORTEST_BEGINNING: Final = 8
"""Characters of an id that name an alert or silence, where no other begins so: what a table shows."""

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BEGINNING: Final = re.compile(rf"[0-9a-f-]{{{SHORTEST_BEGINNING},36}}")

ALERT_FIELDS: Final = (
    "alert_id", "rule", "severity", "title", "state", "state_since", "state_by", "outcome", "closing_note",
    "assignee", "grouping", "raised_at", "first_at", "last_at", "access_count", "silenced", "statement_count",
    "rule_digest", "fingerprint",
)  # fmt: skip
_ENTRY_FIELDS: Final = ("entry_id", "at", "kind", "done_by", "text", "outcome", "assignee")
_MEMBER_FIELDS: Final = ("source", "id", "time", "actor_id", "customer_id", "verdict", "reason", "added_at")
NOW_FIELDS: Final = (
    "actor_type", "organization", "action", "resource_type", "resource_id", "outcome", "purpose",
    "evidence_ref", "recipient", "verdict", "reason", "clause",
)  # fmt: skip
"""What the trail says of a member as it stands; null where the member is no access of the trail."""

_DELIVERY_FIELDS: Final = ("notice_id", "channel", "attempt", "at", "status", "code", "answer", "took_ms")
_SILENCE_FIELDS: Final = (
    "silence_id", "rule", "grouping", "reason", "created_at", "created_by", "expires_at", "written_by",
)  # fmt: skip
_ID_BITS_BELOW_THE_TIME: Final = 80


class Wanted(NamedTuple):
    """Which alerts are asked for. Empty texts and None do not restrict; the instants are those of raising."""

    states: Sequence[str] = ()
    rule: str = ""
    severities: Sequence[str] = ()
    assignee: str = ""
    actor: str = ""
    customer: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Page(NamedTuple):
    """Some of the rows, and what to ask for the next ones with; None where these are the last."""

    rows: list[Row]
    next: str | None


class Alerts:
    """The named questions about alerts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest(self, wanted: Wanted, *, limit: int, after: str | None = None) -> Page:
        """List alerts, the one that was raised last first."""
        parameters = Parameters()
        parts = _conditions(wanted, parameters)
        if after is not None:
            at, alert_id = _marked(after, 2)
            mark = f"({parameters.instant(_instant(at))}, {parameters.add(_uuid_of_mark(alert_id), 'UUID')})"
            parts.append(f"(raised_at, alert_id) < {mark}")
        answer = self._store.ask(
            f"SELECT {', '.join(ALERT_FIELDS)} FROM alerts"  # noqa: S608 - constants and placeholders
            f" WHERE {' AND '.join(parts) or '1'}"
            f" ORDER BY raised_at DESC, alert_id DESC LIMIT {limit + 1:d}",
            parameters.values,
        )
        rows = [_alert(row) for row in answer.records()]
        more = len(rows) > limit
        last = rows[limit - 1] if more else None
        return Page(rows[:limit], _mark(last["raised_at"], last["id"]) if last else None)

    def named(self, identifier: str) -> Row | None:
        """Give the alert of an id, or of the beginning of one; None where there is none.

        Raises `QueryRejected` where several begin so.
        """
        parameters = Parameters()
        condition = _named("alert_id", identifier, parameters)
        if condition is None:
            return None
        answer = self._store.ask(
            f"SELECT {', '.join(ALERT_FIELDS)} FROM alerts WHERE {condition} LIMIT 2",  # noqa: S608 - as above
            parameters.values,
        )
        return _the_only([_alert(row) for row in answer.records()], identifier)

    def entries(self, alert_id: str) -> list[Row]:
        """Give what happened to an alert, the first of it first; of more than MOST_ENTRIES the newest."""
        answer = self._store.ask(
            f"SELECT {', '.join(_ENTRY_FIELDS)} FROM alert_entries WHERE alert_id = {{alert:UUID}}"  # noqa: S608 - as above
            f" ORDER BY alert_entries.at DESC, kind != 'raised' DESC, entry_id DESC LIMIT {MOST_ENTRIES}",
            {"alert": alert_id},
        )
        return [_entry(row) for row in answer.records()][::-1]

    def entry(self, alert_id: str, entry_id: UUID) -> Row | None:
        """Give one entry; None where nothing of that id happened."""
        answer = self._store.ask(
            f"SELECT {', '.join(_ENTRY_FIELDS)} FROM alert_entries"  # noqa: S608 - as above
            " WHERE alert_id = {alert:UUID} AND entry_id = {entry:UUID}",
            {"alert": alert_id, "entry": str(entry_id)},
        )
        return next((_entry(row) for row in answer.records()), None)

    def members(self, alert_id: str, *, limit: int, after: str | None = None) -> Page:
        """List the accesses of an alert, the oldest first, each with its verdict then and now."""
        parameters = Parameters()
        parts = [f"alert_id = {parameters.add(alert_id, 'UUID')}"]
        if after is not None:
            at, source, identifier = _marked(after, 3)
            key = (
                f"{parameters.instant(_instant(at))}, {parameters.add(source, 'String')},"
                f" {parameters.add(_uuid_of_mark(identifier), 'UUID')}"
            )
            parts.append(f"(alert_members.time, source, id) > ({key})")
        answer = self._store.ask(
            f"SELECT {', '.join(_MEMBER_FIELDS)} FROM alert_members WHERE {' AND '.join(parts)}"  # noqa: S608 - as above
            f" ORDER BY alert_members.time, source, id LIMIT {limit + 1:d}",
            parameters.values,
        )
        then = [plain(row) for row in answer.records()]
        more, then = len(then) > limit, then[:limit]
        now = self._now([row["id"] for row in then])
        rows = [_member(row, now.get((row["source"], row["id"]), {})) for row in then]
        last = rows[-1] if more else None
        return Page(rows, _mark(last["time"], last["source"], last["id"]) if last else None)

    def member(self, alert_id: str, identifier: str) -> Row | None:
        """Give one access of an alert, as `members` does; None where it does not belong to it."""
        answer = self._store.ask(
            f"SELECT {', '.join(_MEMBER_FIELDS)} FROM alert_members"  # noqa: S608 - as above
            " WHERE alert_id = {alert:UUID} AND id = {id:UUID} ORDER BY source LIMIT 1",
            {"alert": alert_id, "id": identifier},
        )
        for row in map(plain, answer.records()):
            return _member(row, self._now([identifier]).get((row["source"], row["id"]), {}))
        return None

    def deliveries(self, alert_id: str) -> list[Row]:
        """Give what became of each try to tell somebody; of more than MOST_DELIVERIES the newest."""
        answer = self._store.ask(
            f"SELECT {', '.join(_DELIVERY_FIELDS)} FROM alert_deliveries WHERE alert_id = {{alert:UUID}}"  # noqa: S608 - as above
            f" ORDER BY alert_deliveries.at DESC, attempt DESC LIMIT {MOST_DELIVERIES}",
            {"alert": alert_id},
        )
        return [plain(row) for row in answer.records()][::-1]

    def silences(self, *, now: datetime, ended: bool = False) -> list[Row]:
        """Give the silences that hold, and with `ended` those that are over too, the newest first."""
        parameters = Parameters()
        condition = "1" if ended else f"expires_at > {parameters.instant(now)}"
        return [_silence(row, now) for row in self._silences(condition, parameters)]

    def silence(self, identifier: str, now: datetime) -> Row | None:
        """Give the silence of an id, or of the beginning of one; None where there is none.

        Raises `QueryRejected` where several begin so.
        """
        parameters = Parameters()
        condition = _named("silence_id", identifier, parameters)
        if condition is None:
            return None
        found = [_silence(row, now) for row in self._silences(condition, parameters)]
        return _the_only(found, identifier)

    def _silences(self, condition: str, parameters: Parameters) -> list[Row]:
        answer = self._store.ask(
            f"SELECT {', '.join(_SILENCE_FIELDS)} FROM silences WHERE {condition}"  # noqa: S608 - as above
            f" ORDER BY created_at DESC, silence_id DESC LIMIT {MOST_SILENCES}",
            parameters.values,
        )
        return list(answer.records())

    def _now(self, identifiers: Sequence[str]) -> dict[tuple[str, str], Row]:
        if not identifiers:
            return {}
        # As in query/trail.py: by the time in an id ClickHouse knows the days to look at.
        times = sorted({UUID(each).int >> _ID_BITS_BELOW_THE_TIME for each in identifiers})
        time = f"toUInt64(bitShiftRight(toUInt128(id), {_ID_BITS_BELOW_THE_TIME}))"
        answer = self._store.ask(
            f"SELECT source, id, {', '.join(NOW_FIELDS)} FROM trail WHERE id IN {{ids:Array(UUID)}}"  # noqa: S608 - as above
            f" AND {time} IN {{times:Array(UInt64)}}",
            {"ids": sorted(set(identifiers)), "times": times},
        )
        return {(row["source"], row["id"]): row for row in map(plain, answer.records())}


def silence_of(row: Row) -> Silence:
    """Give back the silence that a row shows."""
    return Silence(
        UUID(row["id"]),
        row["rule"] or "",
        row["grouping"],
        row["reason"],
        parse_time(row["created_at"]),
        row["created_by"],
        parse_time(row["expires_at"]),
    )


def _conditions(wanted: Wanted, parameters: Parameters) -> list[str]:
    parts: list[str] = []
    for name, value in (("rule", wanted.rule), ("assignee", wanted.assignee)):
        if value:
            parts.append(f"{name} = {parameters.add(value, 'String')}")
    for name, values in (("state", wanted.states), ("severity", wanted.severities)):
        if values:
            parts.append(f"{name} IN {parameters.add(list(values), 'Array(String)')}")
    for name, value in (("actor_id", wanted.actor), ("customer_id", wanted.customer)):
        if value:
            given = parameters.add(value, "String")
            its = f"SELECT alert_id FROM alert_members WHERE {name} = {given}"  # noqa: S608 - placeholders
            parts.append(f"(grouping['{name}'] = {given} OR alert_id IN ({its}))")
    if wanted.since is not None:
        parts.append(f"raised_at >= {parameters.instant(wanted.since)}")
    if wanted.until is not None:
        parts.append(f"raised_at < {parameters.instant(wanted.until)}")
    return parts


def _named(column: str, identifier: str, parameters: Parameters) -> str | None:
    """Say of a column that it is this id, or begins so; None where nothing can be called that."""
    text = identifier.lower()
    if _ID.fullmatch(text):
        return f"{column} = {parameters.add(text, 'UUID')}"
    if _BEGINNING.fullmatch(text):
        return f"startsWith(toString({column}), {parameters.add(text, 'String')})"
    return None


def _the_only(found: list[Row], identifier: str) -> Row | None:
    if len(found) > 1:
        raise QueryRejected(f"several ids begin with {identifier}", "write more of it")
    return found[0] if found else None


def _alert(record: Row) -> Row:
    grouping, silenced = dict(record.pop("grouping")), bool(record.pop("silenced"))
    row = plain(record)
    return {"id": row.pop("alert_id"), **row, "grouping": grouping, "silenced": silenced}


def _entry(record: Row) -> Row:
    row = plain(record)
    return {"id": row.pop("entry_id"), **row}


def _silence(record: Row, now: datetime) -> Row:
    grouping, in_force = dict(record.pop("grouping")), record["expires_at"] > now
    row = plain(record)
    return {
        "id": row.pop("silence_id"),
        **row,
        "grouping": grouping,
        "in_force": in_force,
    }


def _member(then: Row, now: Row) -> Row:
    """Join what was known when the access came to belong to the alert with what the trail says of it now."""
    verdict, reason = then.pop("verdict"), then.pop("reason")
    return {
        **then,
        **{name: now.get(name) for name in NOW_FIELDS},
        "verdict_then": verdict,
        "reason_then": reason,
    }


def _mark(*parts: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _marked(text: str, count: int) -> list[str]:
    try:
        parts: Any = json.loads(base64.urlsafe_b64decode(text))
        if not isinstance(parts, list) or len(parts) != count:
            raise _no_mark()
        return [str(part) for part in parts]
    except (ValueError, RecursionError) as error:
        raise _no_mark() from error


def _instant(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise _no_mark() from error


def _uuid_of_mark(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise _no_mark() from error


def _no_mark() -> QueryRejected:
    return QueryRejected("the mark of the next page is none of ours", "start again without it")

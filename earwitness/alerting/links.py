"""Where notices lead: to the page of an alert, or to where an actor answers."""

from datetime import datetime
from typing import Final
from uuid import UUID

from earwitness.alerts.statements import ANSWERED_WITHIN, Question, token_of
from earwitness.query.conditions import Parameters
from earwitness.query.store import Store

ASKED: Final = frozenset({"employee", "affiliate", "vendor", "acquirer"})
"""Actors that are persons who can answer: not services, applications or the customer."""

MOST_REMEMBERED: Final = 10_000
"""Questions whose links are remembered; of more all are made anew."""


class ApiLinks:
    """Links to the pages of the API at `url`; questions are signed with `key`. Without it nobody is asked."""

    def __init__(self, url: str, key: bytes, store: Store) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._store = store
        self._made: dict[tuple[UUID, str], tuple[str, str]] = {}

    def alert(self, alert_id: UUID) -> str:
        """Give the address of an alert's page."""
        return f"{self._url}/alerts/{alert_id}"

    def question(self, alert_id: UUID, access: str) -> tuple[str, str] | None:
        """Give the address of the page that asks about an access, and the mail address or id of its actor.

        What was found is remembered: what is still to be told is asked for every two seconds.
        """
        if not self._key:
            return None
        made = self._made.get((alert_id, access))
        if made is None and (made := self._make(alert_id, access)) is not None:
            if len(self._made) >= MOST_REMEMBERED:
                self._made.clear()
            self._made[alert_id, access] = made
        return made

    def _make(self, alert_id: UUID, access: str) -> tuple[str, str] | None:
        found = self._actor_of(alert_id, access)
        if found is None:
            return None
        actor_type, actor_id, asked_at = found
        if actor_type not in ASKED:
            return None
        question = Question(alert_id, UUID(access), asked_at + ANSWERED_WITHIN)
        return f"{self._url}/statements/{token_of(question, self._key)}", self._address_of(actor_id)

    def _actor_of(self, alert_id: UUID, access: str) -> tuple[str, str, datetime] | None:
        answer = self._store.ask(
            "SELECT t.actor_type, t.actor_id, m.added_at FROM alert_members AS m"
            " INNER JOIN (SELECT * FROM trail WHERE id = {access:UUID}) AS t"
            " ON t.id = m.id AND t.source = m.source"
            " WHERE m.alert_id = {alert:UUID} AND m.id = {access:UUID} LIMIT 1",
            {"alert": str(alert_id), "access": access},
        )
        return answer.rows[0] if answer.rows else None

    def _address_of(self, actor_id: str) -> str:
        """Give the alias with an @ that a register knows of the actor; else the id as it is."""
        parameters = Parameters("x")
        who = parameters.add(actor_id, "String")
        answer = self._store.ask(
            "SELECT arrayFirst(alias -> position(alias, '@') > 0,"  # noqa: S608 - constants
            " JSONExtract(newest, 'aliases', 'Array(String)'))"
            " FROM (SELECT argMax(record, version) AS newest, argMax(status, version) AS state FROM evidence"
            f" WHERE kind IN ('employment', 'affiliation', 'engagement') AND has(assignees, {who})"
            " GROUP BY ref) WHERE state = 'active'",
            parameters.values,
        )
        return next((address for (address,) in answer.rows if address), actor_id)

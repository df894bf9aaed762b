"""An alert: its life as a log of entries, and the notices that tell people of it."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, get_args
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("6f3a6f0e-6a4b-5c1d-9a55-5f0a3c1f7b10")
"""Under which the ids of alerts and of their entries are made from what they are about."""

Severity = Literal["info", "low", "medium", "high", "critical"]
"""Rising, as Alertmanager's and pagers' users know them."""

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)

EntryKind = Literal[
    "raised", "acknowledged", "assigned", "noted", "closed", "reopened", "asked", "stated", "silenced"
]
"""`asked` and `stated` are the question to the actor and the answer; `silenced` says that a silence held
the notice of an alert back when it was raised. `noted` adds a text and changes nothing."""

State = Literal["open", "acknowledged", "closed"]
STATE_AFTER: Final[Mapping[EntryKind, State]] = {
    "raised": "open",
    "acknowledged": "acknowledged",
    "closed": "closed",
    "reopened": "open",
}

Outcome = Literal["true", "explained", "false"]
"""What a closed alert turned out to be: misuse, something with a good reason, or nothing at all."""

BY_ALERTER: Final = "earwitness/alerter"
"""Who raised an alert, or closed one because evidence came: the process, not a person."""

MOST_MEMBERS: Final = 10_000
"""Accesses that are kept with one alert. Its count goes on; a search by its grouping finds the rest."""


class Entry(NamedTuple):
    """One thing that happened to an alert. Appended, never changed; the newest of its kind counts.

    `id` names what happened: written twice it is one entry. `title`, `severity`, `rule_digest`,
    `fingerprint`, `grouping`, `first_at` and `last_at` are told by `raised` alone, `rule` by all that the
    alerter writes of a state. `access_count` is set where the accesses are only counted (a rule on
    behaviour); else the members are. `text` is a note, the reason of a close, or what the actor stated.
    `outcome` comes with `closed`, `assignee` with `assigned`.
    """

    alert_id: UUID
    id: UUID
    at: datetime
    kind: EntryKind
    done_by: str
    rule: str = ""
    rule_digest: str = ""
    severity: str = ""
    title: str = ""
    fingerprint: str = ""
    grouping: Mapping[str, str] = MappingProxyType({})
    first_at: datetime | None = None
    last_at: datetime | None = None
    access_count: int = 0
    text: str = ""
    outcome: str = ""
    assignee: str = ""


class Member(NamedTuple):
    """An access that belongs to an alert, with the verdict it had when it came to belong to it."""

    alert_id: UUID
    source: str
    id: UUID
    time: datetime
    actor_id: str
    customer_id: str
    verdict: str
    reason: str


def entry_id(alert_id: UUID, kind: EntryKind, what: str = "") -> UUID:
    """Name what happened to an alert, so that a process that was killed writes the same entry again."""
    return uuid5(alert_id, f"{kind}:{what}")


class Silence(NamedTuple):
    """No notices of a rule's alerts with this grouping, until an instant. They are raised all the same.

    An empty `rule` means every rule; `grouping` must be contained in that of the alert.
    """

    id: UUID
    rule: str
    grouping: Mapping[str, str]
    reason: str
    created_at: datetime
    created_by: str
    expires_at: datetime

    def holds(self, rule: str, grouping: Mapping[str, str], at: datetime) -> bool:
        """Say whether it holds back what is told of such an alert at an instant."""
        return (
            self.created_at <= at < self.expires_at
            and self.rule in ("", rule)
            and all(grouping.get(name) == value for name, value in self.grouping.items())
        )


NoticeKind = Literal["raised", "reopened", "closed", "question"]


class Notice(NamedTuple):
    """What a channel tells somebody: ids, a link, a count. No person, no customer, no content.

    `id` is the same at every try, so that whoever hears it twice can tell. `link` leads to the alert, or,
    for a question, to the page where its actor answers; `recipient` is set for a question alone: the
    address (or actor id) that is asked, for the channel's envelope and not for its text.
    """

    id: str
    alert_id: UUID
    kind: NoticeKind
    at: datetime
    rule: str
    title: str
    severity: Severity
    access_count: int
    access_ids: tuple[str, ...]
    link: str
    runbook: str
    recipient: str = ""


MOST_ACCESS_IDS: Final = 10
"""Ids of accesses in a notice."""

DeliveryStatus = Literal["delivered", "failed", "given_up"]


class Delivery(NamedTuple):
    """What became of one try to tell a notice over one channel: evidence that somebody was told."""

    notice_id: str
    alert_id: UUID
    channel: str
    attempt: int
    at: datetime
    status: DeliveryStatus
    code: int
    """The status of HTTP or SMTP; 0 where there was no answer."""
    answer: str
    """The first of what was answered, or why there was no answer. Never a secret."""
    took_ms: int

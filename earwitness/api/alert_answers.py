"""The shapes of the answers about alerts, for the OpenAPI document; as answers.py has them of the rest."""

from pydantic import BaseModel, Field

from earwitness.api.answers import Instant
from models.alerts import DeliveryStatus, EntryKind, Outcome, Severity, State


class Alert(BaseModel):
    """An alert as it stands. `grouping` is what its accesses have in common."""

    id: str
    rule: str
    severity: Severity
    title: str
    state: State
    state_since: Instant
    state_by: str
    outcome: Outcome | None
    closing_note: str | None
    assignee: str | None
    grouping: dict[str, str]
    raised_at: Instant
    first_at: Instant | None
    last_at: Instant | None
    access_count: int
    silenced: bool
    statement_count: int
    rule_digest: str | None
    fingerprint: str | None


class Alerts(BaseModel):
    """One page of alerts. `next` is the `after` of the next page; null at the end."""

    alerts: list[Alert]
    next: str | None


class Entry(BaseModel):
    """One thing that happened to an alert. Appended, never changed."""

    id: str
    at: Instant
    kind: EntryKind
    done_by: str
    text: str | None
    outcome: Outcome | None
    assignee: str | None


class Member(BaseModel):
    """An access of an alert. What the trail says of it now is null where it is no access of the trail."""

    source: str
    id: str
    time: Instant
    actor_type: str | None
    actor_id: str | None
    organization: str | None
    customer_id: str | None
    action: str | None
    resource_type: str | None
    resource_id: str | None
    outcome: str | None
    purpose: str | None
    evidence_ref: str | None
    recipient: str | None
    verdict_then: str | None
    reason_then: str | None
    verdict: str | None
    reason: str | None
    clause: str | None
    added_at: Instant


class Members(BaseModel):
    """One page of the accesses of an alert. `next` is the `after` of the next page; null at the end."""

    members: list[Member]
    next: str | None


class Delivery(BaseModel):
    """What became of one try to tell somebody over one channel."""

    notice_id: str
    channel: str
    attempt: int
    at: Instant
    status: DeliveryStatus
    code: int = Field(description="of HTTP or SMTP; 0 where there was no answer")
    answer: str | None
    took_ms: int


class Silence(BaseModel):
    """What nobody is told of, why, and until when. `written_by` changed it last."""

    id: str
    rule: str | None
    grouping: dict[str, str]
    reason: str
    created_at: Instant
    created_by: str
    expires_at: Instant
    written_by: str
    in_force: bool


class Silences(BaseModel):
    """Silences, the newest first."""

    silences: list[Silence]


class Rule(BaseModel):
    """What the rule that raised an alert is about, and the page that says what to do."""

    id: str
    code: str
    description: str
    runbook: str


class WholeAlert(Members):
    """All there is of one alert: its accesses by the page. `rule` is null where it is gone."""

    alert: Alert
    rule: Rule | None
    entries: list[Entry]
    deliveries: list[Delivery]
    silences: list[Silence]

"""What happens in the month: accesses and other things, each with what is the truth about it."""

from datetime import datetime
from typing import NamedTuple


class Event(NamedTuple):
    """One access as its source reports it: what the judge looks at, and what the trail keeps."""

    id: str
    time: datetime
    source: str
    actor_type: str
    actor_id: str
    action: str
    resource_type: str
    resource_id: str
    customer_id: str
    purpose: str | None = None
    evidence_ref: str | None = None
    organization: str | None = None
    recipient: str | None = None
    actor_team: str | None = None
    producer: str = ""
    sequence: int = 0


class Deed(NamedTuple):
    """An access, and the incident that it belongs to; an honest one belongs to none."""

    event: Event
    incident: str = ""


class Incident(NamedTuple):
    """A misuse. Those without accesses of their own are known by whom they name (`source=…`), and when."""

    id: str
    kind: str
    begin: datetime
    end: datetime
    names: tuple[str, ...] = ()


class Reading(NamedTuple):
    """Rows of the trail that somebody was given."""

    principal: str
    time: datetime
    row_count: int


class Letter(NamedTuple):
    """An event that was refused."""

    received_at: datetime
    reason: str

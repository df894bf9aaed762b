"""Past accesses made by hand, as ClickHouse hands them over."""

from datetime import datetime, timedelta

from earwitness.query.history import PastAccess, past_access
from models.access import AccessEvent
from models.fields import microseconds
from tests.builders import an_access


def past(
    event: AccessEvent | None = None,
    *,
    verdict: str = "justified",
    reason: str = "clause_met",
    clause: str | None = "access.resolve-complaint",
    received_at: datetime | None = None,
) -> PastAccess:
    """Make the past of an event, as the trail has it; received a second after it happened."""
    event = event or an_access()
    received_at = received_at or event.time + timedelta(seconds=1)
    return past_access(
        (
            microseconds(event.time),
            microseconds(received_at),
            event.actor_type,
            event.actor_id,
            event.organization,
            event.actor_team,
            event.action,
            event.resource_type,
            event.resource_id,
            event.customer_id,
            event.purpose,
            event.evidence_ref,
            event.recipient,
            verdict,
            reason,
            clause,
            event.id,
            event.source,
        )
    )

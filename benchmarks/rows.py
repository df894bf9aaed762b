"""What the contenders written in Python store: the columns of the trail, as rows for clickhouse-driver."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from models.access import AccessEvent
from models.verdict import Verdict

COLUMNS: Final = (
    "received_day, id, time, source, producer, sequence, actor_type, actor_id, organization, actor_team,"
    " action, resource_type, resource_id, customer_id, outcome, purpose, evidence_ref, recipient,"
    " operation_id, session_id, trace_id, ip, user_agent, item_count, content_bytes, verdict, reason,"
    " clause, policy_version, policy_digest, evidence_used, evidence_version, derived, received_at,"
    " judged_at, topic, partition, offset"
)


class Judged(NamedTuple):
    """An access with its verdict, and the instant and the evidence version it was judged at."""

    event: AccessEvent
    verdict: Verdict
    evidence_version: int
    received_at: datetime
    judged_at: datetime


def row_of(judged: Judged, topic: str, partition: int, offset: int) -> tuple[Any, ...]:
    """Give the values of `COLUMNS` for one access."""
    event, verdict = judged.event, judged.verdict
    return (
        judged.received_at.date(),
        event.id,
        event.time,
        event.source,
        event.producer or "",
        event.sequence or 0,
        event.actor_type,
        event.actor_id,
        event.organization or "",
        event.actor_team or "",
        event.action,
        event.resource_type,
        event.resource_id,
        event.customer_id,
        event.outcome,
        event.purpose or "",
        event.evidence_ref or "",
        event.recipient or "",
        event.operation_id or "",
        event.session_id or "",
        event.trace_id or "",
        event.ip or "",
        event.user_agent or "",
        event.item_count,
        event.content_bytes,
        verdict.outcome,
        verdict.reason,
        verdict.clause or "",
        verdict.policy_version,
        verdict.policy_digest,
        list(verdict.evidence_used),
        judged.evidence_version,
        verdict.derived,
        judged.received_at,
        judged.judged_at,
        topic,
        partition,
        offset,
    )

"""What a webhook's delivery changes: tickets change often, and word of it may arrive late or twice."""

from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from earwitness.registers.config import Register, WebhookSettings
from earwitness.registers.reading import Reader, normal
from models.evidence import EvidenceRecord
from models.publisher import Message
from models.topics import CONTENT_TYPE, EVIDENCE_EVENT_TYPE, EVIDENCE_RECORDS, EVIDENCE_SCHEMA

HOOK_ORIGINS: Final = ("webhook", "actor_statement")

Settled = Literal["recorded", "unchanged", "outdated"]


class Hook(NamedTuple):
    """One webhook, ready to take deliveries."""

    register: Register
    settings: WebhookSettings
    reader: Reader
    secret: bytes


class Settlement(NamedTuple):
    """What becomes of a record, and the record as it is to be published."""

    result: Settled
    record: EvidenceRecord


def settle(record: EvidenceRecord, held: EvidenceRecord | None, now: datetime) -> Settlement:
    """Compare what a delivery tells, at its `recorded_at` or `now`, with what is held.

    Older word than what is held changes nothing. What has ended ends when it first did: a solved
    ticket that is closed days later was over when it was solved. What is still open by the new word
    is open: a contract is extended, a ticket is opened again. `recorded_at` alone is no news.
    """
    if held is None:
        return Settlement("recorded", record)
    if held.recorded_at and record.recorded_at and record.recorded_at < held.recorded_at:
        return Settlement("outdated", record)
    settled = _with_first_end(record, held, record.recorded_at or now)
    same = settled.model_copy(update={"recorded_at": held.recorded_at})
    unchanged = normal(same) == normal(held)
    return Settlement("unchanged" if unchanged else "recorded", settled)


def evidence_message(record: EvidenceRecord, identifier: UUID, source: str) -> Message:
    """Write a record as it travels, with the CloudEvents attributes as headers; `source` put it there."""
    return Message(
        topic=EVIDENCE_RECORDS,
        key=record.ref.encode(),
        value=record.model_dump_json(exclude_defaults=True).encode(),
        headers={
            "content-type": CONTENT_TYPE,
            "ce_specversion": "1.0",
            "ce_type": EVIDENCE_EVENT_TYPE,
            "ce_id": str(identifier),
            "ce_source": source,
            "ce_dataschema": EVIDENCE_SCHEMA,
        },
    )


def _with_first_end(record: EvidenceRecord, held: EvidenceRecord, said_at: datetime) -> EvidenceRecord:
    """Put the end that is held in the place of a later one, where both were over when this was said.

    Another begin is another interval: the end of the one is none of the other.
    """
    if (record.status, record.valid_from) != (held.status, held.valid_from):
        return record
    first = {
        name: before
        for name in ("valid_to", "withdrawn_at")
        if (before := getattr(held, name)) is not None
        and (end := getattr(record, name)) is not None
        and before < end <= said_at
    }
    return EvidenceRecord.model_validate({**record.model_dump(), **first}) if first else record

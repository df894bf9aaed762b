"""Asking the actor: a link that one person can answer by, once, within a week."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from models.access import ResourceType
from models.alerts import entry_id
from models.evidence import EvidenceRecord
from models.fields import EVERY_CUSTOMER

ANSWERED_WITHIN: Final = timedelta(days=7)
_SPOKEN_OF: Final = timedelta(seconds=1)
"""How long such evidence is in force: at the access, and no longer."""

SIGNATURE_BYTES: Final = 16
"""128 bits: nobody guesses one within a week."""

_UUID_BYTES: Final = 16
_TIME_BYTES: Final = 5
LENGTH: Final = 2 * _UUID_BYTES + _TIME_BYTES + SIGNATURE_BYTES


class Question(NamedTuple):
    """What a link is about: an access of an alert. Its source is found with the alert."""

    alert_id: UUID
    access_id: UUID
    expires_at: datetime


def token_of(question: Question, key: bytes) -> str:
    """Write a question as the token of a link: no name in it, and none that another key could have made."""
    seconds = int(question.expires_at.timestamp()).to_bytes(_TIME_BYTES, "big")
    body = question.alert_id.bytes + question.access_id.bytes + seconds
    return base64.urlsafe_b64encode(body + _signature(body, key)).rstrip(b"=").decode()


def question_of(token: str, key: bytes, now: datetime) -> Question | None:
    """Give the question of a token; None for one that is forged, damaged or too old, all alike."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except ValueError:
        return None
    if len(raw) != LENGTH:
        return None
    body, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(body, key)):
        return None
    seconds = int.from_bytes(body[-_TIME_BYTES:], "big")
    question = Question(
        UUID(bytes=body[:_UUID_BYTES]),
        UUID(bytes=body[_UUID_BYTES : 2 * _UUID_BYTES]),
        datetime.fromtimestamp(seconds, UTC),
    )
    return question if now < question.expires_at else None


class Claim(NamedTuple):
    """Who answers about which access."""

    actor_id: str
    customer_id: str
    resource_id: str
    resource_type: ResourceType
    purpose: str | None
    time: datetime


def answer_id(question: Question) -> UUID:
    """Name the entry of the answer: of one question there is one, whichever process takes it."""
    seconds = int(question.expires_at.timestamp())
    return entry_id(question.alert_id, "stated", f"{question.access_id}:{seconds}")


def evidence_of(question: Question, claim: Claim, now: datetime) -> EvidenceRecord:
    """Give the answer as evidence: what the actor says of this one access, and nobody else does.

    It covers the access in every way, so that its origin alone keeps it from justifying. The words stay
    with the alert. The ref ends in the beginning of the entry's id: counting could name two answers alike.
    """
    return EvidenceRecord(
        ref=f"statement:{question.alert_id}:{answer_id(question).hex[:8]}",
        kind="work_order",
        customer_ids=() if claim.customer_id == EVERY_CUSTOMER else (claim.customer_id,),
        resource_types=(claim.resource_type,),
        resource_ids=(claim.resource_id,),
        assignees=(claim.actor_id,),
        purposes=(claim.purpose,) if claim.purpose else (),
        valid_from=claim.time,
        valid_to=claim.time + _SPOKEN_OF,
        origin="actor_statement",
        recorded_by=claim.actor_id,
        recorded_at=now,
    )


def _signature(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, b"earwitness statement\x00" + body, hashlib.sha256).digest()[:SIGNATURE_BYTES]

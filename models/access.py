"""The access event: one touch of protected content, as its producer reports it."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from .fields import (
    AccessInstant,
    ActorId,
    Count,
    CustomerId,
    EventId,
    EvidenceRef,
    Label,
    Name,
    Organization,
    ProducerName,
    Purpose,
    Recipient,
    ResourceId,
    Sequence,
    Source,
    without_nulls,
)

ActorType = Literal["employee", "affiliate", "vendor", "acquirer", "application", "customer", "service"]
Action = Literal[
    "listen",
    "download",
    "read",
    "list",
    "search",
    "export",
    "share",
    "transcribe",
    "update",
    "delete",
    "process",
]
ResourceType = Literal[
    "call_recording",
    "sms_content",
    "ivr_content",
    "call_detail",
    "sms_detail",
    "account_detail",
]
AccessOutcome = Literal["succeeded", "denied", "failed"]

OUTSIDERS: Final = frozenset({"affiliate", "vendor", "acquirer", "application"})
"""Actor types that act for an organization, which the event must then name."""

LARGEST_EVENT_BYTES: Final = 65_536
"""An event within all field limits is smaller, however its characters are escaped."""


def check_organization(actor_type: str, organization: str | None) -> None:
    """Refuse an outsider who does not say whose person or program it is."""
    if organization is None and actor_type in OUTSIDERS:
        msg = f"is required where actor_type is {actor_type}"
        raise ValueError(msg)


class AccessEvent(BaseModel):
    """One touch of protected content by one actor, as its producer reported it.

    Source: topic `access.events.v1`, keyed by `id`, so that copies meet in one partition.
    Shape:  flat; `source` and `id` are the identity of the access; `time` is aware, UTC, from
            the producer's clock; `content_bytes` counts octets served. `customer_id` is `*`
            where many or unknown customers were touched.
    Errors: pydantic's ValidationError, which names each field and what it wants.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: EventId
    time: AccessInstant
    source: Source
    producer: ProducerName | None = None
    sequence: Sequence | None = None
    actor_type: ActorType
    actor_id: ActorId
    organization: Organization | None = Field(default=None, validate_default=True)
    actor_team: Name | None = None
    action: Action
    resource_type: ResourceType
    resource_id: ResourceId
    customer_id: CustomerId
    outcome: AccessOutcome = "succeeded"
    purpose: Purpose | None = None
    evidence_ref: EvidenceRef | None = None
    recipient: Recipient | None = None
    operation_id: Label | None = None
    session_id: Label | None = None
    trace_id: Label | None = None
    ip: Label | None = None
    user_agent: Label | None = None
    item_count: Count | None = None
    content_bytes: Count | None = None

    _null_is_absent = model_validator(mode="before")(without_nulls)

    @field_validator("organization")
    @classmethod
    def _outsiders_name_their_organization(cls, value: str | None, info: ValidationInfo) -> str | None:
        check_organization(info.data.get("actor_type", ""), value)
        return value

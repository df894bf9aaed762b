"""The fields of an access as keyword arguments, so that a type checker knows them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from ._models.access import AccessOutcome, Action, ActorType, ResourceType


class _OptionalFields(TypedDict, total=False):
    id: str | UUID | None
    time: datetime | str | None
    source: str | None
    producer: str | None
    sequence: int | None
    organization: str | None
    actor_team: str | None
    outcome: AccessOutcome | None
    purpose: str | None
    evidence_ref: str | None
    recipient: str | None
    operation_id: str | None
    session_id: str | None
    trace_id: str | None
    ip: str | None
    user_agent: str | None
    item_count: int | None
    content_bytes: int | None


class AccessFields(_OptionalFields):
    """What an access event is made of; `id`, `time`, `source` and the count are filled in where absent."""

    actor_type: ActorType
    actor_id: str
    action: Action
    resource_type: ResourceType
    resource_id: str
    customer_id: str


class KnownFields(_OptionalFields, total=False):
    """What is known of an access before it happens; the rest may follow."""

    actor_type: ActorType
    actor_id: str
    action: Action
    resource_type: ResourceType
    resource_id: str
    customer_id: str


FieldValue = str | int | datetime | UUID | None
CallArguments = Mapping[str, Any]
"""The arguments of a decorated function's call, by parameter name, defaults included."""

FieldSource = FieldValue | Callable[[CallArguments], FieldValue]
"""A field's value, or how to find it in the arguments of a call."""

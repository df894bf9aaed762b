"""The evidence record: what a register says that may justify an access."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from .access import ResourceType
from .fields import (
    ActorId,
    EvidenceRef,
    Instant,
    Name,
    OneCustomerId,
    Organization,
    Purpose,
    ResourceId,
    without_nulls,
)

EvidenceKind = Literal[
    "complaint",
    "work_order",
    "engagement",
    "affiliation",
    "employment",
    "service_account",
    "legal_order",
    "transfer",
    "election",
]
EvidenceStatus = Literal["active", "withdrawn"]
EvidenceOrigin = Literal["register", "import", "webhook", "manual", "actor_statement"]

KINDS_WITH_ALIASES: Final = frozenset({"employment", "affiliation", "engagement", "service_account"})
"""Kinds whose `aliases` make several ids one actor, and which then name exactly one assignee."""

KINDS_OF_A_CUSTOMER_S_WILL: Final = frozenset({"election"})
"""Kinds that tell what customers chose: one that names no customer contradicts itself."""

LARGEST_EVIDENCE_BYTES: Final = 1_000_000

_Strings = Annotated[tuple[Name, ...], Field(strict=False)]


class EvidenceRecord(BaseModel):
    """One version of one piece of evidence, as its register tells it.

    Source: topic `evidence.records.v1`, one partition, compacted, keyed by `ref`; the offset is
            the evidence version. The newest record of a ref replaces the older ones.
    Shape:  in force from `valid_from` (inclusive) up to `valid_to` (exclusive, null is open).
            An empty scope list does not restrict.
    Errors: pydantic's ValidationError, which names each field and what it wants.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    ref: EvidenceRef
    kind: EvidenceKind
    customer_ids: Annotated[tuple[OneCustomerId, ...], Field(strict=False)] = ()
    resource_types: Annotated[tuple[ResourceType, ...], Field(strict=False)] = ()
    resource_ids: Annotated[tuple[ResourceId, ...], Field(strict=False)] = ()
    assignees: Annotated[tuple[ActorId, ...], Field(strict=False)] = ()
    functions: _Strings = ()
    purposes: Annotated[tuple[Purpose, ...], Field(strict=False)] = ()
    teams: _Strings = ()
    aliases: Annotated[tuple[ActorId, ...], Field(strict=False)] = ()
    organization: Organization | None = None
    valid_from: Instant
    valid_to: Instant | None = None
    status: EvidenceStatus = "active"
    withdrawn_at: Instant | None = None
    origin: EvidenceOrigin = "register"
    recorded_by: ActorId | None = None
    recorded_at: Instant | None = None

    _null_is_absent = model_validator(mode="before")(without_nulls)

    @field_validator("aliases")
    @classmethod
    def _aliases_are_of_one_actor(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        kind = info.data.get("kind")
        if value and kind in KINDS_WITH_ALIASES and len(set(info.data.get("assignees", ()))) != 1:
            msg = f"a record of kind {kind} with aliases names exactly one assignee"
            raise ValueError(msg)
        return value

    @field_validator("valid_to")
    @classmethod
    def _ends_after_it_begins(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        begin = info.data.get("valid_from")
        if value is not None and begin is not None and value < begin:
            msg = "lies before valid_from"
            raise ValueError(msg)
        return value

    @field_validator("withdrawn_at")
    @classmethod
    def _only_the_withdrawn_were_withdrawn(
        cls, value: datetime | None, info: ValidationInfo
    ) -> datetime | None:
        if value is not None and info.data.get("status") == "active":
            msg = "is allowed with status withdrawn only"
            raise ValueError(msg)
        return value


def contradiction_in(record: EvidenceRecord) -> tuple[str, str] | None:
    """Name the field by which a record contradicts itself, and what is wanted there; None where it does not.

    Whoever takes evidence in (the SDK, the commands, webhooks, the workers) refuses such a record, and
    the older one of its ref stays. The judge does not ask: what it is given, it judges.
    """
    if record.kind in KINDS_OF_A_CUSTOMER_S_WILL and not record.customer_ids:
        return "customer_ids", f"must name who made the {record.kind}: one without a customer is nobody's"
    return None

"""The evidence record: what a register says that may justify an access."""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .access import ResourceType
from .fields import ActorId, EvidenceRef, Instant, Name, OneCustomerId, Organization, Purpose, ResourceId

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

LONGEST_LIST: Final = 10_000
LARGEST_EVIDENCE_BYTES: Final = 1_000_000

_Strings = Annotated[tuple[Name, ...], Field(max_length=LONGEST_LIST, strict=False)]


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
    customer_ids: Annotated[tuple[OneCustomerId, ...], Field(max_length=LONGEST_LIST, strict=False)] = ()
    resource_types: Annotated[tuple[ResourceType, ...], Field(max_length=LONGEST_LIST, strict=False)] = ()
    resource_ids: Annotated[tuple[ResourceId, ...], Field(max_length=LONGEST_LIST, strict=False)] = ()
    assignees: Annotated[tuple[ActorId, ...], Field(max_length=LONGEST_LIST, strict=False)] = ()
    functions: _Strings = ()
    purposes: Annotated[tuple[Purpose, ...], Field(max_length=LONGEST_LIST, strict=False)] = ()
    teams: _Strings = ()
    aliases: Annotated[tuple[ActorId, ...], Field(max_length=LONGEST_LIST, strict=False)] = ()
    organization: Organization | None = None
    valid_from: Instant
    valid_to: Instant | None = None
    status: EvidenceStatus = "active"
    withdrawn_at: Instant | None = None
    origin: EvidenceOrigin = "register"
    recorded_by: ActorId | None = None
    recorded_at: Instant | None = None

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        if isinstance(value, dict):
            return {name: field for name, field in value.items() if field is not None}
        return value

    @model_validator(mode="after")
    def _says_nothing_contradictory(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            msg = "valid_to lies before valid_from"
            raise ValueError(msg)
        if self.withdrawn_at is not None and self.status != "withdrawn":
            msg = "withdrawn_at is allowed with status withdrawn only"
            raise ValueError(msg)
        if self.aliases and self.kind in KINDS_WITH_ALIASES and len(set(self.assignees)) != 1:
            msg = f"a record of kind {self.kind} with aliases names exactly one assignee"
            raise ValueError(msg)
        return self

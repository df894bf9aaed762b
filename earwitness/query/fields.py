"""The fields by which the trail can be asked, with their short names and what their values may be."""

import difflib
from typing import Final, Literal, NamedTuple, get_args

from models.access import AccessOutcome, Action, ActorType, ResourceType
from models.verdict import Outcome, Reason

FieldKind = Literal["text", "choice", "uuid", "number", "flag", "list", "instant", "position"]


class Field(NamedTuple):
    """One field of the trail. `choices` are its only values, where it has a closed set of them."""

    name: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    nullable: bool = False


_CHOICES: Final = {
    "actor_type": get_args(ActorType),
    "action": get_args(Action),
    "resource_type": get_args(ResourceType),
    "outcome": get_args(AccessOutcome),
    "verdict": get_args(Outcome),
    "reason": get_args(Reason),
}
_TEXTS: Final = (
    "source",
    "producer",
    "actor_id",
    "organization",
    "actor_team",
    "resource_id",
    "customer_id",
    "purpose",
    "evidence_ref",
    "recipient",
    "operation_id",
    "session_id",
    "trace_id",
    "ip",
    "user_agent",
    "clause",
    "policy_version",
    "policy_digest",
)

FIELDS: Final = {
    field.name: field
    for field in (
        Field("id", "uuid"),
        *(Field(name, "choice", choices) for name, choices in _CHOICES.items()),
        *(Field(name, "text") for name in _TEXTS),
        Field("sequence", "number"),
        Field("item_count", "number", nullable=True),
        Field("content_bytes", "number", nullable=True),
        Field("evidence_version", "number"),
        Field("evidence_used", "list"),
        Field("stale_registers", "list"),
        Field("derived", "flag"),
        Field("late", "flag"),
        Field("time", "instant"),
        Field("received_at", "instant"),
        Field("judged_at", "instant"),
        Field("recorded_at", "instant"),
        Field("position", "position"),
    )
}
"""Every field of a row of the trail by which it can be found, by name."""

ALIASES: Final = {
    "actor": "actor_id",
    "bytes": "content_bytes",
    "customer": "customer_id",
    "evidence": "evidence_ref",
    "items": "item_count",
    "operation": "operation_id",
    "org": "organization",
    "policy": "policy_version",
    "resource": "resource_id",
    "session": "session_id",
    "stale_register": "stale_registers",
    "team": "actor_team",
    "trace": "trace_id",
    "type": "resource_type",
    "used": "evidence_used",
}
"""Short names, for those who type."""


def find_field(name: str) -> Field | None:
    """Give the field of that name or short name; None where there is none."""
    return FIELDS.get(ALIASES.get(name, name))


def closest(word: str, known: tuple[str, ...]) -> str | None:
    """Give the one of `known` that was most likely meant by `word`; None where nothing is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.55)
    return near[0] if near else None

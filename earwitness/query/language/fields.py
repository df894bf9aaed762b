"""The fields by which the trail can be asked: their short names, their meaning, what their values may be."""

import difflib
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, get_args

from models.access import AccessEvent, AccessOutcome, Action, ActorType, ResourceType
from models.verdict import Outcome, Reason

FieldKind = Literal["text", "choice", "uuid", "number", "flag", "list", "instant", "position"]

Absence = Literal["never", "empty", "zero", "null"]
"""How the store holds a value that is not there: it always is, or as empty text (or list), as 0, as null."""


class Field(NamedTuple):
    """One field of the trail. `choices` are its only values, where it has a closed set of them."""

    name: str
    kind: FieldKind
    meaning: str
    choices: tuple[str, ...] = ()
    absence: Absence = "never"


_CHOICES: Final = (
    Field("actor_type", "choice", "what kind of actor it was", get_args(ActorType)),
    Field("action", "choice", "what was done", get_args(Action)),
    Field("resource_type", "choice", "what kind of content was touched", get_args(ResourceType)),
    Field("outcome", "choice", "whether the attempt succeeded", get_args(AccessOutcome)),
    Field("verdict", "choice", "the newest verdict", get_args(Outcome)),
    Field("reason", "choice", "why it has that verdict", get_args(Reason)),
)
_TEXTS: Final = {
    "source": "the service that saw it",
    "producer": "the instance of the source",
    "actor_id": "who it was",
    "organization": "whose person or program the actor is",
    "actor_team": "the team that the producer claims",
    "resource_id": "the recording, message or account that was touched",
    "customer_id": "whose content it is; * where it was of many or unknown customers",
    "purpose": "what the actor declared",
    "evidence_ref": "what the actor cited",
    "recipient": "the organization outside that the content went to",
    "operation_id": "the operation it was part of",
    "session_id": "the session it was part of",
    "trace_id": "the trace it was part of",
    "ip": "the address it came from",
    "user_agent": "the program it came from",
    "clause": "the clause of the policy that covers it, or that it breaks",
    "policy_version": "the policy version it was judged by",
    "policy_digest": "the digest of that policy",
}


def _absence(name: str) -> Absence:
    """Say how a text is absent: never, where the contract requires it."""
    described = AccessEvent.model_fields.get(name)
    return "never" if described is not None and described.is_required() else "empty"


FIELDS: Final = {
    field.name: field
    for field in (
        Field("id", "uuid", "the id of the access"),
        *_CHOICES,
        *(Field(name, "text", meaning, absence=_absence(name)) for name, meaning in _TEXTS.items()),
        Field("sequence", "number", "the producer's own count", absence="zero"),
        Field("item_count", "number", "how many things were touched", absence="null"),
        Field("content_bytes", "number", "how many octets were served", absence="null"),
        Field("evidence_version", "number", "the newest evidence that the judge knew"),
        Field("evidence_used", "list", "the evidence that justifies it", absence="empty"),
        Field("stale_registers", "list", "registers that were overdue when it was judged", absence="empty"),
        Field("derived", "flag", "whether its purpose was derived and not declared"),
        Field("late", "flag", "whether its verdict changed later"),
        Field("time", "instant", "when it happened"),
        Field("received_at", "instant", "when the broker received it"),
        Field("judged_at", "instant", "when it was last judged"),
        Field("recorded_at", "instant", "when it was recorded"),
        Field("position", "position", "where it is on Kafka: topic/partition/offset"),
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

SEARCHED_IDS: Final = (
    "id",
    "actor_id",
    "customer_id",
    "resource_id",
    "evidence_ref",
    "operation_id",
    "session_id",
    "trace_id",
)
"""The fields that free text is looked for in."""

_MEANT: Final = {
    "after": "time:>=",
    "before": "time:<",
    "contract": "evidence:contract:",
    "created": "time",
    "date": "time",
    "from": "time:>=",
    "since": "time:>=",
    "status": "verdict",
    "ticket": "evidence:ticket:",
    "until": "time:<",
    "user": "actor",
    "vendor": "organization",
    "when": "time",
    "who": "actor",
}
"""What other searches call them."""


def find_field(name: str) -> Field | None:
    """Give the field of that name or short name; None where there is none."""
    return FIELDS.get(ALIASES.get(name, name))


def meant_field(name: str) -> str | None:
    """Give the beginning of the term that somebody who wrote the unknown field `name` most likely meant."""
    meant = find_field(name.lower()) and name.lower()
    return meant or _MEANT.get(name.lower()) or closest(name.lower(), (*FIELDS, *ALIASES))


def field_with_choice(word: str) -> Field | None:
    """Give the first field that has `word` as one of its few values; None where none has."""
    return next((field for field in _CHOICES[::-1] if word in field.choices), None)


def closest(word: str, known: Iterable[str]) -> str | None:
    """Give the one of `known` that was most likely meant by `word`; None where nothing is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.55)
    return near[0] if near else None

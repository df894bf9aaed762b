"""Dead letters: what could not be accepted, with its reason, position and bytes."""

from datetime import datetime
from typing import Literal, NamedTuple

from .publisher import Headers

DeadLetterReason = Literal[
    "not_json",
    "not_an_object",
    "invalid_field",
    "unknown_field",
    "too_large",
    "time_in_future",
    "id_conflict",
    "rejected_by_store",
]
"""`id_conflict`: the identity of a stored access, with other content; `rejected_by_store`: an access that
the contract allows and the store will never take."""


class Position(NamedTuple):
    """Where on Kafka a record stands; as text `topic/partition/offset`."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class DeadLetter(NamedTuple):
    """One record that was refused. `value`, `key` and `headers` are what it came with, untouched."""

    reason: DeadLetterReason
    detail: str
    fields: tuple[str, ...]
    position: Position
    received_at: datetime
    key: bytes | None
    value: bytes
    headers: Headers = ()

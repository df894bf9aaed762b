"""Questions about dead letters: what could not be accepted, why, and its bytes."""

import base64
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, get_args

from earwitness.query.conditions import Parameters
from earwitness.query.language.fields import closest
from earwitness.query.rows import plain
from earwitness.query.store import Store
from models.dead_letter import DeadLetterReason, Position
from models.errors import QueryRejected
from models.publisher import Headers

REASONS: Final = get_args(DeadLetterReason)
MOST_AT_ONCE: Final = 100
"""Letters whose bytes are given in one answer."""

_SUMMARY: Final = (
    "topic, partition, offset, received_at, reason, detail, fields,"
    " length(dead_letters.value) AS byte_count, recorded_at"
)
_BYTES: Final = (
    "base64Encode(dead_letters.key) AS key, base64Encode(dead_letters.value) AS value,"
    " arrayMap(header -> (header.1, base64Encode(header.2)), dead_letters.headers) AS headers"
)
Letter = dict[str, Any]


class WholeLetter(NamedTuple):
    """A dead letter with the bytes and headers it had on Kafka."""

    summary: Letter
    key: bytes | None
    value: bytes
    headers: Headers


class DeadLetters:
    """The named questions about dead letters."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest(self, *, reason: str, limit: int) -> list[Letter]:
        """List the newest letters, of one reason or, where it is empty, of any."""
        _check_reason(reason)
        answer = self._store.ask(
            f"SELECT {_SUMMARY} FROM dead_letters"  # noqa: S608 - constants
            " WHERE {reason:String} = '' OR reason = {reason:String}"
            " ORDER BY dead_letters.received_at DESC, topic, partition, offset DESC"
            " LIMIT 1 BY topic, partition, offset LIMIT {limit:UInt32}",
            {"reason": reason, "limit": limit},
        )
        return [_summary(record) for record in answer.records()]

    def at(self, positions: Sequence[Position]) -> list[WholeLetter]:
        """Give the letters at these positions that there are, with their bytes.

        Raises `QueryRejected` where more are asked for than one answer gives.
        """
        if len(positions) > MOST_AT_ONCE:
            raise QueryRejected(
                f"{len(positions)} dead letters were asked for", f"ask for at most {MOST_AT_ONCE} at once"
            )
        parameters = Parameters()
        places = [_place(position, parameters) for position in positions]
        answer = self._store.ask(
            f"SELECT {_SUMMARY}, {_BYTES}"  # noqa: S608 - constants and placeholders
            f" FROM dead_letters WHERE {' OR '.join(places) or '0'}"
            " ORDER BY topic, partition, offset LIMIT 1 BY topic, partition, offset",
            parameters.values,
        )
        return [_whole(record) for record in answer.records()]


def parse_position(text: str) -> Position:
    """Read `topic/partition/offset`. Raises `QueryRejected` where it is something else."""
    match text.split("/"):
        case [topic, partition, offset] if topic and all(
            part.isascii() and part.isdigit() and len(part) <= 18 for part in (partition, offset)
        ):
            return Position(topic, int(partition), int(offset))
        case _:
            raise QueryRejected(
                f"{text!r} is no position", "write topic/partition/offset, as access.events.v1/3/1204"
            )


def _place(position: Position, parameters: Parameters) -> str:
    topic = parameters.add(position.topic, "String")
    partition = parameters.add(position.partition, "Int64")
    offset = parameters.add(position.offset, "Int64")
    return f"(topic = {topic} AND partition = {partition} AND offset = {offset})"


def _check_reason(reason: str) -> None:
    if reason and reason not in REASONS:
        near = closest(reason, REASONS)
        meant = f"did you mean {near}? " if near else ""
        raise QueryRejected(
            f"{reason!r} is no reason of a dead letter", f"{meant}the reasons are {', '.join(REASONS)}"
        )


def _summary(record: dict[str, Any]) -> Letter:
    position = Position(record.pop("topic"), record.pop("partition"), record.pop("offset"))
    return {"position": str(position), **plain(record)}


def _whole(record: dict[str, Any]) -> WholeLetter:
    key = base64.b64decode(record.pop("key"))
    value = base64.b64decode(record.pop("value"))
    headers = tuple((name, base64.b64decode(header)) for name, header in record.pop("headers"))
    position = Position(record.pop("topic"), record.pop("partition"), record.pop("offset"))
    return WholeLetter({"position": str(position), **plain(record)}, key or None, value, headers)

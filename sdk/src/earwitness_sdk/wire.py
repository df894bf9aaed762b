"""The bytes that travel: compact JSON, with the CloudEvents 1.0 attributes as headers (binary mode)."""

import json
from collections.abc import ItemsView, Iterator, Mapping
from datetime import datetime
from typing import Final, Self

from pydantic import BaseModel

from ._models.access import AccessEvent
from ._models.evidence import LARGEST_EVIDENCE_BYTES, EvidenceRecord
from ._models.fields import format_time, parse_time
from ._models.topics import (
    ACCESS_EVENT_TYPE,
    ACCESS_EVENTS,
    ACCESS_SCHEMA,
    CONTENT_TYPE,
    EVIDENCE_EVENT_TYPE,
    EVIDENCE_RECORDS,
    EVIDENCE_SCHEMA,
)
from .errors import InvalidEvent
from .ids import IdMaker
from .outbox import Outgoing

SPEC_VERSION: Final = "1.0"
REGISTERS: Final = "/earwitness/registers"
"""The CloudEvents source of evidence; the record itself says who entered it."""

_PUT_IDS: Final = IdMaker()


class EventHeaders(Mapping[str, str]):
    """The CloudEvents attributes of one access event.

    They are put together by whoever reads them, not by whoever records. On disk `schema` is enough: the
    version of the contract that the event was written by; the rest is in its value.
    """

    __slots__ = ("_id", "_source", "_time", "schema")

    def __init__(self, schema: str, event_id: str, source: str, time: datetime) -> None:
        self.schema = schema
        self._id = event_id
        self._source = source
        self._time = time

    @classmethod
    def of_value(cls, schema: str, value: bytes) -> Self:
        """Find the rest in what `access_record` wrote. Raises ValueError where that did not write it."""
        try:
            event = json.loads(value)
            return cls(schema, event["id"], event["source"], parse_time(event["time"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no access event: {error}") from error

    def __getitem__(self, name: str) -> str:
        return self._written()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._written())

    def __len__(self) -> int:
        return len(self._written())

    def items(self) -> ItemsView[str, str]:
        """Give all of them, put together once."""
        return self._written().items()

    def _written(self) -> dict[str, str]:
        return {
            "content-type": CONTENT_TYPE,
            "ce_specversion": SPEC_VERSION,
            "ce_type": ACCESS_EVENT_TYPE,
            "ce_id": self._id,
            "ce_source": self._source,
            "ce_time": format_time(self._time),
            "ce_dataschema": self.schema,
        }


def access_record(event: AccessEvent) -> Outgoing:
    """Write an event as the record that travels, keyed by its id."""
    return Outgoing(
        topic=ACCESS_EVENTS,
        key=event.id.encode(),
        value=_compact(event),
        headers=EventHeaders(ACCESS_SCHEMA, event.id, event.source, event.time),
    )


def evidence_record(record: EvidenceRecord) -> Outgoing:
    """Write an evidence record as the record that travels, keyed by its ref.

    Raises `InvalidEvent` where it is larger than a register may tell.
    """
    value = _compact(record)
    if len(value) > LARGEST_EVIDENCE_BYTES:
        raise InvalidEvent(
            [("line", f"is {len(value)} bytes of JSON; at most {LARGEST_EVIDENCE_BYTES} are allowed")]
        )
    return Outgoing(
        topic=EVIDENCE_RECORDS,
        key=record.ref.encode(),
        value=value,
        headers={
            "content-type": CONTENT_TYPE,
            "ce_specversion": SPEC_VERSION,
            "ce_type": EVIDENCE_EVENT_TYPE,
            "ce_id": _PUT_IDS.new(),
            "ce_source": REGISTERS,
            "ce_dataschema": EVIDENCE_SCHEMA,
        },
    )


def _compact(model: BaseModel) -> bytes:
    return model.__pydantic_serializer__.to_json(model, exclude_unset=True)

"""The bytes that travel: compact JSON, with the CloudEvents 1.0 attributes as headers (binary mode)."""

import json
from datetime import datetime
from typing import Final

from pydantic import BaseModel

from ._models.access import AccessEvent
from ._models.evidence import LARGEST_EVIDENCE_BYTES, EvidenceRecord
from ._models.fields import EPOCH, format_time
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
from .outbox import LateHeaders, Outgoing

SPEC_VERSION: Final = "1.0"
REGISTERS: Final = "/earwitness/registers"
"""The CloudEvents source of evidence; the record itself says who entered it."""

_PUT_IDS: Final = IdMaker()


class EventHeaders(LateHeaders):
    """The CloudEvents attributes of one access event."""

    __slots__ = ("_id", "_source", "_time")

    def __init__(self, event_id: str, source: str, time: datetime) -> None:
        self._id = event_id
        self._source = source
        self._time = time

    def written(self) -> dict[str, str]:
        """Put them together."""
        return {
            "content-type": CONTENT_TYPE,
            "ce_specversion": SPEC_VERSION,
            "ce_type": ACCESS_EVENT_TYPE,
            "ce_id": self._id,
            "ce_source": self._source,
            "ce_time": format_time(self._time),
            "ce_dataschema": ACCESS_SCHEMA,
        }

    @property
    def json_bytes(self) -> int:
        """How many bytes they take as compact JSON: a source is ASCII without anything to escape."""
        return _SHORTEST_HEADERS_BYTES + len(self._source)


_SHORTEST_HEADERS_BYTES: Final = len(
    json.dumps(EventHeaders(_PUT_IDS.new(), "", EPOCH).written(), separators=(",", ":"))
)


def access_record(event: AccessEvent) -> Outgoing:
    """Write an event as the record that travels, keyed by its id."""
    return Outgoing(
        topic=ACCESS_EVENTS,
        key=event.id.encode(),
        value=_compact(event),
        headers=EventHeaders(event.id, event.source, event.time),
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

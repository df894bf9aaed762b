"""From a call's arguments to the bytes of an event."""

import json
import os
import secrets
import socket
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from ._models.access import AccessEvent
from ._models.evidence import EvidenceRecord
from ._models.fields import format_time
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
from .pseudonyms import Pseudonyms

LONGEST_USER_AGENT: Final = 256
LONGEST_PRODUCER: Final = 128


M = TypeVar("M", bound=BaseModel)


class Numbering:
    """One running instance of a service: its name, and the contiguous count of its events."""

    def __init__(self) -> None:
        host = socket.gethostname()[: LONGEST_PRODUCER - 40]
        self._lock = threading.Lock()
        self._host = host
        self._restart()

    def next(self) -> tuple[str, int]:
        """Give the producer's name and the number of its next event."""
        with self._lock:
            if self._pid != os.getpid():
                # A forked child is an instance of its own, with a count of its own.
                self._restart()
            self._count += 1
            return self._producer, self._count

    def _restart(self) -> None:
        self._pid = os.getpid()
        self._producer = f"{self._host}-{self._pid}-{secrets.token_hex(4)}"
        self._count = 0


class EventMaker:
    """Fills in what a caller need not say: id, time, source."""

    def __init__(self, source: str | None) -> None:
        self._source = source
        self._ids = IdMaker()

    def make(self, fields: Mapping[str, Any]) -> AccessEvent:
        """Make one event. Raises `InvalidEvent` that names each field and what it wants."""
        filled = {name: value for name, value in fields.items() if value is not None}
        filled.setdefault("id", self._ids.new())
        filled.setdefault("time", datetime.now(UTC))
        if self._source is not None:
            filled.setdefault("source", self._source)
        if isinstance(filled.get("user_agent"), str):
            filled["user_agent"] = filled["user_agent"][:LONGEST_USER_AGENT]
        return validated(AccessEvent, filled)


def validated(model: type[M], fields: Mapping[str, Any]) -> M:
    """Validate fields as `model`. Raises `InvalidEvent`."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise InvalidEvent(faults_of(error)) from error


def checked(model: type[M], given: Mapping[str, Any] | bytes, pseudonyms: Pseudonyms | None) -> M:
    """Read a whole event or record, given as fields or as JSON. Raises `InvalidEvent`."""
    if isinstance(given, bytes):
        if pseudonyms is None:
            try:
                return model.model_validate_json(given)
            except ValidationError as error:
                raise InvalidEvent(faults_of(error)) from error
        given = _object(given)
    return validated(model, given if pseudonyms is None else pseudonyms.applied(given))


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise InvalidEvent([("line", f"Invalid JSON: {error}")]) from error
    if not isinstance(parsed, dict):
        raise InvalidEvent([("line", "must be a JSON object")])
    return parsed


def faults_of(error: ValidationError) -> list[tuple[str, str]]:
    """Say in (field, what it wants) what pydantic found."""
    found = []
    for fault in error.errors(include_url=False):
        field = ".".join(str(part) for part in fault["loc"]) or "event"
        message = "there is no such field" if fault["type"] == "extra_forbidden" else fault["msg"]
        found.append((field, message.removeprefix("Value error, ")))
    return found


def access_record(event: AccessEvent) -> Outgoing:
    """Write an event as the record that travels: compact JSON, CloudEvents attributes as headers."""
    return Outgoing(
        topic=ACCESS_EVENTS,
        key=event.id.encode(),
        value=_compact(event),
        headers={
            "content-type": CONTENT_TYPE,
            "ce_specversion": "1.0",
            "ce_type": ACCESS_EVENT_TYPE,
            "ce_id": event.id,
            "ce_source": event.source,
            "ce_time": format_time(event.time),
            "ce_dataschema": ACCESS_SCHEMA,
        },
    )


def evidence_record(record: EvidenceRecord) -> Outgoing:
    """Write an evidence record as the record that travels."""
    return Outgoing(
        topic=EVIDENCE_RECORDS,
        key=record.ref.encode(),
        value=_compact(record),
        headers={
            "content-type": CONTENT_TYPE,
            "ce_specversion": "1.0",
            "ce_type": EVIDENCE_EVENT_TYPE,
            "ce_id": secrets.token_hex(16),
            "ce_source": "/earwitness/registers",
            "ce_subject": record.ref,
            "ce_dataschema": EVIDENCE_SCHEMA,
        },
    )


def _compact(model: BaseModel) -> bytes:
    fields = model.model_dump(exclude_defaults=True)
    for name, value in fields.items():
        if isinstance(value, datetime):
            fields[name] = format_time(value)
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()

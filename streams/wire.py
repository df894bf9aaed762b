"""From the bytes of a record to an access: the contract's fast path.

`AccessEvent` is the schema of record. A msgspec Struct with the same fields, types and limits is
derived from it, because decoding through the model would take most of a worker's time. Whatever
the Struct or the rules after it refuse is read once more through the model, which alone decides
and says why; property tests hold that the two accept the same and mean the same.
"""

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from models.access import LARGEST_EVENT_BYTES, AccessEvent, check_organization
from models.errors import MalformedEvent
from models.evidence import LARGEST_EVIDENCE_BYTES, EvidenceRecord, contradiction_in
from models.fields import (
    LATEST_TIME,
    check_customer,
    check_identifier,
    check_one,
    check_uri_reference,
    check_uuid,
    parse_access_time,
    parse_time,
)
from models.topics import ACCESS_SCHEMA

SCHEMA_HEADER: Final = "ce_dataschema"
LONGEST_DETAIL: Final = 1_000
TOMBSTONE: Final = (
    "an empty record; evidence is withdrawn, not deleted. Have its register put the ref again within 7 days:"
    " then Kafka deletes the older record, and workers that start afterwards do not know it"
)

Headers = Sequence[tuple[str, bytes]]

_SCHEMA_VERSION = re.compile(r"(?P<name>.*?)(?P<version>[0-9]{1,9})")
_BOUNDS: Final = ("min_length", "max_length", "ge", "le")


def _bounds(metadata: Iterable[Any]) -> dict[str, int]:
    """Collect the limits among pydantic's constraints, under msgspec's names, which are the same."""
    found: dict[str, int] = {}
    for constraint in metadata:
        if isinstance(constraint, FieldInfo):
            found |= _bounds(constraint.metadata)
            continue
        for bound in _BOUNDS:
            value = getattr(constraint, bound, None)
            if value is not None:
                found[bound] = value
    return found


def _narrowed(annotation: Any, metadata: Iterable[Any]) -> Any:  # noqa: ANN401 - annotations have no common type
    """Translate one annotation of the model to what msgspec checks: JSON type and limits."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return Union[tuple(_narrowed(part, ()) for part in get_args(annotation))]  # noqa: UP007 - parts are computed
    if origin is Annotated:
        base, *inner = get_args(annotation)
        return _narrowed(base, inner)
    if origin is Literal or annotation is NoneType:
        return annotation
    base = int if annotation is int else str
    bounds = _bounds(metadata)
    if not bounds:
        return base
    return Annotated[base, msgspec.Meta(**bounds)]  # type: ignore[call-overload] # limits of the model


def struct_of(model: type[BaseModel]) -> type[msgspec.Struct]:
    """Derive the Struct that decodes what `model` accepts, apart from the rules that follow it.

    What is absent is None, and is left out where the Struct is encoded.
    """
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for name, field in model.model_fields.items():
        narrowed = _narrowed(field.annotation, field.metadata)
        if field.is_required():
            fields.append((name, narrowed))
        else:
            fields.append((name, narrowed | None, None))
    return msgspec.defstruct(
        f"{model.__name__}Struct",
        fields,
        forbid_unknown_fields=True,
        omit_defaults=True,
        kw_only=True,
        gc=False,
    )


AccessStruct: Final[Any] = struct_of(AccessEvent)
"""The fast twin of `AccessEvent`: same attributes, `time` an aware datetime once read."""

_decode_access = msgspec.json.Decoder(AccessStruct).decode
_CHECKED: Final = "+*"
"""How an id begins that `check_identifier` may refuse."""

_known_source = lru_cache(maxsize=4_096)(check_uri_reference)


def read_access(value: bytes, headers: Headers) -> tuple[Any, str]:
    """Read one record as an access: its event, and what only a newer contract names, as JSON.

    Raises `MalformedEvent` with the dead-letter reason and the fields at fault.
    """
    if len(value) > LARGEST_EVENT_BYTES:
        raise MalformedEvent("too_large", f"{len(value)} bytes; at most {LARGEST_EVENT_BYTES} are accepted")
    try:
        event = _decode_access(value)
        _apply_rules(event)
    except (msgspec.DecodeError, ValueError):
        # msgspec.ValidationError is a DecodeError; UnicodeDecodeError is a ValueError.
        return _read_slowly(value, headers)
    return event, ""


def _apply_rules(event: Any) -> None:  # noqa: ANN401 - a generated Struct
    """Apply the model's own rules to a decoded Struct; ValueError where one is broken."""
    event.id = check_uuid(event.id)
    event.time = parse_access_time(event.time)
    _known_source(event.source)
    # Most begin as nothing does that may not stand there: a call each would take as long as reading the JSON.
    if event.actor_id[0] in _CHECKED:
        check_identifier(event.actor_id)
    if event.resource_id[0] in _CHECKED:
        check_identifier(event.resource_id)
    if event.customer_id[0] in _CHECKED:
        check_customer(event.customer_id)
    if event.recipient is not None:
        check_identifier(event.recipient)
    if event.organization is None:
        check_organization(event.actor_type, None)
    else:
        check_one(event.organization)
    if event.outcome is None:
        event.outcome = "succeeded"


def _read_slowly(value: bytes, headers: Headers) -> tuple[Any, str]:
    try:
        return _as_struct(AccessEvent.model_validate_json(value)), ""
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
    if all(fault["loc"] == ("time",) and _is_beyond(fault["input"]) for fault in faults):
        raise MalformedEvent("time_in_future", f"time {faults[0]['input']} lies centuries ahead", ("time",))
    unknown = [str(fault["loc"][0]) for fault in faults if fault["type"] == "extra_forbidden"]
    if unknown and len(unknown) == len(faults) and _names_newer_schema(headers):
        return _without(value, unknown)
    raise _refusal(faults)


def read_known(value: bytes) -> AccessEvent:
    """Read again what an accepted record says in the fields that we know."""
    fields = json.loads(value)
    return AccessEvent.model_validate(
        {name: fields[name] for name in AccessEvent.model_fields if name in fields}
    )


def _without(value: bytes, unknown: Sequence[str]) -> tuple[Any, str]:
    """Read an event of a newer contract: what we know of it, and the rest kept as JSON."""
    fields = json.loads(value)
    kept = {name: fields.pop(name) for name in unknown}
    event = AccessEvent.model_validate_json(json.dumps(fields))
    try:
        rest = json.dumps(kept, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise MalformedEvent("not_json", f"a number that JSON has no place for: {error}") from error
    return _as_struct(event), rest


def _as_struct(event: AccessEvent) -> Any:  # noqa: ANN401 - a generated Struct
    return AccessStruct(**{name: getattr(event, name) for name in AccessEvent.model_fields})


def _is_beyond(time: object) -> bool:
    """Say whether a time is one, only later than the store can hold."""
    try:
        return isinstance(time, str) and parse_time(time) > LATEST_TIME
    except ValueError:
        return False


def _names_newer_schema(headers: Headers) -> bool:
    ours = _SCHEMA_VERSION.fullmatch(ACCESS_SCHEMA)
    named = next((value for name, value in headers or () if name == SCHEMA_HEADER), None)
    theirs = _SCHEMA_VERSION.fullmatch(named.decode("utf-8", "replace")) if named else None
    if ours is None or theirs is None:
        return False
    return theirs["name"] == ours["name"] and int(theirs["version"]) > int(ours["version"])


def _refusal(faults: Sequence[ErrorDetails]) -> MalformedEvent:
    detail = "; ".join(f"{_place(fault)}: {fault['msg']}" for fault in faults)[:LONGEST_DETAIL]
    fields = tuple(dict.fromkeys(str(fault["loc"][0]) for fault in faults if fault["loc"]))
    kinds = {fault["type"] for fault in faults}
    if "json_invalid" in kinds:
        return MalformedEvent("not_json", detail)
    if kinds & {"model_type", "model_attributes_type", "dict_type"} and not fields:
        return MalformedEvent("not_an_object", detail)
    if kinds == {"extra_forbidden"}:
        return MalformedEvent("unknown_field", detail, fields)
    return MalformedEvent("invalid_field", detail, fields)


def _place(fault: ErrorDetails) -> str:
    return ".".join(str(part) for part in fault["loc"]) or "record"


def read_keyed_evidence(key: bytes | None, value: bytes | None) -> EvidenceRecord:
    """Read one record of the evidence topic, whose key must be its ref: compaction goes by the key.

    Raises `MalformedEvent` as `read_evidence` does, and for a record that contradicts itself.
    """
    record = read_evidence(value)
    contradiction = contradiction_in(record)
    if contradiction is not None:
        field, wanted = contradiction
        raise MalformedEvent("invalid_field", f"{field}: {wanted}", (field,))
    if key != record.ref.encode():
        raise MalformedEvent("invalid_field", "ref: must be the key of the Kafka record as well", ("ref",))
    return record


def read_evidence(value: bytes | None) -> EvidenceRecord:
    """Read one evidence record.

    Raises `MalformedEvent` with the dead-letter reason and the fields at fault; a tombstone is
    refused too, for evidence is withdrawn, never deleted.
    """
    if value is None:
        raise MalformedEvent("not_json", TOMBSTONE)
    if len(value) > LARGEST_EVIDENCE_BYTES:
        raise MalformedEvent(
            "too_large", f"{len(value)} bytes; at most {LARGEST_EVIDENCE_BYTES} are accepted"
        )
    try:
        return EvidenceRecord.model_validate_json(value)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False, include_context=False)) from error


def event_fields(event: Any) -> dict[str, Any]:  # noqa: ANN401 - a generated Struct
    """Give the set fields of an event as JSON types, times as `datetime`."""
    return {name: value for name, value in msgspec.structs.asdict(event).items() if value is not None}

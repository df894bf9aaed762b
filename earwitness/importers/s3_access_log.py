"""S3 server access logs as access events.

Pure: bytes and a mapping in, an event or the reason why there is none out. The same record gives
the same event wherever and whenever it is read, so importing a log again adds nothing.
"""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, Literal, NamedTuple
from uuid import UUID, uuid5

from pydantic import ValidationError

from models.access import AccessEvent, AccessOutcome

from .s3_mapping import DEFAULT_ACTIONS, RequesterRule, ResourceRule, S3Mapping, touches_no_content
from .s3_record import LONGEST_LINE_BYTES, S3Record, parse_line

Reason = Literal[
    "not_a_record",
    "unknown_operation",
    "unmapped_bucket",
    "unmapped_key",
    "unmapped_requester",
    "invalid_field",
    "no_content",
    "ignored",
]
HARMLESS: Final[frozenset[Reason]] = frozenset({"no_content", "ignored"})
"""Reasons that leave no access out: the operation touches no content, or the mapping ignores it."""

NAMESPACE: Final = UUID("6f1d9e0a-52c1-5d0b-9a53-0c8b6f5e2d17")
"""The namespace of the ids made here. Changing it would make every import new."""

LONGEST_USER_AGENT: Final = 256
DENIED: Final = frozenset({401, 403})

_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])\+([0-9]{8,15})(?![0-9])|\A ([0-9]{8,15})\Z")
"""A telephone number in an id; also one whose plus was not encoded and so reads as a space."""
_NUMBER_FOUND: Final = (
    "an id holds a telephone number; the trail holds none: give a pseudonym key, or map other ids"
)

Pseudonym = Callable[[str], str]
"""Replaces a telephone number, written `+` and its digits, by a name that does not tell it."""


class Unused(NamedTuple):
    """A line that gives no event, and why; `detail` quotes no key, for those may hold numbers."""

    reason: Reason
    detail: str


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Give each line without its ending; of one that is too long, just enough to be refused."""
    while line := stream.readline(LONGEST_LINE_BYTES + 1):
        rest = line
        while not rest.endswith(b"\n") and (rest := stream.readline(LONGEST_LINE_BYTES)):
            pass
        yield line.rstrip(b"\r\n")


def convert(line: bytes, mapping: S3Mapping, pseudonym: Pseudonym | None = None) -> AccessEvent | Unused:
    """Make the access event that one line tells of, or say why there is none.

    A telephone number in an id is replaced by its pseudonym, or refused where there is no `pseudonym`.
    """
    if len(line) > LONGEST_LINE_BYTES:
        return Unused("not_a_record", f"is longer than {LONGEST_LINE_BYTES} bytes")
    try:
        record = parse_line(line.decode("utf-8", errors="replace"))
    except ValueError as error:
        return Unused("not_a_record", str(error))
    if _is_ignored(record, mapping):
        return Unused("ignored", "the mapping says so")
    return _convert(record, mapping, pseudonym)


def identify(record: S3Record) -> UUID:
    """Name a record by what every delivery of it says alike.

    One request may delete many objects, and each is a record of its own: hence the key and its version.
    """
    parts = (
        record.bucket,
        record.request_id,
        record.operation,
        record.key_as_logged or "-",
        record.version_id or "-",
        record.time.isoformat(),
    )
    return uuid5(NAMESPACE, "\n".join(parts))


def _convert(record: S3Record, mapping: S3Mapping, pseudonym: Pseudonym | None) -> AccessEvent | Unused:
    action = mapping.operations.get(record.operation) or DEFAULT_ACTIONS.get(record.operation)
    if action is None:
        reason: Reason = "no_content" if touches_no_content(record.operation) else "unknown_operation"
        return Unused(reason, record.operation)
    resource = _find_resource(record, mapping)
    if isinstance(resource, Unused):
        return resource
    actor = _find_actor(record, mapping)
    if actor is None:
        return Unused("unmapped_requester", record.requester)
    names = resource | actor
    if pseudonym is None and any(text and _NUMBER.search(text) for text in names.values()):
        return Unused("invalid_field", _NUMBER_FOUND)
    if pseudonym is not None:
        names = {field: text and _replace_numbers(text, pseudonym) for field, text in names.items()}
    try:
        return AccessEvent.model_validate(names | _describe_request(record, mapping) | {"action": action})
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        return Unused("invalid_field", "; ".join(faults))


def _is_ignored(record: S3Record, mapping: S3Mapping) -> bool:
    ignore, key = mapping.ignore, record.key
    return (
        record.operation in ignore.operations
        or record.bucket in ignore.buckets
        or any(pattern.fullmatch(record.requester) for pattern in ignore.requesters)
        or (key is not None and any(pattern.fullmatch(key) for pattern in ignore.keys))
    )


def _find_resource(record: S3Record, mapping: S3Mapping) -> dict[str, str | None] | Unused:
    rules = [rule for rule in mapping.resources if rule.bucket == record.bucket]
    for rule in rules:
        found = _read_resource(rule, record)
        if found is not None:
            return found
    if not rules:
        return Unused("unmapped_bucket", record.bucket)
    about = "the bucket as a whole" if record.key_as_logged is None else "its key"
    return Unused("unmapped_key", f"no resource of bucket {record.bucket} is for {about}")


def _read_resource(rule: ResourceRule, record: S3Record) -> dict[str, str | None] | None:
    key = record.key
    if rule.key is None or key is None:
        if rule.key is not None or key is not None:
            return None
        groups, resource_id, customer_id = {}, rule.bucket, "*"
    else:
        match = rule.key.fullmatch(key)
        if match is None:
            return None
        groups, resource_id, customer_id = match.groupdict(), key, ""
    return {
        "resource_type": rule.resource_type,
        "resource_id": rule.resource_id or groups.get("resource_id") or resource_id,
        "customer_id": rule.customer_id or groups.get("customer_id") or customer_id,
    }


def _find_actor(record: S3Record, mapping: S3Mapping) -> dict[str, str | None] | None:
    for rule in mapping.requesters:
        match = rule.match.fullmatch(record.requester)
        if match is not None:
            return _read_actor(rule, match)
    return None


def _read_actor(rule: RequesterRule, match: re.Match[str]) -> dict[str, str | None]:
    groups = match.groupdict()
    return {
        "actor_type": rule.actor_type,
        "actor_id": rule.actor_id or groups.get("actor_id") or match.string,
        "organization": rule.organization or groups.get("organization"),
        "actor_team": rule.actor_team or groups.get("actor_team"),
    }


def _describe_request(record: S3Record, mapping: S3Mapping) -> dict[str, object]:
    return {
        "id": identify(record),
        "time": record.time,
        "source": mapping.source,
        "outcome": _tell_outcome(record.status),
        "trace_id": record.request_id,
        "ip": record.ip,
        "user_agent": record.user_agent[:LONGEST_USER_AGENT] if record.user_agent else None,
        "content_bytes": record.bytes_sent,
    }


def _tell_outcome(status: int | None) -> AccessOutcome:
    """Read an HTTP status; S3's own lifecycle works without one, and logs what it has done."""
    if status in DENIED:
        return "denied"
    return "succeeded" if status is None or 200 <= status < 400 else "failed"


def _replace_numbers(text: str, pseudonym: Pseudonym) -> str:
    return _NUMBER.sub(lambda number: pseudonym("+" + (number[1] or number[2])), text)

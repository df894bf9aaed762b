"""Evidence as an explanation shows it: as it was, and whether it was there before the access."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from earwitness.query.evidence import Item, KnownRecord
from models.evidence import EvidenceRecord
from models.fields import format_time, parse_time


def disclose(known: KnownRecord | None, versions: Sequence[Item], *, happened_at: datetime) -> dict[str, Any]:
    """Tell of one ref: the record as the verdict counts it, and how that stands to the time of the access.

    `versions` are all of the ref that may be told of, newest first. `delay_s` is how long after the access
    the counted version was registered, None where it was there before; then `before_access` says what
    the registers held when the access happened, and what the counted version says otherwise. `later` are
    the versions that the verdict does not count, oldest first.
    """
    counted = known.version if known else None
    delay_s = _delay_s(known.registered_at, happened_at) if known else None
    later = [item for item in versions if counted is None or item["version"] > counted]
    return {
        "version": counted,
        "registered_at": format_time(known.registered_at) if known else None,
        "delay_s": delay_s,
        "record": known.record.model_dump(mode="json", exclude_defaults=True) if known else None,
        "before_access": _before(known, versions, happened_at) if known and delay_s is not None else None,
        "later": [{name: item[name] for name in ("version", "registered_at")} for item in reversed(later)],
    }


def _delay_s(registered_at: datetime, happened_at: datetime) -> float | None:
    delay_s = (registered_at - happened_at).total_seconds()
    return round(delay_s, 3) if delay_s > 0 else None


def _before(known: KnownRecord, versions: Sequence[Item], happened_at: datetime) -> dict[str, Any] | None:
    """Give the version of the ref that the registers held when the access happened; None where none."""
    held = next((item for item in versions if parse_time(item["registered_at"]) <= happened_at), None)
    if held is None:
        return None
    return {
        "version": held["version"],
        "registered_at": held["registered_at"],
        "changes": _changes(EvidenceRecord.model_validate(held["record"]), known.record),
    }


def _changes(before: EvidenceRecord, after: EvidenceRecord) -> list[dict[str, Any]]:
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [
        {"field": name, "before": old[name], "after": new[name]}
        for name in EvidenceRecord.model_fields
        if old[name] != new[name]
    ]

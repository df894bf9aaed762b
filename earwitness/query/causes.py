"""What caused each verdict of an access: the first judgement, evidence that changed, a grace that ended."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from earwitness.query.evidence import Registration
from earwitness.query.rows import Row
from models.fields import format_time
from models.verdict import PENDING, UNJUSTIFIED

MOST_NAMED: Final = 20
"""Changes that are named as the cause of one verdict, the newest; the others are counted."""


def with_causes(
    history: Sequence[Row], registrations: Sequence[Registration], refs: Collection[str]
) -> list[Row]:
    """Add its `cause` to each verdict: `kind`, the `changes` of the registers, and how many `more`.

    kind is `first` for the first judgement; `evidence` where the registers changed between the verdict
    before and this one, of `refs` if of any, else of what says who the actor is; `grace_ended` where the
    waiting for unknown evidence was over; `policy` where another policy version counts; else `unknown`.
    """
    told: list[Row] = []
    for place, verdict in enumerate(history):
        before = history[place - 1] if place else None
        told.append({**verdict, "cause": _cause(before, verdict, registrations, refs)})
    return told


def _cause(
    before: Row | None, verdict: Row, registrations: Sequence[Registration], refs: Collection[str]
) -> dict[str, Any]:
    if before is None:
        return _told("first")
    if _waited_in_vain(before, verdict):
        return _told("grace_ended")
    between = [
        change
        for change in registrations
        if before["evidence_version"] < change.version <= verdict["evidence_version"]
    ]
    changes = [change for change in between if change.ref in refs] or between
    if changes:
        return _told("evidence", changes)
    other_policy = before["policy_digest"] != verdict["policy_digest"]
    return _told("policy" if other_policy else "unknown")


def _waited_in_vain(before: Row, verdict: Row) -> bool:
    return bool(
        before["verdict"] == PENDING
        and verdict["verdict"] == UNJUSTIFIED
        and verdict["reason"] == "evidence_not_found"
    )


def _told(kind: str, changes: Sequence[Registration] = ()) -> dict[str, Any]:
    named = changes[-MOST_NAMED:]
    return {"kind": kind, "changes": [_change(each) for each in named], "more": len(changes) - len(named)}


def _change(registration: Registration) -> dict[str, Any]:
    told = "new" if registration.first else "changed"
    return {
        "ref": registration.ref,
        "version": registration.version,
        "registered_at": format_time(registration.registered_at),
        "change": "withdrawn" if registration.status == "withdrawn" else told,
    }

"""Findings on their way to whoever alerts on them."""

import json
from datetime import datetime
from typing import Final

from earwitness.reconciliation.faults import Fault
from models.dead_letter import DeadLetter
from models.fields import format_time
from models.finding import Finding
from models.publisher import Message
from models.topics import CONTENT_TYPE, FINDINGS
from streams.wire import read_known

FINDING_EVENT_TYPE: Final = "earwitness.finding.published.v1"
RECONCILIATION: Final = "/earwitness/reconcile"
_OF_THE_TRAIL: Final = ("first", "last", "size", "detail")
"""Fields that only a finding about the trail as a whole has."""


def conflict_finding(letter: DeadLetter) -> Finding:
    """Tell of an event that claims the identity of a stored access for something else."""
    return Finding.about(
        read_known(letter.value),
        kind="id_conflict",
        reason="id_conflict",
        clause=None,
        position=str(letter.position),
    )


def fault_finding(fault: Fault, found_at: datetime) -> Finding:
    """Tell of something that is wrong with the trail as a whole."""
    return Finding(
        kind="inconsistent",
        id=str(fault.id),
        source=RECONCILIATION,
        time=found_at,
        actor_type="",
        actor_id="",
        customer_id="*",
        resource_type="",
        resource_id=fault.place,
        reason=fault.reason,
        clause="",
        position=f"{fault.place}/{fault.first}",
        first=fault.first,
        last=fault.last,
        size=fault.size,
        detail=fault.detail,
    )


def finding_message(finding: Finding) -> Message:
    """Write a finding as the record that is published."""
    fields = {**finding._asdict(), "time": format_time(finding.time), "clause": finding.clause or None}
    of_the_trail = finding.kind == "inconsistent"
    if not of_the_trail:
        fields = {name: value for name, value in fields.items() if name not in _OF_THE_TRAIL}
    again = "" if finding.evidence_version is None else f":{finding.evidence_version}"
    which = f":{finding.reason}" if of_the_trail else again
    return Message(
        topic=FINDINGS,
        key=finding.id.encode(),
        value=json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode(),
        headers={
            "ce_specversion": "1.0",
            "ce_id": f"{finding.position}:{finding.kind}{which}",
            "ce_source": RECONCILIATION if of_the_trail else "/earwitness/judge",
            "ce_type": FINDING_EVENT_TYPE,
            "content-type": CONTENT_TYPE,
        },
    )

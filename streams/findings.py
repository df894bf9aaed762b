"""Findings on their way to whoever alerts on them."""

import json
from typing import Final

from models.dead_letter import DeadLetter
from models.fields import format_time
from models.finding import Finding
from models.publisher import Message
from models.topics import CONTENT_TYPE, FINDINGS
from streams.wire import read_known

FINDING_EVENT_TYPE: Final = "earwitness.finding.published.v1"


def conflict_finding(letter: DeadLetter) -> Finding:
    """Tell of an event that claims the identity of a stored access for something else."""
    return Finding.about(
        read_known(letter.value),
        kind="id_conflict",
        reason="id_conflict",
        clause=None,
        position=str(letter.position),
    )


def finding_message(finding: Finding) -> Message:
    """Write a finding as the record that is published."""
    fields = {**finding._asdict(), "time": format_time(finding.time), "clause": finding.clause or None}
    again = "" if finding.evidence_version is None else f":{finding.evidence_version}"
    return Message(
        topic=FINDINGS,
        key=finding.id.encode(),
        value=json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode(),
        headers={
            "ce_specversion": "1.0",
            "ce_id": f"{finding.position}:{finding.kind}{again}",
            "ce_source": "/earwitness/judge",
            "ce_type": FINDING_EVENT_TYPE,
            "content-type": CONTENT_TYPE,
        },
    )

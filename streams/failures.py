"""What an operator must know when the judge could not decide: the verdict says so to everybody else."""

import structlog

from earwitness.policy import EvidenceIndex, PolicySet
from earwitness.policy.judging import failure
from sinks.base import Block
from streams.judge import received_at

log = structlog.get_logger(__name__)


def report_failures(block: Block, policies: PolicySet, evidence: EvidenceIndex) -> None:
    """Log, for each access that the judge failed for, where it is and what failed."""
    for row in block.rows:
        if row.verdict.reason != "judge_error":
            continue
        received = received_at(row.received_at_ms)
        log.error(
            "judge_failed",
            topic=block.range.topic,
            partition=block.range.partition,
            offset=row.offset,
            error=failure(row.event, policies, evidence, received_at=received, as_of=block.judged_at),
        )

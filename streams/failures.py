"""What an operator must know when the judge could not decide: the verdict says so to everybody else."""

from datetime import datetime
from typing import NamedTuple

import structlog

from earwitness.policy import Access, EvidenceIndex, PolicySet
from earwitness.policy.judging import failure

log = structlog.get_logger(__name__)


class Failed(NamedTuple):
    """An access that the judge failed for, and where its record stands."""

    access: Access
    position: str
    received_at: datetime


def report_failure(failed: Failed, policies: PolicySet, evidence: EvidenceIndex, as_of: datetime) -> None:
    """Log what made the judge fail for an access."""
    received_at = failed.received_at
    error = failure(failed.access, policies, evidence, received_at=received_at, as_of=as_of)
    log.error("judge_failed", position=failed.position, error=error)

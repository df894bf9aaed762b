"""The shipped policies, and the short way to ask them about one access."""

from datetime import datetime
from typing import Final, NamedTuple

from earwitness.policy import Access, judge
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models import EvidenceRecord
from models.verdict import Reason, Verdict
from tests.builders import evidence

POLICIES: Final = read_policies(ROOT / "policies")


class Said(NamedTuple):
    """A verdict, as far as most tests ask for it."""

    reason: Reason
    clause: str | None
    evidence_used: tuple[str, ...]


def verdict_of(
    access: Access,
    *records: EvidenceRecord,
    received_at: datetime | None = None,
    as_of: datetime | None = None,
) -> Verdict:
    """Judge an access as received when it happened, against these records."""
    received_at = received_at or access.time
    return judge(access, POLICIES, evidence(*records), received_at=received_at, as_of=as_of or received_at)


def reason_of(access: Access, *records: EvidenceRecord) -> Reason:
    """Judge an access, and give the reason alone."""
    return verdict_of(access, *records).reason


def said_of(access: Access, *records: EvidenceRecord) -> Said:
    """Judge an access, and give reason, clause and evidence."""
    verdict = verdict_of(access, *records)
    return Said(verdict.reason, verdict.clause, verdict.evidence_used)

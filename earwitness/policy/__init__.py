"""The judge: which clause and which evidence justify an access. Pure: no clock, I/O, environment or log."""

from earwitness.policy.access import Access
from earwitness.policy.compiled import Policy
from earwitness.policy.entries import Entry
from earwitness.policy.evidence import EvidenceIndex
from earwitness.policy.explaining import explain
from earwitness.policy.judging import judge
from earwitness.policy.versions import PolicySet, parse_policies

__all__ = ["Access", "Entry", "EvidenceIndex", "Policy", "PolicySet", "explain", "judge", "parse_policies"]

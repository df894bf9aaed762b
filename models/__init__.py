"""The contract between those who publish accesses, those who judge them and those who ask."""

from .access import AccessEvent
from .evidence import EvidenceRecord
from .verdict import Check, Explanation, Verdict

__all__ = ["AccessEvent", "Check", "EvidenceRecord", "Explanation", "Verdict"]

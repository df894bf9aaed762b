"""What the judge would say of an access now, from the registers as they stand. Nothing is stored."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from earwitness.policy import EvidenceIndex, PolicySet, explain
from earwitness.policy.alternatives import find_alternatives
from earwitness.query.evidence import Evidence, Subject
from earwitness.query.rows import Row
from models.access import AccessEvent
from models.verdict import Explanation

NEWEST: Final = 2**63 - 1
"""A version of the registers beyond all that there are."""


class DryRun:
    """Judges accesses that nobody recorded. Safe to share between threads."""

    def __init__(self, evidence: Evidence, policies: Callable[[], PolicySet]) -> None:
        self._evidence = evidence
        self._policies = policies

    def __call__(self, event: AccessEvent, now: datetime) -> dict[str, Any]:
        """Give verdict and explanation of an event received at `now`, by the policy of the event's time."""
        about = self._evidence.identified(_subject(event), NEWEST)
        known = self._evidence.known_at(NEWEST, about)
        index, policies = EvidenceIndex(), self._policies()
        for each in known:
            index.put(each.record, each.version)
        explanation = explain(event, policies, index, received_at=now, as_of=now)
        alternatives = find_alternatives(event, policies, index, received_at=now, as_of=now)
        return {
            **judged_row(event.id, explanation),
            "checks": [check._asdict() for check in explanation.checks],
            "alternatives": [alternative._asdict() for alternative in alternatives],
        }


def judged_row(identifier: str, explanation: Explanation) -> Row:
    """Give what is told of an access that was judged on trial, wherever that was done."""
    verdict = explanation.verdict
    return {
        "id": identifier,
        "verdict": verdict.outcome,
        "reason": verdict.reason,
        "clause": verdict.clause,
        "evidence_used": list(verdict.evidence_used),
        "derived": verdict.derived,
        "policy_version": verdict.policy_version or None,
        "missing": list(explanation.missing),
    }


def _subject(event: AccessEvent) -> Subject:
    organizations = tuple(name for name in (event.organization, event.recipient) if name)
    return Subject(
        event.evidence_ref or "", event.customer_id, event.actor_id, organizations, event.actor_team or ""
    )

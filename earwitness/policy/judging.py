"""The judge: from one access, the policies and the evidence to a verdict."""

from datetime import datetime
from typing import Final

from earwitness.policy.access import Access
from earwitness.policy.evidence import EvidenceIndex
from earwitness.policy.versions import PolicySet
from models.verdict import INDETERMINATE, Verdict

NO_POLICY: Final = Verdict(INDETERMINATE, "no_policy_in_effect", None, (), False, "", "")
POLICY_UNKNOWN: Final = Verdict(INDETERMINATE, "judge_error", None, (), False, "", "")
"""The judge failed before it knew which policy version counts."""


def judge(
    event: Access, policies: PolicySet, evidence: EvidenceIndex, *, received_at: datetime, as_of: datetime
) -> Verdict:
    """Name the clause and evidence that justify `event`, or say why none does.

    The same answer for the same event, policies, evidence and `as_of`, at every replay. A forbid
    beats every permit. A judge that fails justifies nothing: its verdict is indeterminate.
    `received_at` is the broker's time, from which the grace for unknown evidence runs.
    """
    policy = None
    try:
        policy = policies.in_effect_at(event.time)
        if policy is None:
            return NO_POLICY
        return policy.decide(event, evidence, received_at, as_of)
    except Exception:  # noqa: BLE001 - whatever fails, the access must not pass and its batch must go on
        return POLICY_UNKNOWN if policy is None else policy.failed


def failure(
    event: Access, policies: PolicySet, evidence: EvidenceIndex, *, received_at: datetime, as_of: datetime
) -> str:
    """Say what made `judge` fail for these arguments, for an operator; empty where it does not fail."""
    try:
        policy = policies.in_effect_at(event.time)
        if policy is not None:
            policy.decide(event, evidence, received_at, as_of)
    except Exception as error:  # noqa: BLE001 - told here, where the verdict is judge_error
        return f"{type(error).__name__}: {error}"
    return ""

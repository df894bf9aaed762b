"""Why a verdict is what it is: every check, and in words what would have justified the access."""

from collections.abc import Sequence
from datetime import datetime

from earwitness.policy.access import Access
from earwitness.policy.checks import PRECEDENCE
from earwitness.policy.evidence import EvidenceIndex
from earwitness.policy.judging import judge
from earwitness.policy.remedies import remedy_of
from earwitness.policy.steps import Question, Step, steps_of
from earwitness.policy.versions import PolicySet
from models.fields import format_time
from models.verdict import JUSTIFIED, Check, Explanation


def explain(
    event: Access, policies: PolicySet, evidence: EvidenceIndex, *, received_at: datetime, as_of: datetime
) -> Explanation:
    """Give the verdict of `judge` with every check that could be made, for the same arguments.

    `missing` is in the order in which the reasons count. A check that failed to run is listed as not
    passed, with its error.
    """
    verdict = judge(event, policies, evidence, received_at=received_at, as_of=as_of)
    steps = list_steps(event, policies, evidence, received_at=received_at, as_of=as_of)
    missing = () if verdict.outcome == JUSTIFIED else _missing(steps)
    return Explanation(verdict, tuple(step.check for step in steps), missing)


def list_steps(
    event: Access, policies: PolicySet, evidence: EvidenceIndex, *, received_at: datetime, as_of: datetime
) -> list[Step]:
    """Make every check of an access that can be made, each with its reason."""
    steps: list[Step] = []
    try:
        policy = policies.in_effect_at(event.time)
        steps.append(_policy_in_effect(event, policies))
        if policy is not None:
            actor = evidence.actor(event.actor_type, event.organization, event.actor_id)
            steps.extend(steps_of(Question(event, actor, policy, evidence, received_at, as_of)))
    except Exception as error:  # noqa: BLE001 - as in judge: told here, where the verdict is judge_error
        told = f"{type(error).__name__}: {error}"
        steps.append(Step("judge_error", Check("judge", passed=False, expected="no error", found=told)))
    return steps


def _policy_in_effect(event: Access, policies: PolicySet) -> Step:
    policy = policies.in_effect_at(event.time)
    first = policies.policies[0] if policies.policies else None
    if policy is not None:
        found = f"version {policy.version}, effective from {format_time(policy.effective_from)}"
    elif first is not None:
        found = f"none; the first, {first.version}, is effective from {format_time(first.effective_from)}"
    else:
        found = "no policy at all"
    wanted = f"a policy version effective at {format_time(event.time)}"
    check = Check("policy_in_effect", policy is not None, wanted, found)
    return Step("no_policy_in_effect", check)


def _missing(steps: Sequence[Step]) -> tuple[str, ...]:
    failed = [step for step in steps if step.decides and not step.check.passed]
    failed.sort(key=lambda step: PRECEDENCE[step.reason])
    return tuple(dict.fromkeys(remedy_of(step.check) for step in failed))

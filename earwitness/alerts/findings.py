"""Rules on findings that tell of no single verdict: a claimed identity, a trail that is not complete."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from earwitness.alerts.grouping import Hit
from earwitness.alerts.rules import FindingCondition, Rule
from models.alerts import Member
from models.finding import Finding

_OF_NO_ACCESS = UUID(int=0)


def hits_of_findings(rules: Iterable[Rule], findings: Iterable[Finding]) -> Iterator[Hit]:
    """Give what fires. The member of such a hit is the finding itself, by its source and id."""
    on_findings = [(rule, rule.condition) for rule in rules if isinstance(rule.condition, FindingCondition)]
    for finding in findings:
        for rule, condition in on_findings:
            if finding.kind in condition.kinds and (
                not condition.reasons or finding.reason in condition.reasons
            ):
                yield _hit(rule, finding)


def _hit(rule: Rule, finding: Finding) -> Hit:
    member = Member(
        _OF_NO_ACCESS,
        finding.source,
        UUID(finding.id),
        finding.time,
        finding.actor_id,
        finding.customer_id,
        finding.kind,
        finding.reason,
    )
    grouping = {name: str(getattr(finding, name)) for name in rule.grouping.by}
    return Hit(rule, grouping, finding.time, finding.time, finding.time, 1, [member], finding.detail or "")

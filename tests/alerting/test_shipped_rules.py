"""The rules that ship fire where they must and only there, on a real ClickHouse."""

from collections.abc import Iterator

import pytest

from earwitness.alerting.proving import Scratch, prove
from earwitness.alerts.loading import load_rules
from earwitness.alerts.rules import Rule
from earwitness.devstack.rule_cases import scratch_for_cases
from earwitness.settings import ROOT
from tests.alerts.builders import ACCESS_RULE, a_rule

RULES = load_rules(ROOT / "alert_rules")


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with scratch_for_cases() as made:
        yield made


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_case_of_a_rule_holds(scratch: Scratch, rule: Rule) -> None:
    """Each carries at least one that must alert and one that must not."""
    assert [
        f"{proof.case.name}: {proof.alerts} {proof.problem}"
        for proof in prove(scratch, [rule])
        if not proof.holds
    ] == []


def test_a_case_that_does_not_hold_is_told(scratch: Scratch) -> None:
    """The player of cases can fail."""
    wrong = a_rule(ACCESS_RULE.replace("verdict:unjustified", "verdict:indeterminate"))
    assert [proof.holds for proof in prove(scratch, [wrong])] == [False, True]


def test_a_threshold_takes_so_many_within_the_window(scratch: Scratch) -> None:
    """Two are fewer than three, and three over two hours are not three within one."""
    text = ACCESS_RULE.replace('by = ["actor_id"]', 'by = ["actor_id"]\nthreshold = 3')
    crowd = 'rows = [{ row = { verdict = "unjustified" }, repeat = %d, ago = "100m", spread = "%s" }]'
    for count, spread, alerts in ((2, "30m", 0), (3, "30m", 1), (3, "150m", 0), (9, "30m", 1)):
        fires = text.replace('rows = [{ row = { verdict = "unjustified" } }]', crowd % (count, spread))
        proof = next(prove(scratch, [a_rule(fires)]))
        assert (proof.alerts, proof.problem) == (alerts, ""), (count, spread)

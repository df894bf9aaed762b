"""Rules are sound, or refused with every fault named; the last good ones stay in use."""

from pathlib import Path

import pytest

from earwitness.alerting.rule_folder import RuleFolder
from earwitness.alerts.loading import load_rules, read_rule
from earwitness.settings import ROOT
from models.errors import RulesInvalid
from tests.alerts.builders import ACCESS_RULE, BEHAVIOUR_RULE


def faults(text: str) -> str:
    with pytest.raises(RulesInvalid) as error:
        read_rule(text.encode(), "some-rule.toml", stem="some-rule")
    return str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("verdict:unjustified", "verdict:unjustifed", "unjustifed"),
        ("verdict:unjustified", "time:>=-7d", "names a time"),
        ('"actor_id"', '"actor"', "there is no actor to group by"),
        ('dedup = "1d"', 'dedup = "soon"', "is no length of time"),
        ('"some-rule"', '"another-rule"', "a file is named after the id"),
        ('severity = "high"', 'severity = "awful"', "severity"),
        ("alerts = 0", "alerts = 2", "one in which it must not"),
        ("alerts = 1", "alerts = 0", "in which it must fire"),
        ('title = "Something that a test looks at"\n', "", "title: Field required"),
        ("[grouping]", "surprise = 1\n[grouping]", "surprise: Extra inputs"),
        ("id = ", "id == ", "is no TOML"),
    ],
)
def test_a_fault_is_named_with_its_place(old: str, new: str, said: str) -> None:
    """Who writes a rule is told what to change, and where."""
    assert said in faults(ACCESS_RULE.replace(old, new))
    assert "some-rule.toml" in faults(ACCESS_RULE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("received_at > {since:DateTime64(6, 'UTC')} AND", "", "without a limit"),
        ("AND received_at <= {until:DateTime64(6, 'UTC')}", "", "without a limit"),
        ("SELECT actor_id", "INSERT INTO trail SELECT actor_id", "condition.sql"),
        ("at_least = 3", "at_most = 3", "at_most: the statement does not use it"),
    ],
)
def test_a_statement_that_reads_without_limit_or_does_more_than_read_is_refused(
    old: str, new: str, said: str
) -> None:
    """It would be asked every minute, for ever."""
    assert said in faults(BEHAVIOUR_RULE.replace('"some-behaviour"', '"some-rule"').replace(old, new))


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """Nobody mends one to be shown the next."""
    (tmp_path / "some-rule.toml").write_text(ACCESS_RULE.replace("high", "awful"))
    (tmp_path / "other.toml").write_text("[")
    with pytest.raises(RulesInvalid) as error:
        load_rules(tmp_path)
    assert [fault.split(":")[0] for fault in error.value.faults] == ["other.toml", "some-rule.toml"]


def test_two_rules_never_share_a_code(tmp_path: Path) -> None:
    """A code is what people remember a rule by."""
    for name in ("some-rule", "twin-rule"):
        (tmp_path / f"{name}.toml").write_text(ACCESS_RULE.replace("some-rule", name))
    with pytest.raises(RulesInvalid, match="ALR-900: several rules"):
        load_rules(tmp_path)


def test_an_unsound_change_leaves_the_last_good_rules_in_use(tmp_path: Path) -> None:
    """A typing error must not switch alerts off."""
    path = tmp_path / "some-rule.toml"
    path.write_text(ACCESS_RULE)
    folder = RuleFolder(tmp_path)
    path.write_text(ACCESS_RULE.replace("high", "awful!"))
    assert not folder.refresh()
    assert [rule.severity for rule in folder.rules] == ["high"]
    assert "severity" in folder.faults[0]
    path.write_text(ACCESS_RULE.replace('"high"', '"critical"'))
    assert folder.refresh()
    assert ([rule.severity for rule in folder.rules], folder.faults) == (["critical"], ())


RULES = load_rules(ROOT / "alert_rules")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_that_ships_has_a_runbook_that_knows_it(rule: object) -> None:
    """Whoever is woken by it is told what to do."""
    text = (ROOT / rule.runbook).read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert f"`{rule.id}` ({rule.code})" in text  # type: ignore[attr-defined]

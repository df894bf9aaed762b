"""`earwitness alerts lint`, `test` and `backtest`: whether rules are sound, and what they would have sent."""

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from rich.table import Table

from earwitness.alerting.backtest import PastAlert
from earwitness.alerting.backtest import backtest as backtested
from earwitness.alerting.proving import Proof, prove
from earwitness.alerts.loading import load_rule, load_rules
from earwitness.alerts.rules import BehaviourCondition, Rule
from earwitness.alerts.spans import write_span
from earwitness.cli import wiring
from earwitness.cli.output import OutputFormat, console, second, tell, write_rows
from earwitness.cli.policy_options import output_option
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.rule_cases import scratch_for_cases
from earwitness.devstack.state import resolve
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.moments import parse_moment
from earwitness.settings import load
from models.errors import QueryRejected, RulesInvalid
from models.fields import format_time

BACKTEST_TIMEOUT_S: Final = 120
RULE_COLUMNS: Final = ("rule", "code", "severity", "on", "groups_by", "dedup", "cases", "digest")
CASE_COLUMNS: Final = ("rule", "case", "expected", "alerts", "holds", "problem")
PAST_COLUMNS: Final = ("raised_at", "rule", "severity", "grouping", "accesses", "detail", "first_access")

rules_argument = click.argument(
    "paths", nargs=-1, metavar="[FILE|FOLDER…]", type=click.Path(exists=True, path_type=Path)
)


@click.command()
@rules_argument
@output_option
def lint(paths: tuple[Path, ...], output: OutputFormat) -> None:
    """Check that rules can be used; name every fault of every file.

    \b
    Examples:
      earwitness alerts lint
      earwitness alerts lint drafts/night-shift.toml

    Without a file: the rules that the alerter uses. Exit 1: something is wrong.
    """
    rules = _rules(paths)
    if output == "table":
        table = Table(box=None, header_style="bold")
        for column in RULE_COLUMNS:
            table.add_column(column.replace("_", " "))
        for rule in rules:
            table.add_row(*(str(value) for value in _described(rule).values()))
        console().print(table)
        tell(f"{len(rules)} rules are sound; `earwitness alerts test` plays their cases")
    else:
        write_rows((_described(rule) for rule in rules), RULE_COLUMNS, output)


@click.command()
@rules_argument
@output_option
def test(paths: tuple[Path, ...], output: OutputFormat) -> None:
    """Play the cases of rules on a ClickHouse started for that.

    \b
    Examples:
      earwitness alerts test
      earwitness alerts test alert_rules/bulk-access.toml

    Each case says how often its rule must alert in a small world. Exit 1: one did not hold.
    """
    rules = _rules(paths)
    with scratch_for_cases() as scratch:
        proofs = list(prove(scratch, rules))
    broken = [proof for proof in proofs if not proof.holds]
    if output == "table":
        _show_proofs(rules, proofs)
    else:
        write_rows((_proof_row(proof) for proof in proofs), CASE_COLUMNS, output)
    sys.exit(1 if broken else 0)


@click.command()
@click.argument("rules", nargs=-1, metavar="[RULE|FILE…]")
@click.option(
    "--since", metavar="T", default="7d", show_default=True, help="From then on, as 30d or 2026-01-31."
)
@click.option("--until", metavar="T", help="Up to then.  [default: now]")
@output_option
@data_dir_option
def backtest(
    rules: tuple[str, ...], since: str, until: str | None, output: OutputFormat, data_dir: Path | None
) -> None:
    """Run rules over history, and say what they would have sent.

    \b
    Examples:
      earwitness alerts backtest bulk-access --since 30d
      earwitness alerts backtest drafts/night-shift.toml --since 2026-01-01 --output jsonl

    A verdict counts as it was given at the time. Nothing is raised, and nobody is told. Behaviour is looked
    at eight times a window, so an alert may be that much later than it would have been. It asks ClickHouse as
    the alerter does, so it runs where the alerter runs.
    """
    now = datetime.now(UTC)
    begin, end = parse_moment(since, now), parse_moment(until, now) if until else now
    if begin >= end:
        raise QueryRejected(f"--since {since} is not before --until {until or 'now'}", "swap them")
    chosen = _chosen(rules)
    loaded = resolve(data_dir, "alerter")
    address = wiring.clickhouse(loaded.clickhouse)
    store = ClickHouseStore(**address._asdict(), query_timeout_s=BACKTEST_TIMEOUT_S, author="person")
    try:
        alerts = backtested(store, chosen, begin, end)
    finally:
        store.close()
    if output == "table":
        _show_past(alerts, chosen, (end - begin).total_seconds() / 86_400)
    else:
        write_rows((_past_row(alert) for alert in alerts), PAST_COLUMNS, output)


def _rules(paths: Sequence[Path]) -> tuple[Rule, ...]:
    """Read the rules named, or those the alerter uses; exit 1 with every fault where one is unsound."""
    try:
        if not paths:
            return load_rules(load().alerts.rules_dir)
        found: list[Rule] = []
        for path in paths:
            found += load_rules(path) if path.is_dir() else [load_rule(path)]
    except RulesInvalid as error:
        for fault in error.faults:
            tell(f"error: {fault}")
        sys.exit(1)
    return tuple(found)


def _chosen(named: Sequence[str]) -> tuple[Rule, ...]:
    installed = {rule.id: rule for rule in _rules(())}
    chosen: list[Rule] = []
    for name in named:
        if name in installed:
            chosen.append(installed[name])
        elif Path(name).is_file():
            chosen += _rules([Path(name)])
        else:
            raise QueryRejected(
                f"there is no rule {name!r}, and no file of that name",
                f"the rules are {', '.join(installed)}",
            )
    return tuple(chosen) or tuple(installed.values())


def _described(rule: Rule) -> dict[str, str | int]:
    behaviour = isinstance(rule.condition, BehaviourCondition)
    window = f" over {write_span(rule.grouping.window)}" if behaviour else ""
    return {
        "rule": rule.id,
        "code": rule.code,
        "severity": rule.severity,
        "on": f"{rule.condition.kind}{window}",
        "groups_by": ", ".join(rule.grouping.by),
        "dedup": write_span(rule.grouping.dedup),
        "cases": len(rule.cases),
        "digest": rule.digest[:8],
    }


def _proof_row(proof: Proof) -> dict[str, object]:
    return {
        "rule": proof.rule.id,
        "case": proof.case.name,
        "expected": proof.case.alerts,
        "alerts": proof.alerts,
        "holds": proof.holds,
        "problem": proof.problem,
    }


def _show_proofs(rules: Sequence[Rule], proofs: Sequence[Proof]) -> None:
    held = Counter(proof.rule.id for proof in proofs if proof.holds)
    for rule in rules:
        whole = held[rule.id] == len(rule.cases)
        mark = click.style("ok    ", fg="green") if whole else click.style("fail  ", fg="red")
        click.echo(f"{mark}{rule.id}: {held[rule.id]} of {len(rule.cases)} cases hold")
        for proof in proofs:
            if proof.rule is rule and not proof.holds:
                said = proof.problem or f"{proof.alerts} alerts where {proof.case.alerts} are wanted"
                click.echo(f"      {proof.case.name}: {said}")


def _past_row(alert: PastAlert) -> dict[str, object]:
    entry = alert.entry
    return {
        "raised_at": format_time(entry.at),
        "rule": entry.rule,
        "severity": entry.severity,
        "grouping": dict(entry.grouping),
        "accesses": max(entry.access_count, len(alert.members)),
        "detail": entry.text,
        "first_access": str(alert.members[0].id) if alert.members else None,
    }


MOST_SHOWN: Final = 20


def _show_past(alerts: Sequence[PastAlert], rules: Sequence[Rule], days: float) -> None:
    if alerts:
        table = Table(box=None, header_style="bold")
        for column in ("raised", "rule", "about", "accesses", "detail"):
            table.add_column(column, overflow="fold")
        for alert in alerts[:MOST_SHOWN]:
            about = " ".join(f"{name}={value}" for name, value in alert.entry.grouping.items() if value)
            count = str(max(alert.entry.access_count, len(alert.members)))
            at = second(format_time(alert.entry.at))
            table.add_row(at, alert.entry.rule, about, count, alert.entry.text.strip())
        console().print(table)
    if len(alerts) > MOST_SHOWN:
        tell(f"the first {MOST_SHOWN} of {len(alerts)}; --output jsonl gives all")
    counted = Counter(alert.entry.rule for alert in alerts)
    for rule in rules:
        tell(f"{rule.id}: {counted[rule.id]} alerts, {counted[rule.id] / days:.1f} a day")

"""The measured quality as a page of Markdown."""

from collections.abc import Sequence
from statistics import median

from benchmarks.alert_quality.measuring import Measured

TARGETS = "recall at least 0.95, precision at least 0.80, at most 20 alerts a day"


def as_markdown(months: Sequence[Measured], command: str) -> str:
    """Write the report: the whole, by rule and by kind of misuse, each as the sum over the months."""
    about = (
        f"`{command}`: made-up months of [a company](../alert-population.md), judged by the real judge, in"
        " a real ClickHouse, and read by the rules that ship. Nobody tuned on these seeds."
    )
    parts = [
        ["# How good the alerts are", about, ""],
        _whole(months),
        ["", "## By rule"],
        _by_rule(months),
        ["", "## By kind of misuse"],
        _by_kind(months),
        [""],
    ]
    return "\n".join(line for part in parts for line in part)


def _whole(months: Sequence[Measured]) -> list[str]:
    lines = [
        "| seed | accesses | incidents | recall | precision | alerts a day | told to nobody |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in months:
        scored = each.score
        lines.append(
            f"| {each.seed} | {each.accesses:,} | {each.incidents} | {scored.recall:.3f} |"
            f" {scored.total.precision:.3f} | {scored.alerts_a_day:.1f} | {each.untold} |"
        )
    recall, precision, a_day = summary(months)
    medians = f"recall {recall:.3f}, precision {precision:.3f}, {a_day:.1f} alerts a day"
    lines += ["", f"Medians: {medians}. Targets: {TARGETS}."]
    return lines


def summary(months: Sequence[Measured]) -> tuple[float, float, float]:
    """Give the medians of recall, precision and alerts a day."""
    scores = [each.score for each in months]
    return (
        median(each.recall for each in scores),
        median(each.total.precision for each in scores),
        median(each.alerts_a_day for each in scores),
    )


def _by_rule(months: Sequence[Measured]) -> list[str]:
    names = sorted({name for each in months for name in each.score.by_rule})
    lines = ["| rule | alerts | true | precision | incidents found |", "| --- | ---: | ---: | ---: | ---: |"]
    for name in names:
        tallies = [each.score.by_rule[name] for each in months if name in each.score.by_rule]
        alerts, true = sum(each.alerts for each in tallies), sum(each.true for each in tallies)
        found = sum(len(each.found) for each in tallies)
        lines.append(f"| {name} | {alerts} | {true} | {true / alerts if alerts else 1:.2f} | {found} |")
    return lines


def _by_kind(months: Sequence[Measured]) -> list[str]:
    kinds = sorted({kind for each in months for kind in each.score.found_by_kind})
    lines = ["| kind | incidents | found | recall |", "| --- | ---: | ---: | ---: |"]
    for kind in kinds:
        pairs = [each.score.found_by_kind.get(kind, (0, 0)) for each in months]
        found, count = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
        lines.append(f"| {kind} | {count} | {found} | {found / count if count else 1:.2f} |")
    return lines

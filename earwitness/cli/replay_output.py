"""How a replay is shown: what the other version would change, as a report for people and for programs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, get_args

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from earwitness.cli.output import VERDICT_STYLES, lines, second, visible
from earwitness.policy import Policy
from earwitness.query.history import Window
from earwitness.replay.counting import Totals, Way
from earwitness.replay.judging import Change, Ruling, Transition
from models.fields import format_time
from models.verdict import JUSTIFIED, UNJUSTIFIED, Outcome

CHANGE_COLUMNS: Final = (
    "id",
    "source",
    "time",
    "actor_type",
    "actor_id",
    "customer_id",
    "before_verdict",
    "before_reason",
    "before_clause",
    "after_verdict",
    "after_reason",
    "after_clause",
)
MOST_WAYS: Final = 12
"""Ways from one ruling to another that the report lists of each kind; json has them all."""

Row = dict[str, Any]


class About(NamedTuple):
    """By what was judged: the same policy, evidence and instant give the same verdicts again."""

    policy: Policy
    window: Window
    evidence_version: int
    as_of: datetime


def change_row(change: Change) -> Row:
    """Give an access whose verdict changes as one flat row."""
    return {
        "id": change.id,
        "source": change.source,
        "time": format_time(change.time),
        "actor_type": change.actor_type,
        "actor_id": change.actor_id,
        "customer_id": change.customer_id,
        **_flat(change.transition),
    }


def document(about: About, totals: Totals, changes: Sequence[Change]) -> Row:
    """Give the whole answer as one JSON document; `changes` are the newest ones."""
    policy, window = about.policy, about.window
    return {
        "policy": policy.document.policy,
        "policy_version": policy.version,
        "policy_digest": policy.digest,
        "effective_from_ignored": format_time(policy.effective_from),
        "since": format_time(window.since),
        "until": format_time(window.until or about.as_of),
        "evidence_version": about.evidence_version,
        "as_of": format_time(about.as_of),
        "accesses": totals.accesses,
        "changed": totals.changed,
        "no_longer_justified": totals.no_longer_justified,
        "newly_justified": totals.newly_justified,
        "before": {verdict: totals.before.get(verdict, 0) for verdict in get_args(Outcome)},
        "after": {verdict: totals.after.get(verdict, 0) for verdict in get_args(Outcome)},
        "verdict_changes": [{"accesses": way.accesses, **_flat(way.transition)} for way in totals.changing],
        "other_changes": [{"accesses": way.accesses, **_flat(way.transition)} for way in totals.shifting],
        "changes": [change_row(change) for change in changes],
    }


def headline(totals: Totals) -> str:
    """Say in one sentence what would change."""
    if not totals.accesses:
        return "no access in that time"
    if not totals.changed:
        return f"no verdict would change: {totals.accesses:,} accesses"
    share = f"{100 * totals.changed / totals.accesses:.2g} %"
    return f"{totals.changed:,} of {totals.accesses:,} accesses ({share}) would get another verdict"


def directions(totals: Totals) -> str:
    """Say which way they would change; empty where none would."""
    parts = [
        f"{count:,} {becomes}"
        for count, becomes in (
            (totals.no_longer_justified, "no longer justified"),
            (totals.newly_justified, "newly justified"),
            (
                totals.changed - totals.no_longer_justified - totals.newly_justified,
                "from one finding to another",
            ),
        )
        if count
    ]
    return ", ".join(parts)


def origin(about: About) -> Iterator[str]:
    """Say by what was judged, a line at a time."""
    policy, window = about.policy, about.window
    yield (
        f"by {policy.document.policy} {policy.version} alone, digest {policy.digest[:12]};"
        f" effective_from {policy.effective_from:%Y-%m-%d} ignored"
    )
    since, until, as_of = (
        second(format_time(instant)) for instant in (window.since, window.until or about.as_of, about.as_of)
    )
    yield f"from {since} to {until} UTC"
    yield f"on evidence version {about.evidence_version}, as of {as_of} UTC"


def report(about: About, totals: Totals, changes: Sequence[Change]) -> RenderableType:
    """Lay it out for people: the answer first, then the figures, then examples."""
    parts: list[RenderableType] = [Text(headline(totals), style="bold")]
    if totals.changed:
        style = VERDICT_STYLES[UNJUSTIFIED if totals.no_longer_justified else JUSTIFIED]
        parts.append(Text(directions(totals), style=style))
    parts += [Text(line, style="dim") for line in origin(about)]
    if totals.accesses:
        parts += [Text(), _verdicts(totals)]
    if totals.changing:
        parts += [Text(), *_ways("other verdicts", totals.changing)]
    if totals.shifting:
        parts += [Text(), *_ways("same verdict, for another reason or clause", totals.shifting)]
    if changes:
        newest = f"the newest {len(changes):,} of the {totals.changed:,} accesses"
        parts += [Text(), Text(f"{newest} that would change", style="bold"), _changes(changes)]
    return Group(*parts)


def _flat(transition: Transition) -> Row:
    before, after = transition
    return {
        "before_verdict": before.verdict,
        "before_reason": before.reason,
        "before_clause": before.clause,
        "after_verdict": after.verdict,
        "after_reason": after.reason,
        "after_clause": after.clause,
    }


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), header_style="bold")


def _verdicts(totals: Totals) -> Table:
    table = _table()
    table.add_column("verdict")
    for heading in ("in the trail", "would be", "change"):
        table.add_column(heading, justify="right")
    for verdict in get_args(Outcome):
        before, after = totals.before.get(verdict, 0), totals.after.get(verdict, 0)
        if before or after:
            change = f"{after - before:+,}" if after != before else "–"
            table.add_row(Text(verdict, style=VERDICT_STYLES[verdict]), f"{before:,}", f"{after:,}", change)
    return table


def _ways(title: str, ways: Sequence[Way]) -> Iterator[RenderableType]:
    table = _table()
    table.add_column("accesses", justify="right")
    table.add_column("in the trail", overflow="fold")
    table.add_column("would be", overflow="fold")
    for way in ways[:MOST_WAYS]:
        table.add_row(f"{way.accesses:,}", *(_ruling(ruling) for ruling in way.transition))
    yield Text(title, style="bold")
    yield table
    if len(ways) > MOST_WAYS:
        rest = sum(way.accesses for way in ways[MOST_WAYS:])
        yield Text(
            f"and {rest:,} more in {len(ways) - MOST_WAYS} other ways; --output json has them all",
            style="dim",
        )


def _ruling(ruling: Ruling) -> Text:
    """Say a ruling in a line: what justifies by its clause, anything else by its reason."""
    why = ruling.clause if ruling.verdict == JUSTIFIED else ruling.reason
    how = " (derived)" if ruling.reason == "derived" else ""
    verdict = Text(ruling.verdict, style=VERDICT_STYLES.get(ruling.verdict, ""))
    return Text.assemble(verdict, " ", visible(why), how)


def _changes(changes: Sequence[Change]) -> Table:
    table = _table()
    table.add_column("time (UTC), who\nid", width=36, overflow="fold")
    table.add_column("customer\nsource", overflow="fold")
    table.add_column("in the trail\nwould be", overflow="fold")
    for change in changes:
        table.add_row(
            lines(
                Text.assemble(second(format_time(change.time)), "  ", visible(change.actor_id, "bold")),
                visible(change.id, "dim"),
            ),
            lines(
                visible("many or unknown" if change.customer_id == "*" else change.customer_id),
                visible(change.source, "dim"),
            ),
            lines(*(_ruling(ruling) for ruling in change.transition)),
        )
    return table

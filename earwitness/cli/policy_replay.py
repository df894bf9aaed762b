"""`earwitness policy replay`: what another policy version would have said of the history."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from earwitness import settings
from earwitness.cli import wiring
from earwitness.cli.output import OutputFormat, console, output_options, tell, write_json, write_rows
from earwitness.cli.replay_output import (
    CHANGE_COLUMNS,
    About,
    change_row,
    directions,
    document,
    headline,
    origin,
    report,
)
from earwitness.devstack.state import resolve
from earwitness.policy import Policy
from earwitness.policy_files import POLICY_FILE, read_policies, read_policy
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.history import History, Plan, Window
from earwitness.query.moments import parse_moment
from earwitness.replay.counting import Totals, total
from earwitness.replay.judging import Change, Judged, Transition, newest
from earwitness.replay.processes import ANSWER_WITHIN_S, MOST_PROCESSES, Task
from earwitness.replay.processes import replay as replay_history
from models.errors import PolicyInvalid, QueryRejected
from models.fields import format_time
from sinks.clickhouse.activity import Activity, ActivityLog
from sinks.clickhouse.client import Address, ClickHouse

MOST_LISTED: Final = 10_000


class Asked(NamedTuple):
    """What is to be replayed, and how it is to be shown."""

    policy: Policy
    window: Window
    limit: int
    output: OutputFormat
    processes: int


@click.command("replay")
@click.option(
    "--policy",
    "new",
    required=True,
    metavar="NEW",
    help="A policy.toml, its folder, or the name of a version in the folder of the policies.",
)
@click.option("--since", required=True, metavar="T", help="From this event time on, as 30d or 2026-01-31.")
@click.option("--until", metavar="T", help="Up to this event time, which is not included.  [default: now]")
@click.option(
    "--limit",
    type=click.IntRange(0, MOST_LISTED),
    default=20,
    show_default=True,
    metavar="N",
    help="Accesses listed by table and json, the newest; jsonl and csv list all.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, MOST_PROCESSES),
    metavar="N",
    help="Processes that judge at the same time.  [default: one for each core]",
)
@click.option(
    "--policies",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the policy versions.  [default: the policies_dir of the settings]",
)
@output_options
def replay(  # noqa: PLR0913, PLR0917 - one for each option
    new: str,
    since: str,
    until: str | None,
    limit: int,
    processes: int | None,
    folder: Path | None,
    output: OutputFormat,
    data_dir: Path | None,
) -> None:
    """Judge the history by another policy version, and show what would change. The trail stays as it is.

    \b
    Examples:
      earwitness policy replay --policy drafts/2027-01-01/policy.toml --since 30d
      earwitness policy replay --policy 2013-02-07 --since 2026-01-01 --until 2026-02-01
      earwitness policy replay --policy drafts/2027-01-01 --since 30d --output csv > changes.csv

    Every access is judged by NEW alone, whatever its effective_from, on the evidence that is known now, and
    compared with the newest verdict that the trail has. That this was done is recorded first. With jsonl and
    csv the accesses whose verdict changes come as they are found, in no particular order.

    """
    now = datetime.now(UTC)
    asked = Asked(
        policy=candidate(new, folder),
        window=_window(since, until, now),
        limit=limit,
        output=output,
        processes=processes or os.cpu_count() or 1,
    )
    address = wiring.clickhouse(resolve(data_dir, "api").clickhouse)
    record(address, asked)
    _answer(address, asked, now)


def candidate(new: str, folder: Path | None) -> Policy:
    """Read the policy version that is meant by a path or a name; a path that exists comes first.

    Leaves with exit code 2 where its file is broken, after every fault was named.
    """
    path = Path(new)
    file = path / POLICY_FILE if path.is_dir() else path
    try:
        if file.is_file():
            return read_policy(file)
        policies = read_policies(folder or settings.load().policies_dir)
    except PolicyInvalid as error:
        for fault in error.faults:
            tell(fault)
        raise click.exceptions.Exit(2) from error
    found = policies.version(new)
    if found is None:
        known = ", ".join(one.version for one in policies.policies)
        raise QueryRejected(
            f"{new!r} is neither a policy file, nor a folder that holds a {POLICY_FILE}, nor a version",
            f"the versions are {known}",
        )
    return found


def record(address: Address, asked: Asked) -> None:
    """Write to activity_log that history is replayed, before anything is answered."""
    until = f" --until {format_time(asked.window.until)}" if asked.window.until else ""
    activity = ActivityLog(ClickHouse(address))
    try:
        activity.write(
            Activity(
                id=uuid4(),
                time=datetime.now(UTC),
                principal=_principal(),
                surface="cli",
                action="policy.replay",
                query=f"--policy {asked.policy.version} (digest {asked.policy.digest})"
                f" --since {format_time(asked.window.since)}{until} --output {asked.output}",
            )
        )
    finally:
        activity.close()


def _window(since: str, until: str | None, now: datetime) -> Window:
    begin = parse_moment(since, now)
    end = None if until is None else parse_moment(until, now)
    if begin >= (end or now):
        ends = "now" if end is None else f"at {format_time(end)}"
        raise QueryRejected(
            f"no time to replay: it begins at {format_time(begin)} and ends {ends}",
            "let --since be before --until",
        )
    return Window(begin, end, received_until=now)


def _principal() -> str:
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # a container need not know its user by name


def _answer(address: Address, asked: Asked, now: datetime) -> None:
    store = ClickHouseStore(**address._asdict(), query_timeout_s=ANSWER_WITHIN_S)
    try:
        history = History(store)
        plan, evidence_version = history.plan(asked.window), history.evidence_version()
    finally:
        store.close()
    listed = asked.limit if asked.output in {"table", "json"} else None
    task = Task(
        address=address,
        document=asked.policy.document,
        digest=asked.policy.digest,
        window=asked.window,
        evidence_version=evidence_version,
        as_of=now,
        kept=listed,
    )
    about = About(asked.policy, asked.window, evidence_version, now)
    tell(f"judging {plan.accesses:,} accesses again; the trail stays as it is")
    found = Found(plan, replay_history(task, plan.slices, asked.processes))
    if listed is not None:
        _show(about, found, listed, asked.output)
        return
    write_rows((change_row(change) for change in found.changes()), CHANGE_COLUMNS, asked.output)
    totals = found.totals()
    for line in (headline(totals), directions(totals), *origin(about)):
        if line:
            tell(line)


def _show(about: About, found: "Found", listed: int, output: OutputFormat) -> None:
    changes: list[Change] = []
    for judged in found.judged():
        changes = newest([*changes, *judged.changes], listed)
    if output == "json":
        write_json(document(about, found.totals(), changes))
    else:
        console().print(report(about, found.totals(), changes))


class Found:
    """A replay under way: its results as they come, a bar on the terminal, and in the end the totals."""

    def __init__(self, plan: Plan, judged: Iterator[Judged]) -> None:
        self._plan = plan
        self._judged = judged
        self._transitions: Counter[Transition] = Counter()

    def judged(self) -> Iterator[Judged]:
        """Give the results as they come."""
        with _bar(self._plan.accesses) as bar:
            task = bar.add_task("reading the registers", total=self._plan.accesses)
            for judged in self._judged:
                self._transitions.update(judged.transitions)
                bar.update(task, description="judging", advance=judged.transitions.total(), refresh=True)
                yield judged

    def changes(self) -> Iterator[Change]:
        """Give the accesses whose verdict changes, as they are found."""
        for judged in self.judged():
            yield from judged.changes

    def totals(self) -> Totals:
        """Add up what has been judged so far."""
        return total(self._transitions)


def _bar(count: int) -> Progress:
    """Show how far the replay is, on a terminal only."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
        disable=not (sys.stderr.isatty() and count),
    )

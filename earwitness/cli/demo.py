"""`earwitness demo`: a labelled day of a telephony platform through the real stack."""

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from earwitness import settings
from earwitness.cli.explain import explain
from earwitness.cli.output import console as stdout_console
from earwitness.demo import show
from earwitness.demo.alerts import Message, alert_lines, an_inbox, wait_until_alerted, wait_until_told
from earwitness.demo.commands import command, to_bring_it_back, to_follow, to_go_on
from earwitness.demo.compare import as_found
from earwitness.demo.day import FEWEST_ACCESSES, Day, simulate
from earwitness.demo.embedded import embedded_pipeline
from earwitness.demo.labels import LabelledAccess
from earwitness.demo.progress import Progress
from earwitness.demo.run import run_day
from earwitness.demo.stack import stack_in
from models.verdict import JUSTIFIED

DEFAULT_ACCESSES: Final = 20_000
MOST_ACCESSES: Final = 1_000_000
DEFAULT_DATA_DIR: Final = Path(".earwitness-demo")
EXPLAINED: Final = "another_customers_ticket"
"""The kind of scene of which one access is explained in full."""

_SEED_BITS: Final = 32


@click.command()
@click.option(
    "--accesses",
    type=click.IntRange(FEWEST_ACCESSES, MOST_ACCESSES),
    default=DEFAULT_ACCESSES,
    show_default=True,
    metavar="N",
    help="How many accesses the day holds.",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=DEFAULT_DATA_DIR,
    show_default=True,
    help="Folder of the stack; one that runs there is used.",
)
@click.option("--keep", is_flag=True, help="Leave the stack running at the end.")
@click.option("--seed", type=click.IntRange(min=0), metavar="S", help="Make the same scenes again.")
def demo(accesses: int, data_dir: Path, keep: bool, seed: int | None) -> None:  # noqa: FBT001 - click's
    """Send a made-up day of a telephony platform through the real stack, and show what comes out.

    \b
    Examples:
      earwitness demo
      earwitness demo --accesses 5000 --keep

    Misuse is hidden in it. Every access carries a label that says which verdict it must get; the exit
    code is 1 where any gets another, is missing or is doubled.
    """
    values = settings.load()
    progress = Progress(Console(stderr=True, highlight=False))
    began_s = time.monotonic()
    with an_inbox() as inbox, stack_in(data_dir, values.maven_url, progress) as stack:
        if keep:
            stack.leave_running()
        day = _make_up_a_day(accesses, secrets.randbits(_SEED_BITS) if seed is None else seed, progress)
        with embedded_pipeline(data_dir) as pipeline:
            outcome = run_day(day, pipeline, progress)
            with progress.step("Wait until what nothing justifies has raised its alerts") as report:
                unalerted = wait_until_alerted(pipeline.ask, day.tag, report)
            alerts = alert_lines(pipeline.ask, day.tag)
        messages: list[Message] = []
        if inbox is not None:
            with progress.step("Wait until a receiver of webhooks was told of them") as report:
                messages = wait_until_told(inbox, alerts, report)
        progress.note(f"{time.monotonic() - began_s:.0f} s in all")
        shown = as_found(day.accesses, outcome.rows)
        example = _example(day)
        _show_the_day(day, shown)
        show.show_alerts(stdout_console(), alerts, messages, to_follow(alerts, data_dir))
        if unalerted:
            click.echo(f"{unalerted:,} accesses that nothing justifies raised no alert", err=True)
            raise click.exceptions.Exit(1)
        if outcome.surprises:
            show.show_surprises(stdout_console(), outcome.surprises)
            raise click.exceptions.Exit(1)
        show.show_proof(stdout_console(), len(shown))
        _show_one_explained(example, data_dir)
    _show_what_to_do_next(example, data_dir, stack_is_up=stack.stays)


def _make_up_a_day(accesses: int, seed: int, progress: Progress) -> Day:
    with progress.step(f"Make up a day of {accesses:,} accesses (seed {seed})"):
        return simulate(datetime.now(UTC), seed, accesses)


def _show_the_day(day: Day, shown: list[LabelledAccess]) -> None:
    screen = stdout_console()
    screen.print()
    screen.print(
        f"A day of a telephony platform: {len(shown):,} accesses, and {len(day.evidence):,} records in its "
        "registers.",
        style="bold",
    )
    show.show_justified(screen, shown)
    show.show_not_justified(screen, shown)


def _example(day: Day) -> LabelledAccess:
    """Choose the access to look at closely: the latest misuse of one kind."""
    return next(
        access
        for access in reversed(day.accesses)
        if access.kind == EXPLAINED and access.label.verdict != JUSTIFIED
    )


def _show_one_explained(example: LabelledAccess, data_dir: Path) -> None:
    show.show_heading(stdout_console(), "One access explained")
    click.echo(f"$ {command(data_dir, 'explain', example.id)}\n")
    if explain.main([example.id, "--data-dir", str(data_dir)], standalone_mode=False):
        raise click.exceptions.Exit(1)


def _show_what_to_do_next(example: LabelledAccess, data_dir: Path, *, stack_is_up: bool) -> None:
    screen = stdout_console()
    show.show_heading(screen, "To go on")
    if not stack_is_up:
        show.show_commands(screen, [to_bring_it_back(data_dir)])
    show.show_commands(screen, to_go_on(example, data_dir))

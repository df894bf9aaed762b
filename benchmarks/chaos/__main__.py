"""`make chaos`: kill what can be killed, round after round, until enough was killed and counted."""

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.chaos import report
from benchmarks.chaos.campaign import Shape, conclude, run_round, where_it_stands
from benchmarks.chaos.journal import Begun, Ended, Journal, code_digest
from benchmarks.chaos.plan import ENOUGH_EVENTS, ENOUGH_KILLS, KILLS, PROFILES
from benchmarks.chaos.world import World
from earwitness.settings import ROOT

DATA: Final = ROOT / ".chaos"
REPORTS: Final = ROOT / "docs" / "reports"

Say = Callable[[str], None]

_REPORT_NAMES: Final = {"kills": "kill-campaign.md", "zombies": "kill-campaign-in-other-ways.md"}


def main() -> int:
    """Go on with the campaign of the data folder; exit 1 where anything was lost or doubled."""
    asked = _arguments()
    console = Console(stderr=True, soft_wrap=True)

    def say(what: str) -> None:
        console.print(f"{time.strftime('%H:%M:%S')} {what}", highlight=False, markup=False)

    # It logs with a trace that a server is away, which is what this is about.
    logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)
    asked.data_dir.mkdir(parents=True, exist_ok=True)
    journal = Journal(asked.data_dir, kept=asked.report.with_suffix(""))
    if asked.report_only:
        _report(journal, asked.report)
        return 0
    try:
        return asyncio.run(_campaign(asked, journal, say))
    except asyncio.CancelledError:
        say("interrupted; the next run goes on from here")
        return 130


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument(
        "--profile", choices=sorted(PROFILES), default=KILLS.name, help="which ways to break it"
    )
    parser.add_argument(
        "--kills", type=int, default=ENOUGH_KILLS, help="stop after so many kills with SIGKILL"
    )
    parser.add_argument("--events", type=int, default=ENOUGH_EVENTS, help="and so many acknowledged events")
    parser.add_argument("--rounds", type=int, default=10_000, help="most rounds in this run")
    parser.add_argument("--seed-base", type=int, default=20_130_207, help="round N has the seed BASE + N")
    parser.add_argument("--storm-s", type=float, default=210.0, help="how long faults fall in a round")
    parser.add_argument(
        "--lonely-kills", type=int, default=2, help="workers killed alone in a round, to measure"
    )
    parser.add_argument(
        "--steady-s", type=float, default=20.0, help="how long servers run before one is hit again"
    )
    parser.add_argument("--sdk-per-second", type=float, default=150.0, help="accesses of each SDK producer")
    parser.add_argument(
        "--bulk-per-second", type=float, default=1_600.0, help="accesses of each bulk producer"
    )
    parser.add_argument("--data-dir", type=Path, help="where the campaign lives, and goes on")
    parser.add_argument("--first-port", type=int, help="four ports from here on; otherwise free ones")
    parser.add_argument(
        "--report",
        type=Path,
        help="the report, written after every round; beside it, in a folder of its name, the rounds' records",
    )
    parser.add_argument("--report-only", action="store_true", help="write the report anew, and run nothing")
    asked = parser.parse_args()
    asked.data_dir = asked.data_dir or DATA / asked.profile
    asked.report = asked.report or REPORTS / _REPORT_NAMES[asked.profile]
    return asked


async def _campaign(asked: argparse.Namespace, journal: Journal, say: Say) -> int:
    running = asyncio.current_task()
    if running is not None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    per_second = {"sdk": asked.sdk_per_second, "bulk": asked.bulk_per_second}
    world = World(asked.data_dir, _ports(asked.first_port), per_second, say)
    world.clean()
    if report.is_wrong(journal):
        say(f"a round went wrong; its folder under {journal.folder} says how: keep it, begin in another")
        return 1
    if _is_done(asked, journal):
        say("nothing left to do")
        return 0
    try:
        await world.start(
            between_broker=any(act == "part_from_broker" for act, _ in PROFILES[asked.profile].actions)
        )
        await _finish_interrupted(world, journal, say)
        return await _rounds(asked, world, journal, say)
    finally:
        await world.stop()


async def _rounds(asked: argparse.Namespace, world: World, journal: Journal, say: Say) -> int:
    shape = Shape(asked.storm_s, asked.lonely_kills, asked.steady_s)
    code = code_digest(ROOT)
    for _ in range(asked.rounds):
        if report.is_wrong(journal):
            return 1
        if _is_done(asked, journal):
            return 0
        number = len(journal.rounds) + 1
        begun = Begun(
            number=number,
            profile=asked.profile,
            seed=asked.seed_base + number,
            code=code,
            began_at=time.time(),
            since=await where_it_stands(world),
        )
        ended = await run_round(world, journal, begun, shape, say)
        _tell(number, ended, journal, say)
        _report(journal, asked.report)
    return 1 if report.is_wrong(journal) else 0


async def _finish_interrupted(world: World, journal: Journal, say: Say) -> None:
    for at in journal.rounds:
        if at.ended is None:
            say(f"round {at.begun.number} was interrupted: it is judged by what happened until then")
            _tell(at.begun.number, await conclude(world, at), journal, say)


def _report(journal: Journal, path: Path) -> None:
    journal.keep()
    report.write(journal, path)


def _tell(number: int, ended: Ended, journal: Journal, say: Say) -> None:
    totals = report.add_up(journal)
    say(
        f"round {number}: {'right' if ended.right else 'WRONG'}; {ended.rows:,} rows, {len(ended.lost)} lost,"
        f" {len(ended.doubled)} doubled, {len(ended.wrong)} discrepancies,"
        f" stalled {ended.longest_stall_s:.1f} s, drained in {ended.drained_in_s:.1f} s;"
        f" so far {totals.kills:,} kills, {totals.acknowledged:,} events"
    )
    for line in (*ended.wrong[:20], *ended.worker_failures):
        say(f"  {line}")


def _is_done(asked: argparse.Namespace, journal: Journal) -> bool:
    totals = report.add_up(journal)
    enough: bool = totals.kills >= asked.kills and totals.acknowledged >= asked.events
    return enough


def _ports(first: int | None) -> dict[str, int]:
    if first is None:
        return {}
    names = ("kafka", "kafka_controller", "clickhouse", "api")
    return {name: first + at for at, name in enumerate(names)}


if __name__ == "__main__":
    sys.exit(main())

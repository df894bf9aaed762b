"""A real stack for one drill, and what may be asked of its trail when the drill is over."""

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import psutil
from clickhouse_driver import Client
from clickhouse_driver.errors import Error

from earwitness.cli import wiring
from earwitness.devstack import control, state
from earwitness.devstack.layout import Layout, layout_of
from earwitness.devstack.supervisor import Options
from earwitness.settings import Settings
from models.topics import ACCESS_EVENTS
from sinks.clickhouse.client import Address

ASKED_EVERY_S: Final = 0.5


class Unsettled(Exception):
    """What a drill waited for did not happen in time."""


class Stage:
    """A stack in a folder of its own; it may be stopped and started again."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    @property
    def layout(self) -> Layout:
        """Where its files are."""
        return layout_of(self.data_dir)

    def start(self, workers: int) -> None:
        """Start it, and return when it is ready."""
        control.fetch_kafka(Settings().maven_url, print)
        control.start_detached(Options(data_dir=self.data_dir, workers=workers))

    def stop(self) -> None:
        """Stop it; its data stay."""
        control.stop(self.layout, lambda _: None)

    def kafka(self, role: str) -> dict[str, Any]:
        """Give the keyword arguments of kafka-python for a role."""
        return wiring.kafka(state.settings_for(self.data_dir, role).kafka).arguments()

    def clickhouse(self) -> Address:
        """Give the address of ClickHouse, as its administrator."""
        return wiring.clickhouse(state.settings_for(self.data_dir, "admin").clickhouse)

    def process(self, name: str) -> psutil.Process:
        """Give a process of the stack as it runs now."""
        for found in state.read(self.data_dir).processes:
            if found.name == name and found.pid is not None:
                return psutil.Process(found.pid)
        raise Unsettled(f"{name} does not run")

    def log_of(self, name: str) -> str:
        """Give what a process has logged."""
        return self.layout.log(name).read_text(encoding="utf-8", errors="replace")

    def ask(self, query: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Ask ClickHouse."""
        logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)  # failing to connect is part of it
        client = Client(**self.clickhouse()._asdict())
        try:
            answer: list[tuple[Any, ...]] = client.execute(query, parameters)
        finally:
            client.disconnect()
        return answer


@contextmanager
def stage(workers: int) -> Iterator[Stage]:
    """Run a stack in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="earwitness-drill-"))
    running = Stage(folder / "data")
    try:
        running.start(workers)
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def until(happened: Callable[[], bool], what: str, within_s: float) -> float:
    """Wait until something happened; give the seconds that took. Raises `Unsettled`."""
    began_at = time.monotonic()
    while not _answered(happened):
        if time.monotonic() - began_at > within_s:
            raise Unsettled(f"{what}: not within {within_s:.0f} s")
        time.sleep(ASKED_EVERY_S)
    return time.monotonic() - began_at


def stored_ids(stage: Stage, source: str) -> list[str]:
    """Give the id of each row of a source; one that is doubled comes twice."""
    query = "SELECT toString(id) FROM access_log WHERE source = %(source)s"
    return [row[0] for row in stage.ask(query, {"source": source})]


def faults_of(stage: Stage, source: str, acknowledged: Collection[str]) -> list[str]:
    """Say what is wrong: rows that are missing or doubled, and where the ledger disagrees with the table."""
    stored = stored_ids(stage, source)
    faults: list[str] = []
    if missing := len(set(acknowledged) - set(stored)):
        faults.append(f"{missing} acknowledged accesses are not stored")
    if doubled := len(stored) - len(set(stored)):
        faults.append(f"{doubled} rows too many")
    return faults + ledger_faults(stage)


def ledger_faults(stage: Stage) -> list[str]:
    """Compare each range of the ledger with rows and dead letters, and each with the one before it."""
    ledger = stage.ask(
        "SELECT partition, first_offset, last_offset, row_count, dead_letter_count FROM range_ledger"
        " WHERE topic = %(topic)s ORDER BY partition, first_offset",
        {"topic": ACCESS_EVENTS},
    )
    rows = _offsets(stage, "SELECT partition, offset FROM access_log WHERE topic = %(topic)s")
    letters = _offsets(stage, "SELECT DISTINCT partition, offset FROM dead_letters WHERE topic = %(topic)s")
    faults: list[str] = []
    for partition, first, last, row_count, letter_count in ledger:
        counted = tuple(
            sum((partition, offset) in kept for offset in range(first, last + 1)) for kept in (rows, letters)
        )
        if counted != (row_count, letter_count):
            faults.append(
                f"{partition}:{first}-{last} has {counted} and the ledger says {row_count}, {letter_count}"
            )
    for before, after in pairwise(ledger):
        if before[0] == after[0] and after[1] != before[2] + 1:
            faults.append(f"{after[0]}:{after[1]} does not follow {before[2]}")
    return faults


def _offsets(stage: Stage, query: str) -> set[tuple[int, int]]:
    return {(partition, offset) for partition, offset in stage.ask(query, {"topic": ACCESS_EVENTS})}


def _answered(happened: Callable[[], bool]) -> bool:
    try:
        return happened()
    except (Error, EOFError, OSError):
        return False

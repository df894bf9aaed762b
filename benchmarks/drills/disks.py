"""`make disk-drill`: the disk of ClickHouse is full, then that of Kafka. Needs root, to mount small ones."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.drills.load import Load
from benchmarks.drills.reporting import Report, written_to
from benchmarks.drills.stage import Stage, Unsettled, faults_of, stored_ids, until
from earwitness.devstack import state
from earwitness.devstack.check_stack import check_stack
from earwitness.devstack.layout import prepare

RATE: Final = 300
SIZE_MB: Final = 600
FILLED_MB_PER_S: Final = 40.0
"""Fast for a disk, and slow enough for a merge under way to end in the room that ClickHouse keeps."""

FULL_FOR_S: Final = 30.0
RECOVERED_WITHIN_S: Final = 240.0


def main() -> int:
    """Fill each disk while accesses flow, make room, and write the report; 1 where anything was lost."""
    report = Report(
        "Full disks",
        f"Kafka's and ClickHouse's data lie on file systems of {SIZE_MB} MB. Each is filled while accesses"
        " flow, stays full for a while, and is given room again.",
    )
    with _stage() as running:
        for name, drill in (("clickhouse", _clickhouse_full), ("kafka", _kafka_full)):
            report.heading(f"The disk of {name} is full for {FULL_FOR_S:.0f} s")
            drill(running, report)
    return written_to("full-disks", report)


def _clickhouse_full(running: Stage, report: Report) -> None:
    source = "/drills/clickhouse-full"
    worker = running.process("worker-1")
    with Load(running.kafka("producer"), source, RATE) as load:
        time.sleep(3)
        with _full(running.layout.clickhouse / "data"):
            time.sleep(FULL_FOR_S)
            _say_what_is_said(running, report)
    _recovered(running, report, load, source)
    report.say(f"the worker went on without a restart: {worker.is_running()}")


def _kafka_full(running: Stage, report: Report) -> None:
    source = "/drills/kafka-full"
    with Load(running.kafka("producer"), source, RATE) as load:
        time.sleep(3)
        with _full(running.layout.kafka / "data"):
            time.sleep(FULL_FOR_S)
            _say_what_is_said(running, report)
        until(lambda: state.read(running.data_dir).ready, "Kafka is back", RECOVERED_WITHIN_S)
        time.sleep(10)
    _recovered(running, report, load, source)
    kafka = next(process for process in state.read(running.data_dir).processes if process.name == "kafka")
    report.say(f"Kafka was started again {kafka.restarts} times")


def _say_what_is_said(running: Stage, report: Report) -> None:
    """Note what `status` and `doctor` say meanwhile; a fault where that is nothing about a disk."""
    problem = str(state.read(running.data_dir).problem)
    here = str(running.data_dir)
    report.say(f"`status`: {problem.replace(here, '…')}")
    if "is full" not in problem:
        report.faults.append(f"status does not name the full disk: {problem}")
    doctor = [check for check in check_stack(running.layout) if check.outcome == "fail"]
    told = f"{doctor[0].name}: {doctor[0].detail.replace(here, '…')}" if doctor else "all is well"
    report.say(f"`doctor`: {told}")


def _recovered(running: Stage, report: Report, load: Load, source: str) -> None:
    try:
        took_s = until(
            lambda: len(set(stored_ids(running, source))) >= len(load.acknowledged),
            f"{source} is stored",
            RECOVERED_WITHIN_S,
        )
        report.say(
            f"all {len(load.acknowledged)} that Kafka acknowledged are stored {took_s:.1f} s after the load"
        )
    except Unsettled as error:
        report.faults.append(str(error))
    report.faults += [f"{source}: {fault}" for fault in faults_of(running, source, load.acknowledged)]


@contextmanager
def _full(folder: Path) -> Iterator[None]:
    """Leave no byte free."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        _fill(file.write)
        try:
            yield
        finally:
            filler.unlink()


def _fill(write: Callable[[bytes], int]) -> None:
    for size in (1 << 20, 4096, 1):
        try:
            while True:
                write(b"x" * size)
                time.sleep(size / (1 << 20) / FILLED_MB_PER_S)
        except OSError:
            continue


@contextmanager
def _stage() -> Iterator[Stage]:
    folder = Path(tempfile.mkdtemp(prefix="earwitness-drill-"))
    running = Stage(folder / "data")
    prepare(running.layout)
    with ExitStack() as mounted:
        mounted.callback(shutil.rmtree, folder, ignore_errors=True)
        for part in (running.layout.kafka, running.layout.clickhouse):
            data = part / "data"
            data.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "none", data], check=True)
            mounted.callback(partial(subprocess.run, ["umount", data], check=True))
        mounted.callback(running.stop)
        running.start(workers=2)
        yield running


if __name__ == "__main__":
    sys.exit(main())

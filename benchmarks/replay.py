"""How long `earwitness policy replay` takes for ten million accesses, and what it needs.

Run from the root of the repository: python -m benchmarks.replay [--rows 10000000]. It makes up a history
whose verdicts are known, replays it by the policy it was judged by, which must change nothing, and by a
stricter one, which must change exactly the accesses of two clauses; the latter are written to a file.
"""

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from clickhouse_driver import Client

from benchmarks import history
from benchmarks.keeping import keep
from earwitness.cli import wiring
from earwitness.devstack import control, state
from earwitness.devstack.layout import layout_of
from earwitness.devstack.supervisor import Options
from earwitness.policy_files import POLICY_FILE, read_policies
from earwitness.settings import ROOT, Settings
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.trail import ClickHouseTrail

RESULTS: Final = Path(__file__).parent / "results" / "replay.json"
SHIPPED: Final = ROOT / "policies"
POLL_S: Final = 0.2
BEGAN_DAYS_AGO: Final = 20
STRICTER: Final = (
    ('resource_types = ["sms_content", "sms_detail"]', 'resource_types = ["sms_detail"]'),
    ('purpose = "related_company"', 'purpose = "affiliated_company"'),
)
"""What a stricter version says otherwise; the accesses of these two purposes are no longer justified."""


class Round(NamedTuple):
    """One replay. CPU seconds of all its processes and of ClickHouse; megabytes of its largest process."""

    accesses: int
    changed: int
    seconds: float
    accesses_per_s: float
    cpu_s: float
    clickhouse_cpu_s: float
    largest_process_mb: float
    load_before: float


def main() -> int:
    """Make the history, replay it twice, print and keep the results; 1 where a count is not as it must be."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="earwitness-replay-") as folder:
        data_dir = Path(folder) / "data"
        control.fetch_kafka(Settings().maven_url, _say)
        stack = control.start_detached(Options(data_dir=data_dir, workers=0))
        try:
            expected = _fill(data_dir, asked.rows, asked.evidence)
            server = next(part.pid for part in stack.processes if part.name.startswith("clickhouse"))
            clickhouse = psutil.Process(server or 0)
            measure = _Measure(data_dir, clickhouse, asked.processes)
            today = measure.replay(_shipped_version(), Path(folder) / "today", "json")
            stricter = measure.replay(_stricter(Path(folder)), Path(folder) / "stricter", "jsonl")
        finally:
            control.stop(layout_of(data_dir), _say)
    wrong = today.changed != 0 or stricter.changed != expected or today.accesses != asked.rows
    rounds = {"the version in effect": today, "a stricter version, changes streamed": stricter}
    for name, taken in rounds.items():
        print(f"{name}: {taken.seconds:.1f} s, {taken.accesses_per_s:,.0f} accesses/s, {taken}")
    if wrong:
        print(
            f"WRONG: {expected:,} accesses should have changed under the stricter version, none under today's"
        )
        return 1
    _keep(rounds, asked)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--evidence", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _fill(data_dir: Path, rows: int, evidence: int) -> int:
    """Make the history; say how many accesses the stricter version must change."""
    _say(f"making {rows:,} accesses and {evidence:,} evidence records")
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begun = midnight - timedelta(days=BEGAN_DAYS_AGO)
    writer = ClickHouse(wiring.clickhouse(state.settings_for(data_dir, "worker").clickhouse))
    history.write_register(ClickHouseTrail(writer), begun, evidence)
    writer.close()
    client = Client(**wiring.clickhouse(state.settings_for(data_dir, "admin").clickhouse)._asdict())
    judged_by = read_policies(SHIPPED).policies[-1]
    history.write_accesses(
        client, begun, rows=rows, records=evidence, version=judged_by.version, digest=judged_by.digest
    )
    ((expected,),) = client.execute(
        "SELECT countIf(purpose IN ('process_sms', 'related_company')) FROM access_log"
    )
    client.disconnect()
    return int(expected)


def _shipped_version() -> str:
    return read_policies(SHIPPED).policies[-1].version


def _stricter(folder: Path) -> str:
    (shipped,) = SHIPPED.glob(f"*/{_shipped_version()}/{POLICY_FILE}")
    text = shipped.read_text(encoding="utf-8")
    for before, after in STRICTER:
        text = text.replace(before, after)
    draft = folder / POLICY_FILE
    draft.write_text(text, encoding="utf-8")
    return str(draft)


class _Measure:
    """Runs the command and watches its processes."""

    def __init__(self, data_dir: Path, clickhouse: psutil.Process, processes: int) -> None:
        self._data_dir = data_dir
        self._clickhouse = clickhouse
        self._processes = processes

    def replay(self, policy: str, answer: Path, output: str) -> Round:
        """Replay all of history by `policy`; the answer goes into a file."""
        command = [
            *(sys.executable, "-m", "earwitness.cli.main", "policy", "replay", "--policy", policy),
            *("--since", f"{BEGAN_DAYS_AGO + 1}d", "--output", output),
            *("--processes", str(self._processes), "--data-dir", str(self._data_dir)),
        ]
        load, begun = os.getloadavg()[0], time.monotonic()
        spent, server_spent = _cpu_of_children_s(), _cpu_s(self._clickhouse)
        largest = 0
        with answer.open("w", encoding="utf-8") as file:
            process = psutil.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.PIPE, text=True)
            while process.poll() is None:
                largest = max(largest, _largest_bytes(process))
                time.sleep(POLL_S)
        seconds, told = time.monotonic() - begun, process.stderr.read()
        if process.returncode:
            raise SystemExit(told)
        accesses = int(told.split()[1].replace(",", ""))  # "judging 10,000,000 accesses …"
        return Round(
            accesses=accesses,
            changed=_changed(answer, output),
            seconds=seconds,
            accesses_per_s=accesses / seconds,
            cpu_s=_cpu_of_children_s() - spent,
            clickhouse_cpu_s=_cpu_s(self._clickhouse) - server_spent,
            largest_process_mb=largest / 1e6,
            load_before=load,
        )


def _changed(answer: Path, output: str) -> int:
    if output == "json":
        return int(json.loads(answer.read_text(encoding="utf-8"))["changed"])
    with answer.open(encoding="utf-8") as lines:
        return sum(1 for _ in lines)


def _cpu_of_children_s() -> float:
    """Count the CPU seconds of all processes that have ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cpu_s(process: psutil.Process) -> float:
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def _largest_bytes(process: psutil.Process) -> int:
    """Say how much memory the largest of a process and its children holds."""
    held = [0]  # where they have just ended
    with contextlib.suppress(psutil.NoSuchProcess):
        held += [each.memory_info().rss for each in (process, *process.children(recursive=True))]
    return max(held)


def _keep(rounds: dict[str, Round], asked: argparse.Namespace) -> None:
    kept = {
        "versions": {name: version(name) for name in ("clickhouse-driver", "pydantic", "chdb-core")},
        "settings": {"rows": asked.rows, "evidence": asked.evidence, "processes": asked.processes},
        "rounds": {name: taken._asdict() for name, taken in rounds.items()},
    }
    keep(RESULTS, kept)


if __name__ == "__main__":
    sys.exit(main())

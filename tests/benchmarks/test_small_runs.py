"""The benchmarks of latency and scale run, and keep what the model of capacity reads."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.capacity import measured, needs
from earwitness.settings import ROOT

SMALL = ("--accesses", "4000", "--different", "1000", "--evidence", "500", "--rounds", "1")
LATEST: dict[str, Any] = {
    "storage_bytes_per_event": {"total": 80.0},
    "contenders": {"earwitness": {"resident_mb": 300.0}},
}


def run(module: str, results: Path, *arguments: str) -> dict[str, Any]:
    """Run a benchmark as its users do; give what it kept."""
    subprocess.run(
        [sys.executable, "-m", module, *SMALL, "--results", str(results), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=300,
        check=True,
    )
    kept: dict[str, Any] = json.loads(results.read_bytes())
    return kept


def test_small_runs_keep_what_capacity_is_computed_from(tmp_path: Path) -> None:
    """Their figures say nothing; that there are figures does."""
    latency = run("benchmarks.latency", tmp_path / "latency.json", "--lone", "1", "--seconds", "1")
    scale = run("benchmarks.scale", tmp_path / "scale.json")
    assert latency["lone"]["p99_s"] > 0
    assert scale["workers"]["4"]["cpu_beside_one"] > 0
    found = needs(measured(LATEST, scale, latency), 1_000_000)
    assert found.workers > 2
    assert found.kafka_cores > 0

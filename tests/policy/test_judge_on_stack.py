"""`earwitness judge` by the registers of a running stack."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from earwitness.cli.evidence import evidence
from earwitness.cli.judge import judge
from tests.conftest import Stack

pytestmark = pytest.mark.stack

KNOWN_WITHIN_S: Final = 30.0


def test_without_a_file_the_registers_of_the_stack_count(stack: Stack, tmp_path: Path) -> None:
    """What the API lists is judged by, and nothing is published."""
    ref = "ticket:dry-run"
    complaint = {
        "ref": ref,
        "kind": "complaint",
        "customer_ids": ["dry-customer"],
        "valid_from": "2026-01-01T00:00:00Z",
    }
    data_dir = ["--data-dir", str(stack.data_dir)]
    put = CliRunner().invoke(evidence, ["put", "-", *data_dir], input=json.dumps(complaint))
    assert put.exit_code == 0, put.output
    event = {
        "id": "0190b5a2-7c1d-7e5f-8a3b-00000000d0d0",
        "time": datetime.now(UTC).isoformat(),
        "source": "/tests/dry-run",
        "actor_type": "vendor",
        "actor_id": "v-1",
        "organization": "dry-vendor",
        "action": "read",
        "resource_type": "call_recording",
        "resource_id": "rec-1",
        "customer_id": "dry-customer",
        "evidence_ref": ref,
    }
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps(event), encoding="utf-8")
    deadline = time.monotonic() + KNOWN_WITHIN_S
    reason = "evidence_not_found"
    while reason == "evidence_not_found" and time.monotonic() < deadline:
        judged = CliRunner().invoke(judge, [str(events), *data_dir])
        assert judged.exit_code == 0, judged.output
        reason = json.loads(judged.stdout)["reason"]
    assert reason == "purpose_not_declared"
    client = stack.clickhouse("admin")
    try:
        stored = client.execute("SELECT count() FROM access_log WHERE source = '/tests/dry-run'")
    finally:
        client.disconnect()
    assert stored == [(0,)]

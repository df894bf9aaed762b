"""What the SDK's tests do with the real Kafka, and how they see what was stored."""

import os
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

from clickhouse_driver import Client
from earwitness_sdk import Kafka

from earwitness.cli import sdk_wiring
from tests import processes
from tests.conftest import Stack

STORED_WITHIN_S = 30


def kafka_of(stack: Stack, role: str = "producer") -> Kafka:
    return sdk_wiring.kafka(stack.settings(role).kafka)


def environment(stack: Stack, source: str, spool: Path) -> dict[str, str]:
    kafka = kafka_of(stack)
    return {
        **os.environ,
        "EARWITNESS_SDK__SOURCE": source,
        "EARWITNESS_SDK__SPOOL": str(spool),
        "EARWITNESS_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "EARWITNESS_KAFKA__USERNAME": kafka.username or "",
        "EARWITNESS_KAFKA__PASSWORD": kafka.password or "",
    }


def asleep(stack: Stack, name: str) -> AbstractContextManager[None]:
    (pid,) = [process.pid for process in stack.state.processes if process.name == name]
    return processes.asleep(pid)


def rows(stack: Stack, source: str) -> list[tuple[str, int]]:
    client: Client = stack.clickhouse("admin")
    try:
        found: list[tuple[str, int]] = client.execute(
            "SELECT producer, sequence FROM access_log WHERE source = %(source)s ORDER BY producer, sequence",
            {"source": source},
        )
        return found
    finally:
        client.disconnect()


def await_rows(stack: Stack, source: str, count: int) -> list[tuple[str, int]]:
    until = time.monotonic() + STORED_WITHIN_S
    while len(found := rows(stack, source)) < count and time.monotonic() < until:
        time.sleep(0.2)
    assert len(found) == count
    return found


PREAMBLE = """
import os, sys
from earwitness_sdk import Recorder
recorder = Recorder.from_environment()
fields = dict(actor_type='employee', actor_id='e-1', action='listen', customer_id='acme',
    resource_type='call_recording', resource_id='rec-9')
"""


def start(stack: Stack, source: str, program: str, spool: Path) -> "subprocess.Popen[str]":
    """Run a small service that has a `recorder` and the `fields` of an access."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PREAMBLE + program],
        env=environment(stack, source, spool),
        stdout=subprocess.PIPE,
        text=True,
    )


def run(stack: Stack, source: str, program: str, spool: Path) -> str:
    """Run one to its end, and give what it printed."""
    process = start(stack, source, program, spool)
    try:
        printed, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    return printed

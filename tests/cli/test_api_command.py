"""`earwitness api` as a process: how it starts, what it refuses, how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from earwitness.settings import ROOT
from tests.conftest import Stack

pytestmark = pytest.mark.stack

READY_WITHIN_S = 20.0
ENDS_WITHIN_S = 20.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def environment(stack: Stack, port: int, **changes: str) -> dict[str, str]:
    given = stack.settings("api")
    ours = {
        "EARWITNESS_CLICKHOUSE__HOST": given.clickhouse.host,
        "EARWITNESS_CLICKHOUSE__PORT": str(given.clickhouse.port),
        "EARWITNESS_CLICKHOUSE__USERNAME": given.clickhouse.username,
        "EARWITNESS_CLICKHOUSE__PASSWORD": given.clickhouse.password.get_secret_value(),
        "EARWITNESS_CLICKHOUSE__READER_PASSWORD": given.clickhouse.reader_password.get_secret_value(),
        "EARWITNESS_API__PORT": str(port),
        "EARWITNESS_API__TOKEN": "a-token",
        **changes,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EARWITNESS_")}
    return {**kept, "PYTHONPATH": str(ROOT), **ours}


def start(env: Mapping[str, str], folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "earwitness.cli.main", "api"]
    return subprocess.Popen(command, env=dict(env), cwd=folder, stderr=subprocess.PIPE, text=True)


def refusal(env: Mapping[str, str], folder: Path) -> tuple[int, str]:
    process = start(env, folder)
    _, said = process.communicate(timeout=ENDS_WITHIN_S)
    return process.returncode, said


def becomes_ready(url: str) -> bool:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/healthz", trust_env=False).json() == {"ready": True}:
                return True
        except httpx.HTTPError:
            time.sleep(0.1)
    return False


def test_it_serves_until_it_is_told_to_stop(stack: Stack, tmp_path: Path) -> None:
    """A supervisor sends SIGTERM and expects a clean end."""
    port = free_port()
    process = start(environment(stack, port), tmp_path)
    url = f"http://127.0.0.1:{port}"
    try:
        assert becomes_ready(url)
        headers = {"Authorization": "Bearer a-token"}
        assert httpx.get(f"{url}/api/v1/search", headers=headers, trust_env=False).status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=ENDS_WITHIN_S)
    assert (process.returncode, said) == (0, "")


def test_without_clickhouse_it_runs_but_is_not_ready(stack: Stack, tmp_path: Path) -> None:
    """ClickHouse may come later, or come back; the API need not be started again then."""
    port = free_port()
    process = start(environment(stack, port, EARWITNESS_CLICKHOUSE__PORT="1"), tmp_path)
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        answer = None
        while answer is None and time.monotonic() < deadline:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
            except httpx.ConnectError:
                time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=ENDS_WITHIN_S)
    assert answer is not None
    assert (answer.status_code, answer.json()) == (503, {"ready": False})


def test_a_taken_port_is_named(stack: Stack, tmp_path: Path) -> None:
    """With the setting that chooses another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refusal(environment(stack, port), tmp_path)
    assert code == 2
    assert f"EARWITNESS_API__PORT (api.port): cannot listen on 127.0.0.1:{port}" in said


def test_it_does_not_start_without_a_token(stack: Stack, tmp_path: Path) -> None:
    """An API that lets everyone in is worse than none."""
    code, said = refusal(environment(stack, free_port(), EARWITNESS_API__TOKEN=""), tmp_path)
    assert code == 2
    assert "EARWITNESS_API__TOKEN" in said


def test_it_does_not_start_without_a_policy(stack: Stack, tmp_path: Path) -> None:
    """It could not explain anything, and would notice only when asked."""
    code, said = refusal(environment(stack, free_port(), EARWITNESS_POLICIES_DIR=str(tmp_path)), tmp_path)
    assert code != 0
    assert "holds no policy" in said

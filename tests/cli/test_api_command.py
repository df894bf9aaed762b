"""`earwitness api` as a process: how it starts, what it refuses, how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from earwitness.cli.client import ApiClient
from earwitness.cli.held import await_visible
from earwitness.settings import ROOT
from tests.conftest import Stack
from tests.registers.deliveries import SECRET, a_ticket, body_of, zendesk_headers

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
        "EARWITNESS_CLICKHOUSE__SCOPES_PASSWORD": given.clickhouse.scopes_password.get_secret_value(),
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


def registers_file(folder: Path, secret: bytes) -> Path:
    """A register of tickets that Zendesk may tell of, and its secret."""
    mapping = ROOT / "examples/registers/zendesk.toml"
    (folder / "secret").write_bytes(secret)
    file = folder / "registers.toml"
    file.write_text(
        '[[registers]]\nname = "zendesk"\nkinds = ["complaint"]\nref_prefixes = ["ticket:"]\n'
        f'[registers.webhook]\nflavour = "zendesk"\nmapping = "{mapping}"\nsecret_file = "secret"\n',
        encoding="utf-8",
    )
    return file


def test_a_ticket_that_a_webhook_tells_is_evidence_and_told_again_no_second_version(
    stack: Stack, tmp_path: Path
) -> None:
    """The whole way: signed, taken, acknowledged by Kafka, copied by the worker."""
    port, number = free_port(), str(uuid4())
    kafka = stack.settings("register").kafka
    env = environment(
        stack,
        port,
        EARWITNESS_REGISTERS_FILE=str(registers_file(tmp_path, SECRET)),
        EARWITNESS_KAFKA__BOOTSTRAP=kafka.bootstrap,
        EARWITNESS_KAFKA__USERNAME=kafka.username,
        EARWITNESS_KAFKA__PASSWORD=kafka.password.get_secret_value(),
    )
    process = start(env, tmp_path)
    url = f"http://127.0.0.1:{port}"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = body_of({**a_ticket(id=number), "time": now})

    def sent() -> Any:
        headers = zendesk_headers(body, now)
        return httpx.post(
            f"{url}/api/v1/webhooks/zendesk", content=body, headers=headers, trust_env=False, timeout=30
        ).json()

    try:
        assert becomes_ready(url)
        assert sent() == {"result": "recorded", "ref": f"ticket:{number}"}
        assert sent() == {"result": "already_done"}
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=ENDS_WITHIN_S)
    # As another process would see it, that remembers no delivery.
    with ApiClient(stack.settings("api").api) as api:
        assert await_visible(api, f"ticket:{number}", None)
        process = start(env, tmp_path)
        try:
            assert becomes_ready(url)
            assert sent() == {"result": "unchanged", "ref": f"ticket:{number}"}
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=ENDS_WITHIN_S)
        (version,) = api.get("evidence", f"ticket:{number}")["versions"]
    assert (process.returncode, said) == (0, "")
    assert version["record"].items() >= {"kind": "complaint", "origin": "webhook"}.items()


def test_it_does_not_start_with_a_webhook_that_cannot_be_checked(stack: Stack, tmp_path: Path) -> None:
    """A register without its secret would take whatever anybody sends, or nothing without a word."""
    file = registers_file(tmp_path, b"short")
    code, said = refusal(environment(stack, free_port(), EARWITNESS_REGISTERS_FILE=str(file)), tmp_path)
    assert code == 2
    assert "register zendesk: " in said
    assert "secret: holds 5 bytes; 16 are the least" in said


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

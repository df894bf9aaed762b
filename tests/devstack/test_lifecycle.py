"""One stack through its life, by its commands: started, doubled, hit, killed, moved, stopped."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from earwitness.devstack import lock
from earwitness.devstack.layout import layout_of
from earwitness.devstack.lock import Holder
from earwitness.settings import ROOT
from tests.processes import suspend

pytestmark = pytest.mark.stack

COMMAND_LIMIT_S = 120
RESIDENT_LIMIT_BYTES = 1_500_000_000
PATIENCE_S = 60.0


def earwitness(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "earwitness.cli.main", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=COMMAND_LIMIT_S,
        check=False,
    )


def status(data_dir: Path) -> dict[str, Any]:
    answer = earwitness("status", "--data-dir", data_dir, "--output", "json")
    assert answer.stdout, answer.stderr
    document: dict[str, Any] = json.loads(answer.stdout)
    return document


def supervisor_of(data_dir: Path) -> psutil.Process:
    holder = lock.last_holder(layout_of(data_dir))
    assert holder is not None
    return psutil.Process(holder.pid)


def family(data_dir: Path) -> list[psutil.Process]:
    """The supervisor and everything below it."""
    supervisor = supervisor_of(data_dir)
    return [supervisor, *supervisor.children(recursive=True)]


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [
        process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    ]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder whose name tries every escape; nothing of it runs after the tests."""
    data_dir = tmp_path_factory.mktemp("life") / "störung & <co> 'ß' $x"
    yield data_dir
    assert earwitness("down", "--data-dir", data_dir).returncode == 0
    shutil.rmtree(data_dir)


@pytest.fixture
def running(home: Path) -> Path:
    """The stack of `home`, ready, whatever the test before did to it."""
    if not home.exists() or not lock.is_held(layout_of(home)):
        started = earwitness("up", "--detach", "--workers", "0", "--data-dir", home)
        assert started.returncode == 0, started.stderr
    return home


@pytest.fixture
def stopped(running: Path) -> Path:
    """The folder of a stack that ran once and was stopped."""
    assert earwitness("down", "--data-dir", running).returncode == 0
    return running


def test_status_tells_programs_how_to_reach_each_part(running: Path) -> None:
    """Other tools rely on these names."""
    answer = status(running)
    assert answer["ready"] is True
    assert [process["name"] for process in answer["processes"]][:2] == ["kafka", "clickhouse"]
    for process in answer["processes"]:
        assert psutil.pid_exists(process["pid"])
    for address in (answer["kafka"], answer["clickhouse"]):
        host, port = address.split(":")
        socket.create_connection((host, int(port)), timeout=5).close()
    assert answer["kafka_client"]["bootstrap_servers"] == answer["kafka"]
    assert set(answer["kafka_client"]) == {
        "bootstrap_servers",
        "security_protocol",
        "sasl_mechanism",
        "sasl_plain_username",
        "sasl_plain_password",
    }
    assert answer["api"].startswith("http://127.0.0.1:")


def test_every_port_listens_on_loopback_only(running: Path) -> None:
    """The stack of a laptop must not be reachable from the café's network."""
    listening = [
        connection.laddr.ip
        for process in family(running)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_a_second_up_changes_nothing_and_says_what_to_do(running: Path) -> None:
    """It is what people type when they have forgotten that it runs."""
    before = status(running)["processes"]
    for options in ([], ["--detach"]):
        second = earwitness("up", *options, "--data-dir", running)
        assert second.returncode == 1
        assert f"already running (pid {supervisor_of(running).pid})" in second.stderr
        assert "earwitness down" in second.stderr
    assert status(running)["processes"] == before


@pytest.mark.parametrize("name", ["kafka", "clickhouse"])
def test_a_part_that_is_killed_is_started_again_and_that_is_reported(running: Path, name: str) -> None:
    """A crash needs no person, but must not go unseen either."""

    def part() -> dict[str, Any]:
        return next(process for process in status(running)["processes"] if process["name"] == name)

    before = part()
    psutil.Process(before["pid"]).kill()
    until(lambda: part()["restarts"] > before["restarts"] and status(running)["ready"])
    after = part()
    assert after["pid"] != before["pid"]
    assert (after["address"], after["last_exit"]) == (before["address"], "signal 9")


def test_a_killed_supervisor_leaves_nothing_that_keeps_the_next_one_from_starting(running: Path) -> None:
    """The folder is as usable after a crash as after `down`, and `status` says what happened."""
    before = family(running)
    supervisor_of(running).kill()
    until(lambda: not lock.is_held(layout_of(running)))
    found = earwitness("status", "--data-dir", running)
    assert found.returncode == 1
    assert "was killed" in found.stdout
    started = earwitness("up", "--detach", "--workers", "0", "--data-dir", running)
    assert started.returncode == 0, started.stderr
    assert alive(before) == []
    assert status(running)["ready"] is True


def test_what_a_killed_supervisor_left_running_is_stopped_by_down(running: Path) -> None:
    """Where the kernel does not end the children with their parent, the next command does."""
    supervisor, *children = family(running)
    for child in children:
        suspend(child)  # it cannot act on the signal that its parent's end sends
    supervisor.kill()
    until(lambda: not lock.is_held(layout_of(running)))
    assert len(alive(children)) == len(children) >= 2
    stopped = earwitness("down", "--data-dir", running)
    for child in alive(children):
        child.resume()
    assert stopped.returncode == 0, stopped.stderr
    assert "left running" in stopped.stderr
    until(lambda: alive(children) == [])


def test_down_leaves_nothing_running_and_can_be_repeated(running: Path) -> None:
    """A laptop is closed after it."""
    before = family(running)
    assert earwitness("down", "--data-dir", running).returncode == 0
    assert alive(before) == []
    again = earwitness("down", "--data-dir", running)
    assert (again.returncode, "no stack is running" in again.stderr) == (0, True)


def test_ctrl_c_leaves_nothing_running(stopped: Path) -> None:
    """In the foreground the terminal's interrupt is the way to stop."""
    up = subprocess.Popen(
        [sys.executable, "-m", "earwitness.cli.main", "up", "--workers", "0", "--data-dir", str(stopped)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert up.stderr is not None
    with up.stderr:
        for line in up.stderr:
            if line.startswith("ready:"):
                break
        before = family(stopped)
        up.send_signal(signal.SIGINT)
        up.stderr.read()
    assert up.wait(COMMAND_LIMIT_S) == 0
    assert len(before) >= 3
    assert alive(before) == []


def test_a_stack_is_lean(stopped: Path) -> None:
    """A gigabyte and a half, or nobody leaves it running."""
    started = earwitness("up", "--detach", "--data-dir", stopped)
    assert started.returncode == 0, started.stderr
    resident_bytes = sum(process.memory_info().rss for process in family(stopped))
    assert earwitness("down", "--data-dir", stopped).returncode == 0
    assert resident_bytes <= RESIDENT_LIMIT_BYTES


def test_a_taken_port_is_named_with_a_way_out(tmp_path: Path) -> None:
    """The operating system would only say: address already in use."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        refused = earwitness("up", "--detach", "--data-dir", tmp_path / "data", "--kafka-port", port)
    assert refused.returncode == 1
    assert f"port {port}" in refused.stderr
    assert "--kafka-port" in refused.stderr
    assert not lock.is_held(layout_of(tmp_path / "data"))


def test_a_part_that_cannot_start_is_reported_with_the_end_of_its_log(stopped: Path) -> None:
    """Nobody should have to search for the log of a program they do not know."""
    identity = layout_of(stopped).kafka / "data" / "meta.properties"
    right = identity.read_text()
    identity.write_text(right.replace("node.id=1", "node.id=7"))
    try:
        refused = earwitness("up", "--detach", "--workers", "0", "--data-dir", stopped)
    finally:
        identity.write_text(right)
    assert refused.returncode == 1
    assert "kafka ended 3 times" in refused.stderr
    assert "kafka.log" in refused.stderr
    assert "node id 7" in refused.stderr
    assert "Kafka Server started" not in refused.stderr
    assert not lock.is_held(layout_of(stopped))


def test_a_missing_download_without_a_network_is_named_with_a_way_out(tmp_path: Path) -> None:
    """A fresh machine behind a firewall."""
    refused = earwitness(
        "up",
        "--detach",
        "--data-dir",
        tmp_path / "data",
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        EARWITNESS_MAVEN_URL="http://127.0.0.1:1",
    )
    assert refused.returncode == 1
    assert "EARWITNESS_MAVEN_URL" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small file system")
def test_a_full_disk_is_named_with_a_way_out() -> None:
    """Kafka and ClickHouse would each fail in their own words, later."""
    small = next(
        (
            Path(partition.mountpoint)
            for partition in psutil.disk_partitions(all=True)
            if partition.fstype == "tmpfs"
            and os.access(partition.mountpoint, os.W_OK)
            and 0 < shutil.disk_usage(partition.mountpoint).free < 512 << 20
        ),
        None,
    )
    if small is None:
        pytest.skip("no small writable file system here; test_layout covers the check itself")
    data_dir = small / f"earwitness-test-{os.getpid()}"
    try:
        refused = earwitness("up", "--detach", "--data-dir", data_dir)
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
    assert refused.returncode == 1
    assert "MiB free" in refused.stderr


def test_a_moved_folder_still_starts(stopped: Path) -> None:
    """Backups and renamed projects: nothing in it may hold on to its old path."""
    moved = stopped.rename(stopped.with_name("moved"))
    try:
        started = earwitness("up", "--detach", "--workers", "0", "--data-dir", moved)
        assert started.returncode == 0, started.stderr
        assert earwitness("down", "--data-dir", moved).returncode == 0
    finally:
        moved.rename(stopped)


def test_a_holder_that_died_is_no_holder(tmp_path: Path) -> None:
    """The file stays behind after every stop; only the lock on it counts."""
    layout = layout_of(tmp_path)
    with lock.held(layout, Holder(1, 1.0)):
        assert lock.is_held(layout)
    assert layout.lock.exists()
    assert not lock.is_held(layout)

"""Kill -9 in the middle, with the real Kafka: whatever a service was told is recorded arrives."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from clickhouse_driver import Client

from tests.conftest import Stack
from tests.sdk.on_stack import asleep, await_rows, run, start

pytestmark = pytest.mark.stack

SERVED_WITHIN_S = 60
ROUNDS = 5

SERVE = """
import threading

def serve():
    while True:
        event = recorder.record(**fields, on_failure="deny")
        os.write(1, event.id.encode() + b"\\n")

print("ready", flush=True)
threads = [threading.Thread(target=serve) for _ in range(4)]
for thread in threads:
    thread.start()
"""
FLUSH = "report = recorder.flush(50)\nassert report.complete, report"


def serve_until_killed(stack: Stack, source: str, spool: Path, after_s: float) -> list[str]:
    """Give the ids that the service was told are recorded."""
    service = start(stack, source, SERVE, spool)
    assert service.stdout is not None
    assert service.stdout.readline() == "ready\n"
    time.sleep(after_s)
    service.send_signal(signal.SIGKILL)
    told, _ = service.communicate(timeout=SERVED_WITHIN_S)
    return told.splitlines()


def stored(stack: Stack, source: str) -> list[str]:
    client: Client = stack.clickhouse("admin")
    try:
        rows = client.execute("SELECT toString(id) FROM access_log WHERE source = %(s)s", {"s": source})
    finally:
        client.disconnect()
    return [row_id for (row_id,) in rows]


def await_stored(stack: Stack, source: str, told: list[str]) -> list[str]:
    until = time.monotonic() + SERVED_WITHIN_S
    while set(told) - set(found := stored(stack, source)):
        assert time.monotonic() < until, f"{len(set(told) - set(found))} of {len(told)} are missing"
        time.sleep(0.3)
    return found


def test_what_was_recorded_before_a_kill_arrives(stack: Stack, tmp_path: Path) -> None:
    """At random instants, of a process that is started again each time: every id is stored, once."""
    source = "/tests/spool-kills"
    told: list[str] = []
    for _ in range(ROUNDS):
        told += serve_until_killed(stack, source, tmp_path, random.uniform(0.05, 1.5))  # noqa: S311
    assert len(told) > ROUNDS
    run(stack, source, FLUSH, tmp_path)
    found = await_stored(stack, source, told)
    assert len(found) == len(set(found))
    assert list(tmp_path.glob("part-*")) == []


def test_what_was_recorded_while_kafka_was_silent_arrives(stack: Stack, tmp_path: Path) -> None:
    """Recording goes on without Kafka, also across a kill."""
    source = "/tests/spool-silence"
    with asleep(stack, "kafka"):
        told = serve_until_killed(stack, source, tmp_path, 1.0)
        told += serve_until_killed(stack, source, tmp_path, 1.0)
    assert told
    run(stack, source, FLUSH, tmp_path)
    await_stored(stack, source, told)


def test_processes_share_a_folder(stack: Stack, tmp_path: Path) -> None:
    """As the workers of one service do; what one of them left is sent by those that live."""
    source = "/tests/spool-shared"
    living = start(stack, source, SERVE, tmp_path)
    try:
        told = serve_until_killed(stack, source, tmp_path, 1.0)
        await_stored(stack, source, told)
    finally:
        living.kill()
        living.communicate(timeout=SERVED_WITHIN_S)


def test_workers_that_were_forked_end_without_a_word(stack: Stack, tmp_path: Path) -> None:
    """A service is loaded once and forks; no child that ends by `_exit` loses what it recorded."""
    program = """
recorder.record(**fields)
children = []
for _ in range(3):
    child = os.fork()
    if not child:
        for _ in range(20):
            recorder.record(**fields)
        os._exit(0)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
"""
    run(stack, "/tests/spool-forks", program + FLUSH, tmp_path)
    numbered: dict[str, list[int]] = {}
    for producer, sequence in await_rows(stack, "/tests/spool-forks", 61):
        numbered.setdefault(producer, []).append(sequence)
    assert sorted(len(numbers) for numbers in numbered.values()) == [1, 20, 20, 20]
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in numbered.values())


@pytest.fixture
def full_disk(tmp_path: Path) -> Path:
    """A disk of its own that is soon full; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    return folder


def test_a_full_disk_denies_and_recovers(stack: Stack, full_disk: Path) -> None:
    """A real one: nothing that was promised is lost, what was refused was refused in words."""
    program = """
from earwitness_sdk import NotRecorded
refusals = []
while len(refusals) < 3:
    try:
        print(recorder.record(**fields, on_failure="deny").id)
    except NotRecorded as error:
        refusals.append(str(error))
assert all("No space left on device" in refusal for refusal in refusals), refusals
"""
    source = "/tests/spool-disk"
    try:
        with asleep(stack, "kafka"):
            service = start(stack, source, program + "\nos._exit(0)", full_disk)
            printed, _ = service.communicate(timeout=SERVED_WITHIN_S)
        assert service.returncode == 0
        told = printed.splitlines()
        assert len(told) > 50
        run(stack, source, f"{FLUSH}\nrecorder.record(**fields)\n{FLUSH}", full_disk)
        await_stored(stack, source, told)
    finally:
        subprocess.run(["umount", str(full_disk)], check=True)

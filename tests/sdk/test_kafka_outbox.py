"""What only the real Kafka can show: refusals, silence, forks, and the end of the process."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from earwitness_sdk import (
    FlushReport,
    Kafka,
    KafkaOutbox,
    NotRecorded,
    Recorder,
    Register,
    kafka_connection,
    kafka_outbox,
)
from earwitness_sdk.kafka_connection import Connection

from models.topics import EVIDENCE_RECORDS
from tests.conftest import Stack

from .builders import SOURCE, a_record, fields, outgoing
from .on_stack import STORED_WITHIN_S, asleep, await_rows, kafka_of, run

SHORT_S = 2.0


@pytest.fixture
def closed_port() -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def silent_port() -> Iterator[str]:
    """Something that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize(
    ("where", "check"),
    [
        ("closed_port", r"Connection refused\): check that Kafka is up there"),
        ("silent_port", r"check the username producer, its password, and that SASL_PLAINTEXT is spoken"),
    ],
)
def test_a_kafka_that_is_not_there_is_an_error_in_time(
    where: str, check: str, request: pytest.FixtureRequest
) -> None:
    """Which address, for how long, and what to check; never a hang."""
    address = request.getfixturevalue(where)
    outbox = KafkaOutbox(Kafka(bootstrap=address, username="producer", password="secret-of-the-test"))
    began = time.monotonic()
    with pytest.raises(NotRecorded) as refused:
        outbox.send(outgoing(), SHORT_S)
    assert outbox.close(SHORT_S).pending == 0
    assert time.monotonic() - began < SHORT_S * 2
    for part in (f"Kafka {address}", r"within [12]\.[0-9] s", check):
        assert re.search(part, str(refused.value))
    assert "secret-of-the-test" not in str(refused.value)


def test_who_waits_for_a_connection_waits_no_longer_than_allowed(closed_port: str) -> None:
    """A hundred requests must not try one after the other."""
    outbox = KafkaOutbox(Kafka(bootstrap=closed_port, username="producer", password="x"))
    began = time.monotonic()
    refused: list[NotRecorded] = []

    def send() -> None:
        try:
            outbox.send(outgoing(), SHORT_S)
        except NotRecorded as error:
            refused.append(error)

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 10
    assert time.monotonic() - began < SHORT_S * 2


@pytest.mark.stack
def test_a_wrong_password_is_an_error_in_time(stack: Stack) -> None:
    """Nobody publishes who is not known."""
    kafka = kafka_of(stack)
    outbox = KafkaOutbox(Kafka(bootstrap=kafka.bootstrap, username=kafka.username, password="wrong"))
    with pytest.raises(NotRecorded, match="check the username producer, its password"):
        outbox.send(outgoing(), SHORT_S)


@pytest.mark.stack
def test_a_service_cannot_put_evidence(stack: Stack) -> None:
    """Forged evidence is a forged verdict: a producer's password is not enough."""
    with (
        Register(kafka=kafka_of(stack, "producer")) as register,
        pytest.raises(NotRecorded, match="producer may not write there"),
    ):
        register.put(a_record())


@pytest.mark.stack
def test_a_register_cannot_record_accesses(stack: Stack) -> None:
    """Nor the other way round."""
    with (
        Recorder(source=SOURCE, outbox=KafkaOutbox(kafka_of(stack, "register"))) as recorder,
        pytest.raises(NotRecorded, match="register may not write there"),
    ):
        recorder.record(**fields())


@pytest.mark.stack
def test_a_record_that_is_too_large_is_refused_alone(stack: Stack) -> None:
    """It never fits; what comes after it does."""
    outbox = KafkaOutbox(kafka_of(stack, "register"))
    with pytest.raises(NotRecorded, match="2000000 bytes are too many"):
        outbox.send(outgoing(EVIDENCE_RECORDS, "large", b"x" * 2_000_000))
    outbox.send(outgoing(EVIDENCE_RECORDS, "small")).result(STORED_WITHIN_S)
    assert outbox.close(SHORT_S).pending == 0


@pytest.mark.stack
def test_a_kafka_that_falls_silent_is_an_error_in_time(stack: Stack) -> None:
    """After it had answered: the record's own time runs out, and the next one is taken again."""
    outbox = KafkaOutbox(kafka_of(stack), acknowledged_within_s=SHORT_S)
    recorder = Recorder(source="/tests/silence", outbox=outbox)
    recorder.record(**fields())
    with asleep(stack, "kafka"):
        began = time.monotonic()
        with pytest.raises(NotRecorded, match=r"did not acknowledge within [23]\.[0-9] s"):
            recorder.record(**fields())
        assert time.monotonic() - began < SHORT_S * 2
    assert recorder.record(**fields()).sequence == 3
    report = recorder.close()
    assert (report.failed, report.pending) == (1, 0)


@pytest.mark.stack
def test_a_producer_that_says_nothing_any_more_is_replaced(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kafka-python 3.0 goes on so once a record it had sent has run out of time; we give it up before.

    Should it find another way to fall silent: the next record gets a new producer, and what the old one
    held fails.
    """
    outbox = KafkaOutbox(kafka_of(stack, "register"), acknowledged_within_s=SHORT_S)
    outbox.send(outgoing(EVIDENCE_RECORDS, "stuck")).result(STORED_WITHIN_S)
    with monkeypatch.context() as patched, asleep(stack, "kafka"):
        patched.setattr(Connection, "give_up", lambda *_: None)
        expired = outbox.send(outgoing(EVIDENCE_RECORDS, "stuck"))
        assert isinstance(expired.exception(STORED_WITHIN_S), NotRecorded)
    held = outbox.send(outgoing(EVIDENCE_RECORDS, "stuck"))
    time.sleep(SHORT_S + kafka_connection.STUCK_AFTER_S)
    assert not held.done()
    outbox.send(outgoing(EVIDENCE_RECORDS, "stuck")).result(STORED_WITHIN_S)
    assert isinstance(held.exception(STORED_WITHIN_S), NotRecorded)
    assert outbox.close(SHORT_S) == FlushReport(acknowledged=2, failed=2, pending=0)


@pytest.mark.stack
def test_a_sender_that_is_too_fast_waits_and_is_then_refused(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded memory: back-pressure first, an error in the end."""
    monkeypatch.setattr(kafka_outbox, "MOST_IN_FLIGHT", 3)
    outbox = KafkaOutbox(kafka_of(stack, "register"), acknowledged_within_s=SHORT_S)
    outbox.send(outgoing(EVIDENCE_RECORDS, "fast")).result(STORED_WITHIN_S)
    with asleep(stack, "kafka"):
        for _ in range(3):
            outbox.send(outgoing(EVIDENCE_RECORDS, "fast"))
        with pytest.raises(NotRecorded, match=r"took nothing more within 0\.2 s"):
            outbox.send(outgoing(EVIDENCE_RECORDS, "fast"), 0.2)
    assert outbox.close(STORED_WITHIN_S).pending == 0


@pytest.mark.stack
def test_what_travels_is_an_event_of_the_contract(stack: Stack) -> None:
    """A worker stores it, with the producer's count."""
    with Recorder(source="/tests/travels", outbox=KafkaOutbox(kafka_of(stack))) as recorder:
        events = [recorder.record(**fields()) for _ in range(3)]
    assert await_rows(stack, "/tests/travels", 3) == [(events[0].producer, number) for number in (1, 2, 3)]


@pytest.mark.stack
def test_what_was_submitted_goes_out_before_the_process_ends(stack: Stack, tmp_path: Path) -> None:
    """A service that is stopped between two requests loses nothing."""
    run(stack, "/tests/exit", "for _ in range(200): recorder.submit(**fields)", tmp_path)
    assert len(await_rows(stack, "/tests/exit", 200)) == 200


@pytest.mark.stack
def test_a_forked_child_is_a_producer_of_its_own(stack: Stack, tmp_path: Path) -> None:
    """Web servers load a service once and fork; threads and counts do not survive that."""
    program = """
recorder.record(**fields)
child = os.fork()
recorder.record(**fields)
recorder.record(**fields)
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    run(stack, "/tests/fork", program, tmp_path)
    counted: dict[str, list[int]] = {}
    for producer, sequence in await_rows(stack, "/tests/fork", 5):
        counted.setdefault(producer, []).append(sequence)
    assert sorted(counted.values()) == [[1, 2], [1, 2, 3]]


def test_an_outbox_without_records_never_connects(closed_port: str) -> None:
    """A service that starts before Kafka does starts all the same."""
    began = time.monotonic()
    outbox = KafkaOutbox(Kafka(bootstrap=closed_port, username="p", password="x"))
    Recorder(source=SOURCE, outbox=outbox).close()
    assert time.monotonic() - began < 1

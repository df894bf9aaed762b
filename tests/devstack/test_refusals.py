"""Who may write what, shown on the real servers: a forged record is a forged verdict."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from models import topics
from tests.conftest import Stack

pytestmark = pytest.mark.stack

TIMEOUT_S = 15
BLOCK_MS = 5_000
ACCESS_DENIED = 497
READONLY = 164
AUTHENTICATION_FAILED = 516
TOO_MANY_SESSIONS = 700


@pytest.fixture
def connect(stack: Stack) -> Iterator[Callable[[str], Client]]:
    """Connect to ClickHouse as one of the users, and disconnect at the end."""
    clients: list[Client] = []

    def connect_as(user: str) -> Client:
        clients.append(stack.clickhouse(user))
        return clients[-1]

    yield connect_as
    for client in clients:
        client.disconnect()


def publish(arguments: dict[str, Any], topic: str, key: bytes = b"k") -> None:
    with closing(KafkaProducer(**arguments, max_block_ms=BLOCK_MS, retries=0)) as producer:
        producer.send(topic, b"not json", key=key).get(timeout=TIMEOUT_S)


def code_of(client: Client, query: str, rows: list[Any] | None = None) -> int:
    """Run a statement that must be refused, and give the error code."""
    with pytest.raises(ServerException) as refusal:
        client.execute(query, rows)
    return int(refusal.value.code)


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("producer", topics.EVIDENCE_RECORDS),
        ("producer", topics.FINDINGS),
        ("producer", topics.DEAD_LETTERS),
        ("register", topics.ACCESS_EVENTS),
        ("register", topics.FINDINGS),
        ("worker", topics.ACCESS_EVENTS),
        ("worker", topics.EVIDENCE_RECORDS),
    ],
)
def test_each_user_writes_its_own_topic_only(stack: Stack, user: str, topic: str) -> None:
    """A service that is broken into cannot excuse its accesses by evidence of its own."""
    with pytest.raises(KafkaError) as refusal:
        publish(stack.kafka_client(user), topic)
    assert isinstance(refusal.value, TopicAuthorizationFailedError)


@pytest.mark.parametrize(
    ("user", "topic"), [("producer", topics.ACCESS_EVENTS), ("register", topics.EVIDENCE_RECORDS)]
)
def test_each_user_reads_no_topic(stack: Stack, user: str, topic: str) -> None:
    """Accesses and evidence tell who complained about what; a producer has no business there."""
    arguments = stack.kafka_client(user)
    with closing(KafkaConsumer(**arguments, auto_offset_reset="earliest")) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        with pytest.raises(TopicAuthorizationFailedError):
            consumer.poll(timeout_ms=TIMEOUT_S * 1000)


def test_a_worker_joins_no_other_group(stack: Stack) -> None:
    """Its rights end with its own work."""
    arguments = stack.kafka_client("worker")
    with closing(KafkaConsumer(**arguments, group_id="another")) as consumer:
        consumer.subscribe([topics.ACCESS_EVENTS])
        with pytest.raises(GroupAuthorizationFailedError):
            consumer.poll(timeout_ms=TIMEOUT_S * 1000)


@pytest.mark.parametrize(
    "change",
    [
        {"sasl_plain_password": "wrong"},
        {"sasl_plain_username": "nobody"},
        {"sasl_plain_username": "broker"},
        {"security_protocol": "PLAINTEXT"},
        {"sasl_mechanism": "PLAIN"},
    ],
)
def test_kafka_refuses_whoever_does_not_show_the_right_password(stack: Stack, change: dict[str, str]) -> None:
    """Loopback alone is no protection: every local process is there."""
    right = stack.kafka_client("producer")
    assert asyncio.run(gets_in(right))
    assert not asyncio.run(gets_in({**right, **change}))


async def gets_in(arguments: dict[str, Any]) -> bool:
    """Say whether Kafka lets this client in; kafka-python would leak a socket where it does not."""
    client = AIOKafkaClient(**arguments, request_timeout_ms=TIMEOUT_S * 1000)
    try:
        await client.bootstrap()
    except KafkaConnectionError:
        return False
    else:
        return True
    finally:
        await client.close()


def test_no_topic_appears_because_someone_writes_to_it(stack: Stack) -> None:
    """A mistyped topic must be an error, not a place where accesses vanish."""
    with pytest.raises(KafkaError):
        publish(stack.kafka_client("admin"), "acess.events.v1")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', 'earwitness.access_log')",
        "SELECT * FROM executable('x', 'TSV', 'a String')",
        "SELECT count() FROM earwitness.access_log",
        "SELECT count() FROM earwitness.evidence_log",
        "SELECT count() FROM earwitness.dead_letters",
        "INSERT INTO FUNCTION file('/tmp/x', 'TSV', 'a UInt8') SELECT 1",
        "CREATE TABLE earwitness.mine (a UInt8) ENGINE = Memory",
        "DROP TABLE earwitness.access_log",
        "KILL QUERY WHERE 1",
        "SYSTEM SHUTDOWN",
    ],
)
def test_a_reader_reaches_nothing_but_the_views(connect: Callable[[str], Client], query: str) -> None:
    """`sql` is open to everyone who may read the trail, so its user must be harmless."""
    assert code_of(connect("reader"), query) in {ACCESS_DENIED, READONLY}


@pytest.mark.parametrize("view", ["trail", "verdicts", "evidence", "activity", "policies"])
def test_a_reader_reads_the_views(connect: Callable[[str], Client], view: str) -> None:
    """The refusals above would also hold for a user who may do nothing."""
    assert len(connect("reader").execute(f"SELECT * FROM {view} LIMIT 1")) <= 1  # noqa: S608


def test_a_reader_writes_nothing(connect: Callable[[str], Client]) -> None:
    """The trail is changed by workers only."""
    query = "INSERT INTO earwitness.activity_log (id) VALUES"
    assert code_of(connect("reader"), query, [(uuid.uuid4(),)]) in {ACCESS_DENIED, READONLY}


def test_a_reader_cannot_undo_its_limits(connect: Callable[[str], Client]) -> None:
    """`SET readonly = 0` first would undo all of the above."""
    assert code_of(connect("reader"), "SET readonly = 0") == READONLY
    assert code_of(connect("reader"), "SELECT 1 SETTINGS max_memory_usage = 100000000000") != 0


def test_a_reader_s_question_is_stopped_before_it_starves_the_others(
    connect: Callable[[str], Client],
) -> None:
    """One careless cross join must not end the recording of accesses."""
    assert connect("reader").execute("SELECT getSetting('max_execution_time') > 0") == [(1,)]
    assert connect("reader").execute("SELECT getSetting('max_memory_usage') > 0") == [(1,)]
    assert connect("reader").execute("SELECT getSetting('max_result_rows') > 0") == [(1,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count() FROM earwitness.access_log",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "ALTER TABLE earwitness.activity_log DELETE WHERE 1",
        "TRUNCATE TABLE earwitness.activity_log",
    ],
)
def test_the_api_can_record_activity_but_not_remove_it(connect: Callable[[str], Client], query: str) -> None:
    """Who searched the trail must stay on record even where the API is broken into."""
    assert code_of(connect("api"), query) == ACCESS_DENIED


def test_the_api_reads_the_dead_letters_and_the_ledger(connect: Callable[[str], Client]) -> None:
    """It shows them to admins."""
    connect("api").execute("SELECT count() FROM earwitness.dead_letters")
    connect("api").execute("SELECT count() FROM earwitness.range_ledger")


@pytest.mark.parametrize(
    "query",
    [
        "ALTER TABLE earwitness.access_log DELETE WHERE 1",
        "TRUNCATE TABLE earwitness.access_log",
        "DROP TABLE earwitness.access_log",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    ],
)
def test_a_worker_adds_to_the_trail_and_removes_nothing(connect: Callable[[str], Client], query: str) -> None:
    """History is append-only, also for the process that writes it."""
    assert code_of(connect("writer"), query) == ACCESS_DENIED


def test_a_worker_may_send_rows_through_input(connect: Callable[[str], Client]) -> None:
    """Its fast path lets the server convert the columns."""
    connect("writer").execute(
        "INSERT INTO earwitness.range_ledger (topic) SELECT t FROM input('t String') "
        "WHERE t != 'none' FORMAT Native",
        [("none",)],
    )


@pytest.mark.parametrize(
    ("user", "password", "codes"),
    [
        ("default", "", {TOO_MANY_SESSIONS}),
        ("earwitness_views", "", {AUTHENTICATION_FAILED}),
        ("earwitness_reader", "wrong", {AUTHENTICATION_FAILED}),
        ("earwitness_reader", "", {AUTHENTICATION_FAILED}),
        ("nobody", "", {AUTHENTICATION_FAILED}),
    ],
)
def test_nobody_gets_into_clickhouse_without_a_password_of_the_data_folder(
    stack: Stack, user: str, password: str, codes: set[int]
) -> None:
    """The embedded server needs a `default` user without a password: it must be of no use."""
    settings = stack.settings("admin").clickhouse
    client = Client(settings.host, settings.port, user=user, password=password)
    try:
        assert code_of(client, "SELECT 1") in codes
    finally:
        client.disconnect()

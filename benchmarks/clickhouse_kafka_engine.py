"""A contender: ClickHouse reads Kafka itself, and a materialized view judges as far as SQL reaches.

The table of the Kafka engine hands the bytes on; the view parses the JSON, looks the cited evidence up in a
dictionary, tells whether it names the customer and the actor and was in force, and inserts the columns of
the trail. That is the whole of its judgement: no policy is read, and evidence that is not cited is not found
(three of four accesses of the demo's day). The work is done by the server; this process makes the tables,
reports what the engine stumbles over, and drops them when it is ended.

An engine that parses into columns makes them anew for each record: 17 to 25 µs a record as `String`, 50 to 58
as `LowCardinality`, 6 to 15 where it hands on bytes (measured in one run). The view parses for a few more.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from kafka import KafkaConsumer, TopicPartition

from earwitness.cli import wiring
from earwitness.settings import ClickHouseSettings, KafkaSettings, load
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from sinks.clickhouse.columns import EVENT_TYPES

TABLE: Final = "access_log_kafka_engine"
LOOKS_EVERY_S: Final = 2.0
LARGEST_POLL: Final = 5_000
LARGEST_BLOCK: Final = 65_536
"""As ClickHouse has it by itself. Blocks of 262,144 do not fit into the 700 MB of the embedded server."""

LONGEST_BLOCK_MS: Final = 1_000
SHUTDOWN_WAS_CALLED: Final = 49
"""What the embedded server answers where it has made a table of the engine, which works all the same."""

FIELDS: Final = ", ".join(
    f"{name} {'String' if name == 'time' else kind}" for name, kind in EVENT_TYPES.items()
)
EVENT: Final = ", ".join(
    "parseDateTime64BestEffort(fields.time, 6, 'UTC') AS time"
    if name == "time"
    else f"fields.{name} AS {name}"
    for name in EVENT_TYPES
)
EVIDENCE_COLUMNS: Final = (
    "ref String, kind String, customer_ids Array(String), assignees Array(String),"
    " valid_from DateTime64(6, 'UTC'), valid_to DateTime64(6, 'UTC'), active Bool, version Int64"
)

_FILL_EVIDENCE: Final = """
INSERT INTO bench_evidence
SELECT read.ref, read.kind, read.customer_ids, read.assignees,
       parseDateTime64BestEffort(read.valid_from, 6, 'UTC'),
       parseDateTime64BestEffort(ifNull(read.valid_to, '2299-01-01T00:00:00Z'), 6, 'UTC'),
       ifNull(read.status, 'active') = 'active', version
FROM (SELECT JSONExtract(record, 'Tuple(ref String, kind String, customer_ids Array(String),
             assignees Array(String), valid_from String, valid_to Nullable(String),
             status Nullable(String))') AS read, version
      FROM input('record String, version Int64'))
FORMAT Native
"""
_VIEW: Final = """
TO {table} AS
WITH dictGet('{database}.bench_dictionary',
             ('kind', 'customer_ids', 'assignees', 'valid_from', 'valid_to', 'active', 'version'),
             tuple(evidence_ref)) AS cited,
     cited.1 != '' AS known,
     empty(cited.2) OR has(cited.2, customer_id) AS of_customer,
     empty(cited.3) OR has(cited.3, actor_id) AS of_actor,
     time >= cited.4 AND time < cited.5 AS in_force,
     known AND of_customer AND of_actor AND in_force AND cited.6 AS met
SELECT toDate(_timestamp_ms, 'UTC') AS received_day,
       event.* EXCEPT (_topic, _partition, _offset, _timestamp_ms)
               REPLACE (if(outcome = '', 'succeeded', outcome) AS outcome),
       if(met, 'justified', 'unjustified') AS verdict,
       multiIf(met, 'clause_met', evidence_ref = '', 'evidence_not_cited', NOT known, 'evidence_not_found',
               NOT of_customer, 'evidence_wrong_customer', NOT in_force, 'evidence_not_in_force',
               NOT cited.6, 'evidence_withdrawn', 'actor_not_assigned') AS reason,
       if(met, cited.1, '') AS clause, '' AS policy_version, '' AS policy_digest,
       if(met, [evidence_ref], []) AS evidence_used, cited.7 AS evidence_version, false AS derived,
       _timestamp_ms AS received_at, now64(6) AS judged_at,
       _topic AS topic, _partition AS partition, _offset AS offset
FROM (WITH JSONExtract(json, $${fields}$$) AS fields
      SELECT {event}, _topic, _partition, _offset, _timestamp_ms FROM bench_queue) AS event
"""


def main() -> None:
    """Have the server work until this process is asked to end, with the settings of a worker."""
    settings = load()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    client = Client(**wiring.clickhouse(settings.clickhouse)._asdict())
    records = read_evidence(wiring.kafka(settings.kafka).arguments())
    view = _VIEW.format(
        table=TABLE, database=settings.clickhouse.database, fields=f"Tuple({FIELDS})", event=EVENT
    )
    with (
        made(client, "TABLE", "bench_evidence", f"({EVIDENCE_COLUMNS}) ENGINE = MergeTree ORDER BY ref"),
        made(client, "DICTIONARY", "bench_dictionary", dictionary(settings.clickhouse)),
        made(client, "TABLE", "bench_queue", queue(settings.kafka, settings.worker.group)),
    ):
        client.execute(_FILL_EVIDENCE, records, columnar=True)
        client.execute("SYSTEM RELOAD DICTIONARY bench_dictionary")
        with made(client, "MATERIALIZED VIEW", "bench_view", view):
            while not ended.wait(LOOKS_EVERY_S):
                stop_where_it_stumbles(client)


def read_evidence(connection: dict[str, Any]) -> list[list[Any]]:
    """Give the newest record of every ref, as JSON, and its offset, as two columns."""
    newest: dict[bytes, tuple[str, int]] = {}
    consumer = KafkaConsumer(**connection, auto_offset_reset="earliest", enable_auto_commit=False)
    where = TopicPartition(EVIDENCE_RECORDS, 0)
    consumer.assign([where])
    end = consumer.end_offsets([where])[where]
    while consumer.position(where) < end:
        for records in consumer.poll(timeout_ms=1_000, max_records=LARGEST_POLL).values():
            newest |= {record.key: (record.value.decode(), record.offset) for record in records}
    consumer.close()
    return [list(column) for column in zip(*newest.values(), strict=True)]


@contextmanager
def made(client: Client, kind: str, name: str, definition: str) -> Iterator[None]:
    """Make something in the server, and drop it in the end."""
    try:
        client.execute(f"CREATE {kind} {name} {definition}")
    except ServerException as error:
        if error.code != SHUTDOWN_WAS_CALLED:
            raise
    try:
        yield
    finally:
        client.execute(f"DROP {kind.removeprefix('MATERIALIZED ')} {name} SYNC")


def dictionary(clickhouse: ClickHouseSettings) -> str:
    """Define the dictionary of evidence: the server reads its table by a login of its own."""
    return (
        f"({EVIDENCE_COLUMNS}) PRIMARY KEY ref SOURCE(CLICKHOUSE(HOST '{clickhouse.host}'"
        f" PORT {clickhouse.port} USER '{clickhouse.username}'"
        f" PASSWORD '{clickhouse.password.get_secret_value()}' DB '{clickhouse.database}'"
        " TABLE 'bench_evidence')) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)"
    )


def queue(kafka: KafkaSettings, group: str) -> str:
    """Define the table that reads Kafka, with one consumer, as one worker is.

    Its librdkafka knows PLAIN alone of what passwords can be asked for with.
    """
    settings = {
        "kafka_broker_list": kafka.bootstrap,
        "kafka_topic_list": ACCESS_EVENTS,
        "kafka_group_name": group,
        "kafka_format": "RawBLOB",
        "kafka_security_protocol": kafka.security_protocol.lower(),
        "kafka_sasl_mechanism": "PLAIN",
        "kafka_sasl_username": kafka.username,
        "kafka_sasl_password": kafka.password.get_secret_value(),
        "kafka_num_consumers": 1,
        "kafka_max_block_size": LARGEST_BLOCK,
        "kafka_flush_interval_ms": LONGEST_BLOCK_MS,
    }
    assigned = ", ".join(f"{name} = {value!r}" for name, value in settings.items())
    return f"(json String) ENGINE = Kafka SETTINGS {assigned}"


def stop_where_it_stumbles(client: Client) -> None:
    """End with what the engine reports, which it would otherwise try again for ever."""
    told = client.execute(
        "SELECT arrayJoin(exceptions.text) FROM system.kafka_consumers WHERE table = 'bench_queue' LIMIT 1"
    )
    if told:
        raise SystemExit(f"ClickHouse's Kafka engine: {told[0][0].splitlines()[0]}")


if __name__ == "__main__":
    main()

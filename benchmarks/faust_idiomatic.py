"""A contender: the agent that Faust's own documentation leads to.

A pydantic model for each event, `take` for batches, rows inserted with clickhouse-driver. It validates
and judges like the worker, with the same judge. It is not exactly-once, finds no copies and has no
dead letters: those parts are marked in the results, not helped.
"""

import tempfile
from datetime import UTC, datetime

import faust
from clickhouse_driver import Client
from kafka import KafkaConsumer, TopicPartition

from benchmarks.rows import COLUMNS, Judged, row_of
from earwitness.cli import wiring
from earwitness.policy import EvidenceIndex, judge
from earwitness.policy_files import read_policies
from earwitness.settings import load
from models.access import AccessEvent
from models.evidence import EvidenceRecord
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS

TABLE = "access_log_idiomatic"
LARGEST_TAKE = 10_000
LONGEST_WAIT_S = 0.2


def read_evidence(connection: dict[str, object]) -> EvidenceIndex:
    """Read the whole evidence topic before the first access is judged."""
    index = EvidenceIndex()
    consumer = KafkaConsumer(**connection, auto_offset_reset="earliest", enable_auto_commit=False)
    where = TopicPartition(EVIDENCE_RECORDS, 0)
    consumer.assign([where])
    end = consumer.end_offsets([where])[where]
    while consumer.position(where) < end:
        for records in consumer.poll(timeout_ms=1_000, max_records=5_000).values():
            for record in records:
                index.put(EvidenceRecord.model_validate_json(record.value), record.offset)
    consumer.close()
    return index


def main() -> None:
    """Run the agent until ended, with the settings of a worker."""
    settings = load()
    connection = wiring.kafka(settings.kafka)
    policies = read_policies(settings.policies_dir)
    evidence = read_evidence(connection.arguments())
    client = Client(**wiring.clickhouse(settings.clickhouse)._asdict())
    app = faust.App(
        settings.worker.group,
        **connection.faust_broker(),
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        datadir=tempfile.gettempdir(),
    )
    topic = app.topic(ACCESS_EVENTS, value_type=bytes, value_serializer="raw")

    async def store(stream: faust.StreamT[bytes]) -> None:
        async for events in stream.take_events(LARGEST_TAKE, within=LONGEST_WAIT_S):
            rows = []
            for item in events:
                event = AccessEvent.model_validate_json(item.value)
                message = item.message
                now = datetime.now(UTC)
                received_at = datetime.fromtimestamp(message.timestamp, UTC)
                verdict = judge(event, policies, evidence, received_at=received_at, as_of=now)
                judged = Judged(event, verdict, evidence.version, received_at, now)
                rows.append(row_of(judged, message.topic, message.partition, message.offset))
            client.execute(f"INSERT INTO {TABLE} ({COLUMNS}) VALUES", rows)

    app.agent(topic, name="idiomatic")(store)
    faust.Worker(app, loglevel="ERROR", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()

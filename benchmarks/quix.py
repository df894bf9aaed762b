"""A contender: Quix Streams with the same judge and the same columns, written by a batching sink.

A pydantic model for each event, and what Quix Streams calls a checkpoint for batches: the rows since
the last one are inserted, one block a partition, then the offsets are committed. It runs in an
environment of its own (benchmarks/quix.in), because Quix Streams and the worker want different
versions of pydantic; so it must not import faust, kafka-python or the wiring of our commands.
"""

from datetime import UTC, datetime
from typing import Any, Final

from clickhouse_driver import Client
from confluent_kafka import Consumer, TopicPartition
from quixstreams import Application
from quixstreams.kafka.configuration import ConnectionConfig
from quixstreams.sinks.base import BatchingSink, SinkBatch

from benchmarks.rows import COLUMNS, Judged, row_of
from earwitness.policy import EvidenceIndex, judge
from earwitness.policy_files import read_policies
from earwitness.settings import KafkaSettings, Settings, load
from models.access import AccessEvent
from models.evidence import EvidenceRecord
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS

TABLE: Final = "access_log_quix"
LONGEST_BATCH_S: Final = 2.0
LARGEST_BATCH: Final = 100_000
LARGEST_POLL: Final = 5_000


class Trail(BatchingSink):
    """Inserts what was judged since the last checkpoint."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client

    def write(self, batch: SinkBatch) -> None:
        """Insert the rows of one partition as one block."""
        rows = [row_of(item.value, batch.topic, batch.partition, item.offset) for item in batch]
        self._client.execute(f"INSERT INTO {TABLE} ({COLUMNS}) VALUES", rows)


def main() -> None:
    """Run the application until ended, with the settings of a worker."""
    settings = load()
    policies = read_policies(settings.policies_dir)
    evidence = read_evidence(settings.kafka)

    def judged(value: bytes, _key: Any, timestamp_ms: int, _headers: Any) -> Judged:  # noqa: ANN401 - Quix Streams' own signature
        event = AccessEvent.model_validate_json(value)
        now = datetime.now(UTC)
        received_at = datetime.fromtimestamp(timestamp_ms / 1_000, UTC)
        verdict = judge(event, policies, evidence, received_at=received_at, as_of=now)
        return Judged(event, verdict, evidence.version, received_at, now)

    application = Application(
        connection_to(settings.kafka),
        consumer_group=settings.worker.group,
        auto_offset_reset="earliest",
        commit_interval=LONGEST_BATCH_S,
        commit_every=LARGEST_BATCH,
        auto_create_topics=False,
        loglevel="WARNING",
    )
    topic = application.topic(ACCESS_EVENTS, key_deserializer="bytes", value_deserializer="bytes")
    application.dataframe(topic).apply(judged, metadata=True).sink(Trail(_client(settings)))
    application.run()


def read_evidence(kafka: KafkaSettings) -> EvidenceIndex:
    """Read the whole evidence topic before the first access is judged."""
    index = EvidenceIndex()
    consumer = Consumer({**connection_to(kafka).as_librdkafka_dict(), "group.id": "unused"})
    where = TopicPartition(EVIDENCE_RECORDS, 0, 0)
    _, end = consumer.get_watermark_offsets(where)
    consumer.assign([where])
    while index.version < end - 1:
        for record in consumer.consume(LARGEST_POLL, timeout=1.0):
            index.put(EvidenceRecord.model_validate_json(record.value()), record.offset())
    consumer.close()
    return index


def connection_to(kafka: KafkaSettings) -> ConnectionConfig:
    """Describe the Kafka that the settings name, for Quix Streams."""
    return ConnectionConfig(
        bootstrap_servers=kafka.bootstrap,
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_username=kafka.username,
        sasl_password=kafka.password.get_secret_value(),
    )


def _client(settings: Settings) -> Client:
    clickhouse = settings.clickhouse
    return Client(
        host=clickhouse.host,
        port=clickhouse.port,
        database=clickhouse.database,
        user=clickhouse.username,
        password=clickhouse.password.get_secret_value(),
    )


if __name__ == "__main__":
    main()

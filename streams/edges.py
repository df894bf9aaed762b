"""Where the access topic stands in Kafka, for whoever is no member of the workers' group."""

from collections.abc import Sequence
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from earwitness.reconciliation.accounts import Edges
from models.errors import BrokerUnavailable
from models.ranges import Range
from models.topics import ACCESS_EVENTS
from streams.connection import KafkaConnection

ANSWER_WITHIN_MS: Final = 10_000
SESSION_TIMEOUT_MS: Final = 6_000
"""Of no use here, for no group is joined; the client wants it, and its heartbeats, below the other."""


def read_edges(connection: KafkaConnection, group: str) -> list[Edges]:
    """Give the offsets and commits of every partition; commits are read first.

    Nothing is joined, committed or moved. Raises `BrokerUnavailable`, and `ConfigurationError` where a
    commit is not ours.
    """
    try:
        consumer = KafkaConsumer(
            **connection.arguments(),
            group_id=group,
            enable_auto_commit=False,
            bootstrap_timeout_ms=ANSWER_WITHIN_MS,
            request_timeout_ms=ANSWER_WITHIN_MS,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=SESSION_TIMEOUT_MS // 6,
        )
        try:
            return _edges(consumer)
        finally:
            consumer.close(autocommit=False)
    except KafkaError as error:
        raise BrokerUnavailable(
            f"Kafka {connection.bootstrap} did not tell where {ACCESS_EVENTS} stands, as"
            f" {connection.username}: {error!r}"
        ) from error


def _edges(consumer: Any) -> list[Edges]:  # noqa: ANN401 - kafka-python ships no types we follow
    places = [TopicPartition(ACCESS_EVENTS, number) for number in _partitions(consumer)]
    commits = [consumer.committed(place, metadata=True, timeout_ms=ANSWER_WITHIN_MS) for place in places]
    earliest = consumer.beginning_offsets(places, timeout_ms=ANSWER_WITHIN_MS)
    ends = consumer.end_offsets(places, timeout_ms=ANSWER_WITHIN_MS)
    return [
        Edges(
            partition=place.partition,
            earliest=earliest[place],
            end=ends[place],
            committed=None if commit is None else commit.offset,
            announced=None
            if commit is None
            else Range.from_intent(ACCESS_EVENTS, place.partition, commit.metadata or ""),
        )
        for place, commit in zip(places, commits, strict=True)
    ]


def _partitions(consumer: Any) -> Sequence[int]:  # noqa: ANN401 - as above
    found = consumer.partitions_for_topic(ACCESS_EVENTS)
    if not found:
        raise BrokerUnavailable(f"there is no topic {ACCESS_EVENTS}: `earwitness provision` makes it")
    return sorted(found)

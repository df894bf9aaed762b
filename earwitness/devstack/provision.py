"""What a stack needs before it can be used: topics, access rules, and the schema of the trail."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ConfigResource,
    ConfigResourceType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import KafkaError, TopicAlreadyExistsError

from earwitness.cli import wiring
from earwitness.settings import ClickHouseSettings, KafkaSettings
from models import topics
from models.errors import BrokerUnavailable
from sinks.clickhouse.schema import migrate

ADMIN_TIMEOUT_MS: Final = 10_000
CONNECT_TIMEOUT_S: Final = 5.0
DAY_MS: Final = 24 * 3600 * 1000
GROUP: Final = "earwitness-judge"
ALERTS_GROUP: Final = "earwitness-alerts"
LARGEST_MESSAGE_BYTES: Final = 1_048_588
"""Kafka's own default, written down: more than the largest event or evidence record and its headers."""

LARGEST_LETTER_BYTES: Final = 2 * LARGEST_MESSAGE_BYTES

BROKER_TIME: Final = {"message.timestamp.type": "LogAppendTime"}
LARGEST: Final = {"max.message.bytes": str(LARGEST_MESSAGE_BYTES)}


class Topic(NamedTuple):
    """What a topic must be."""

    name: str
    partitions: int
    configs: Mapping[str, str]


TOPICS: Final = (
    Topic(topics.ACCESS_EVENTS, 8, {**BROKER_TIME, **LARGEST, "retention.ms": str(7 * DAY_MS)}),
    # Each version of a record stays a week, so that a worker that was away still copies it to the
    # table that keeps them all.
    Topic(
        topics.EVIDENCE_RECORDS,
        1,
        {
            **BROKER_TIME,
            **LARGEST,
            "cleanup.policy": "compact",
            "min.compaction.lag.ms": str(7 * DAY_MS),
        },
    ),
    Topic(topics.FINDINGS, 8, {**LARGEST, "retention.ms": str(7 * DAY_MS)}),
    Topic(
        topics.DEAD_LETTERS,
        1,
        {
            **BROKER_TIME,
            "max.message.bytes": str(LARGEST_LETTER_BYTES),
            "retention.ms": str(30 * DAY_MS),
        },
    ),
)

RULES: Final = (
    ("producer", ResourceType.TOPIC, topics.ACCESS_EVENTS, ACLOperation.WRITE),
    ("register", ResourceType.TOPIC, topics.EVIDENCE_RECORDS, ACLOperation.WRITE),
    ("worker", ResourceType.TOPIC, topics.ACCESS_EVENTS, ACLOperation.READ),
    ("worker", ResourceType.TOPIC, topics.EVIDENCE_RECORDS, ACLOperation.READ),
    ("worker", ResourceType.TOPIC, topics.FINDINGS, ACLOperation.WRITE),
    ("worker", ResourceType.TOPIC, topics.DEAD_LETTERS, ACLOperation.WRITE),
    ("worker", ResourceType.GROUP, GROUP, ACLOperation.READ),
    ("alerter", ResourceType.TOPIC, topics.FINDINGS, ACLOperation.READ),
    ("alerter", ResourceType.GROUP, ALERTS_GROUP, ACLOperation.READ),
)
"""Who may do what. Reading or writing implies describing; everything else is refused."""


@contextmanager
def kafka_admin(settings: KafkaSettings) -> Iterator[KafkaAdminClient]:
    """Connect to Kafka as its administrator. Raises `BrokerUnavailable`, inside the block too."""
    _reach(settings.bootstrap)
    arguments = wiring.kafka(settings).arguments()
    try:
        admin = KafkaAdminClient(
            **arguments, request_timeout_ms=ADMIN_TIMEOUT_MS, bootstrap_timeout_ms=ADMIN_TIMEOUT_MS
        )
        try:
            yield admin
        finally:
            admin.close()
    except KafkaError as error:
        raise BrokerUnavailable(
            f"Kafka {settings.bootstrap}, as {settings.username}: {type(error).__name__}: {error}"
        ) from error


def _reach(bootstrap: str) -> None:
    """Fail at once where nothing listens: the client would try on, and leak what it tried with."""
    faults: list[str] = []
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT_S).close()
        except (OSError, ValueError) as error:
            faults.append(f"{address}: {error}")
        else:
            return
    raise BrokerUnavailable(f"Kafka cannot be reached: {'; '.join(faults)}")


def provision_kafka(settings: KafkaSettings) -> None:
    """Create the topics and rules that are missing; leave the others as they are.

    Raises `BrokerUnavailable`.
    """
    with kafka_admin(settings) as admin:
        present = set(admin.list_topics())
        for topic in TOPICS:
            if topic.name not in present:
                _create(admin, topic)
        admin.create_acls([_rule(*rule) for rule in RULES])


def align_topics(settings: KafkaSettings) -> None:
    """Give the topics the settings that they should have. Raises `BrokerUnavailable`.

    For a Kafka that is ours alone: elsewhere its operator may have chosen others.
    """
    with kafka_admin(settings) as admin:
        for topic in TOPICS:
            if wrong := wrong_configs(admin, topic):
                changed = {name: topic.configs[name] for name in wrong}
                admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, changed)])


def wrong_configs(admin: KafkaAdminClient, topic: Topic) -> dict[str, str | None]:
    """Give what a topic says where it should say something else."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name)]
    answer = admin.describe_configs(asked)["topic"][topic.name]
    actual = {name: answer[name]["value"] if name in answer else None for name in topic.configs}
    return {name: value for name, value in actual.items() if value != topic.configs[name]}


def provision_clickhouse(settings: ClickHouseSettings) -> None:
    """Bring the schema up to date. Raises `SinkUnavailable` or `SinkRejected`."""
    migrate(wiring.clickhouse(settings))


def _create(admin: KafkaAdminClient, topic: Topic) -> None:
    # How often it is replicated is for the broker's settings to say.
    options = {"num_partitions": topic.partitions, "configs": dict(topic.configs)}
    with suppress(TopicAlreadyExistsError):
        admin.create_topics({topic.name: options}, wait_for_metadata=True)


def _rule(user: str, kind: ResourceType, name: str, operation: ACLOperation) -> ACL:
    pattern = ResourcePattern(kind, name)
    return ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, pattern)

"""Findings read from Kafka by the one process of its group that gets all of them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import structlog
from kafka import KafkaConsumer
from kafka.coordinator.assignors.abstract import (
    AbstractPartitionAssignor,
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
)
from kafka.errors import KafkaError

from models.fields import parse_time
from models.finding import Finding
from models.topics import FINDINGS
from streams.connection import KafkaConnection, unreachable

log = structlog.get_logger(__name__)

MOST_FINDINGS: Final = 500
"""Findings that are handed over at once."""

SESSION_TIMEOUT_MS: Final = 10_000
LONGEST_BETWEEN_POLLS_MS: Final = 3_600_000
"""An outage of the store may last; the findings in hand are kept, and the place in the group as well."""


class SoleOwner(AbstractPartitionAssignor):  # type: ignore[misc]  # kafka-python has no types
    """Gives all partitions to the first member: alerts of one person come from accesses of all partitions.

    Another process of the group stands by, and takes over once the first is gone.
    """

    name = "earwitness-sole-owner"
    version = 0

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> dict[str, Any]:  # noqa: ANN401 - kafka-python's objects
        """Say which member gets which partitions."""
        owner = min(member.member_id for member in members)
        topics = sorted({topic for member in members for topic in member.metadata.topics})
        everything = [(topic, sorted(cluster.partitions_for_topic(topic) or ())) for topic in topics]
        return {
            member.member_id: ConsumerProtocolAssignment(
                cls.version, everything if member.member_id == owner else [], b""
            )
            for member in members
        }

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> Any:  # noqa: ANN401 - as above
        """Say what this member asks for."""
        return ConsumerProtocolSubscription(cls.version, list(topics), b"")

    @classmethod
    def on_assignment(cls, assignment: Any, generation: int) -> None:  # noqa: ANN401 - as above
        """Take note of nothing."""


class FindingReader:
    """Findings from where the group is; a new group begins with the oldest that Kafka has.

    Raises `BrokerUnavailable` where Kafka cannot be reached at the start.
    """

    def __init__(self, connection: KafkaConnection, group: str) -> None:
        arguments = self._arguments = connection.arguments()
        try:
            self._consumer = KafkaConsumer(
                FINDINGS,
                **arguments,
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                partition_assignment_strategy=[SoleOwner],
                session_timeout_ms=SESSION_TIMEOUT_MS,
                max_poll_interval_ms=LONGEST_BETWEEN_POLLS_MS,
                max_poll_records=MOST_FINDINGS,
            )
        except KafkaError as error:
            raise unreachable(arguments, error) from error

    @property
    def leads(self) -> bool:
        """Say whether this is the process that gets the findings."""
        return bool(self._consumer.assignment())

    def poll(self, timeout_s: float) -> list[Finding]:
        """Give findings as they come; none where none comes in time, or another process gets them.

        Raises `BrokerUnavailable`.
        """
        try:
            polled = self._consumer.poll(timeout_ms=round(timeout_s * 1_000), max_records=MOST_FINDINGS)
        except KafkaError as error:
            raise unreachable(self._arguments, error) from error
        return [finding for records in polled.values() for finding in _read(records)]

    def commit(self) -> None:
        """Note that all findings handed over are dealt with.

        Where the group has another owner by now it says so in its log alone: that owner deals with them
        again, which gives the same alerts.
        """
        try:
            self._consumer.commit()
        except KafkaError as error:
            log.warning("findings_not_committed", error=f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Leave the group, so that another process takes over at once."""
        self._consumer.close(autocommit=False)


def read_finding(value: bytes) -> Finding:
    """Read a finding as it is published. Raises ValueError, KeyError or TypeError where it is none."""
    fields: Mapping[str, Any] = json.loads(value)
    known = {name: fields[name] for name in Finding._fields if name in fields}
    known |= {
        "time": parse_time(fields["time"]),
        "clause": fields["clause"] or "",
        "stale_registers": tuple(fields.get("stale_registers") or ()),
    }
    return Finding(**known)


def _read(records: Iterable[Any]) -> Iterable[Finding]:
    for record in records:
        try:
            yield read_finding(record.value)
        except (ValueError, KeyError, TypeError) as error:
            # Only our own processes may write here, so it is a newer version's; its row is on record.
            log.warning(
                "finding_unreadable", partition=record.partition, offset=record.offset, error=str(error)
            )

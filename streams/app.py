"""The Faust application of a worker: its topics, its agents, its settings."""

from pathlib import Path
from typing import Any, Final

import faust
from faust.types import EventT, StreamT

from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from streams.batches import BatchScheduling, BatchSchema
from streams.connection import KafkaConnection
from streams.fetching import fetch_promptly
from streams.intake import Intake
from streams.reading import forgive_names

FETCH_BYTES: Final = 8 * 1024 * 1024
FETCHED_RECORDS: Final = 20_000
STREAM_BUFFER_BATCHES: Final = 2
HEARTBEATS_PER_SESSION: Final = 3

LONGEST_SILENCE_S: Final = 86_400.0
"""aiokafka leaves the group when nothing was fetched for this long; an outage of the store may last."""


def create_app(
    connection: KafkaConnection, *, group: str, session_timeout_s: int, scratch: Path
) -> faust.App:
    """Configure Faust for partition batches whose offsets we commit ourselves."""
    forgive_names()
    fetch_promptly()
    return faust.App(
        group,
        **connection.faust_broker(),
        ConsumerScheduler=BatchScheduling,
        broker_max_poll_records=FETCHED_RECORDS,
        broker_max_poll_interval=LONGEST_SILENCE_S,
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=session_timeout_s / HEARTBEATS_PER_SESSION,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=STREAM_BUFFER_BATCHES,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        store="memory://",
        datadir=str(scratch),
        autodiscover=False,
    )


def add_intake(app: faust.App, accesses: Intake, evidence: Intake) -> None:
    """Route the two topics to their intakes, and let go of partitions before they move."""
    _add_agent(app, ACCESS_EVENTS, "judge-accesses", accesses)
    _add_agent(app, EVIDENCE_RECORDS, "record-evidence", evidence)

    async def release(*_: object, **__: object) -> None:
        await accesses.release()
        await evidence.release()

    async def resume(*_: object, **__: object) -> None:
        await accesses.resume()
        await evidence.resume()

    app.on_partitions_revoked.connect(release)
    app.on_partitions_assigned.connect(resume)


def _add_agent(app: faust.App, topic_name: str, agent_name: str, intake: Intake) -> None:
    # acks=False: Faust never tracks or commits the topic, for its commits erase our metadata.
    topic = app.topic(topic_name, schema=BatchSchema(), acks=False, internal=False)

    async def deliver(stream: StreamT[Any]) -> None:
        async for event in stream.noack().events():
            await _hand_over(event, intake)
            del event  # a batch is large: do not hold on to it while the next is awaited

    app.agent(topic, name=agent_name)(deliver)


async def _hand_over(event: EventT[Any], intake: Intake) -> None:
    message = event.message
    await intake.accept(message.topic, message.partition, message.generation_id, event.value)

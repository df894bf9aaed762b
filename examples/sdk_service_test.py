"""How a service tests that it records, without a Kafka: run it with pytest."""

import pytest
from earwitness_sdk import NotRecorded, Recorder
from earwitness_sdk.testing import MemoryOutbox


def play(recorder: Recorder, agent: str, recording: str) -> bytes:
    """Stand in for the service under test."""
    recorder.record(
        actor_type="employee",
        actor_id=agent,
        action="listen",
        resource_type="call_recording",
        resource_id=recording,
        customer_id="acme",
    )
    return b"RIFF"


def test_whoever_listens_is_recorded() -> None:
    """The outbox of the test keeps what would have gone to Kafka."""
    outbox = MemoryOutbox()
    play(Recorder(source="/services/recording-api", outbox=outbox), "e-1", "rec-9")
    event = outbox.assert_recorded(actor_id="e-1", resource_id="rec-9")
    assert event.outcome == "succeeded"


def test_nothing_is_served_that_is_not_recorded() -> None:
    """It can also act like a Kafka that is down."""
    outbox = MemoryOutbox()
    outbox.refusing = True
    with pytest.raises(NotRecorded):
        play(Recorder(source="/services/recording-api", outbox=outbox), "e-1", "rec-9")

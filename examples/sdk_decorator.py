"""A service whose functions are recorded at every call, by a decorator."""

from dataclasses import dataclass

from earwitness_sdk import Recorder, argument

recorder = Recorder.from_environment()


@dataclass(frozen=True)
class Recording:
    """One recorded call."""

    id: str
    customer: str
    content: bytes


@recorder.accesses(
    actor_type="service",
    actor_id=argument("account"),
    action="transcribe",
    resource_type="call_recording",
    resource_id=argument("recording.id"),
    customer_id=argument("recording.customer"),
    content_bytes=lambda call: len(call["recording"].content),
    purpose="provide_service",
)
def transcribe(account: str, recording: Recording) -> str:
    """Write down what was said."""
    return f"{account} heard {len(recording.content)} octets of {recording.id}"


if __name__ == "__main__":
    print(transcribe("svc-transcriber", Recording("rec-9", "acme", b"RIFF")))
    recorder.close()

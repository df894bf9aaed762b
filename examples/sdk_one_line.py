"""A service that records in one line, before it hands content out.

Set EARWITNESS_SDK__SOURCE and EARWITNESS_KAFKA__BOOTSTRAP, …__USERNAME and …__PASSWORD.
"""

from earwitness_sdk import Recorder

recorder = Recorder.from_environment()


def play(agent: str, recording: str, customer: str, ticket: str) -> bytes:
    """Give a recording to an agent who works on a ticket."""
    recorder.record(
        actor_type="employee",
        actor_id=agent,
        action="listen",
        resource_type="call_recording",
        resource_id=recording,
        customer_id=customer,
        purpose="resolve_complaint",
        evidence_ref=f"ticket:{ticket}",
    )
    return b"RIFF"


if __name__ == "__main__":
    print(len(play("e-1", "rec-9", "acme", "TCK-1")), "octets served, and recorded")
    recorder.close()

"""A service that learns on the way what it touches: the access is recorded when the block ends."""

from earwitness_sdk import Recorder

MESSAGES = {"acme": ["hello", "goodbye"]}

recorder = Recorder.from_environment()


def export_messages(agent: str, customer: str, order: str) -> list[str]:
    """Export a customer's messages; a refusal and a failure are recorded as well."""
    with recorder.access(
        actor_type="employee",
        actor_id=agent,
        action="export",
        resource_type="sms_content",
        resource_id=f"mailbox/{customer}",
        customer_id=customer,
        purpose="legal_obligation",
        evidence_ref=f"legal-order:{order}",
    ) as access:
        if agent == "e-666":
            raise PermissionError(agent)
        messages = MESSAGES[customer]
        access.item_count = len(messages)
        access.content_bytes = sum(len(message.encode()) for message in messages)
    return messages


if __name__ == "__main__":
    print(len(export_messages("e-1", "acme", "LO-7")), "messages exported, and recorded")
    try:
        export_messages("e-666", "acme", "LO-7")
    except PermissionError:
        print("one attempt denied, and recorded")
    recorder.close()

"""An asynchronous service: hundreds of requests share one thread, and none blocks the others."""

import asyncio

from earwitness_sdk import Recorder, argument

recorder = Recorder.from_environment()


async def list_calls(customer: str) -> list[str]:
    """Let a customer see their own calls."""
    await recorder.arecord(
        actor_type="customer",
        actor_id=customer,
        action="list",
        resource_type="call_detail",
        resource_id=f"calls/{customer}",
        customer_id=customer,
        purpose="own_use",
    )
    return ["call-1", "call-2"]


@recorder.accesses(
    actor_type="customer",
    actor_id=argument("customer"),
    action="listen",
    resource_type="call_recording",
    resource_id=argument("call"),
    customer_id=argument("customer"),
    purpose="own_use",
)
async def listen(customer: str, call: str) -> bytes:
    """Let a customer listen to one of their calls."""
    await asyncio.sleep(0.01)
    return f"{customer} {call}".encode()


async def main() -> None:
    """Serve some requests at once."""
    calls = await list_calls("acme")
    contents = await asyncio.gather(*(listen("acme", call) for call in calls))
    print(len(contents), "calls served, and recorded")


if __name__ == "__main__":
    asyncio.run(main())
    recorder.close()

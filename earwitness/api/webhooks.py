"""The route of webhooks: ticket systems tell of evidence, each by a secret of its own."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from earwitness.api import answers
from earwitness.api.deliveries import Deliveries, Refused, unknown_register
from earwitness.api.errors import error_response
from earwitness.registers.signatures import Delivery

router: Final = APIRouter(tags=["webhooks"])


async def _delivery(request: Request) -> Delivery:
    return Delivery({name.lower(): value for name, value in request.headers.items()}, await request.body())


@router.post("/webhooks/{register}", response_model=answers.Delivered, operation_id="deliver_webhook")
def deliver(
    register: str, request: Request, delivery: Annotated[Delivery, Depends(_delivery)]
) -> JSONResponse:
    """Take one delivery: 200 once Kafka has acknowledged what it tells, or it tells nothing new."""
    deliveries: Deliveries | None = request.app.state.deliveries
    try:
        if deliveries is None:
            raise unknown_register(register)
        return JSONResponse(deliveries.take(register, delivery))
    except Refused as refused:
        return error_response(refused.status, refused.code, refused.message, refused.hint, refused.headers)

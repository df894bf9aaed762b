"""Routes about registers: which there are and whether they still tell; and their heartbeats.

Neither a list of registers nor a beat says anything of an access, so neither is recorded as a reading:
monitors ask and registers beat each minute. What changes who is watched is recorded where it is written.
"""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from earwitness.api import answers
from earwitness.api.errors import NotFound
from earwitness.api.permissions import caller_of
from earwitness.api.recording import surface_of
from earwitness.api.sources import From
from earwitness.query.registers import as_item
from models.registers import Heartbeat, IntervalS, RegisterKinds, RegisterName
from sinks.clickhouse.heartbeats import Teller

router: Final = APIRouter(tags=["registers"])


class Declaration(BaseModel):
    """What a register says with a beat: the kinds of evidence it tells of, and when to expect the next."""

    model_config = ConfigDict(extra="forbid")

    kinds: RegisterKinds
    every_s: IntervalS


@router.get("/registers", response_model=answers.Registers)
def list_registers(request: Request, sources: From) -> JSONResponse:
    """Give every register by its newest beat, and whether it is overdue now."""
    now = request.app.state.clock()
    return JSONResponse({"registers": [as_item(state, now) for state in sources.registers.current()]})


@router.post("/registers/{name}/heartbeat", response_model=answers.Changed, operation_id="beat_register")
def beat(name: RegisterName, declared: Declaration, request: Request, sources: From) -> JSONResponse:
    """Say that a register works. `changed` tells whether it is new or declares something else than before."""
    heartbeat = Heartbeat(name=name, kinds=declared.kinds, every_s=declared.every_s)
    changed = sources.heartbeats.beat(heartbeat, _teller(request))
    return JSONResponse({"name": name, "changed": changed})


@router.post("/registers/{name}/retirement", response_model=answers.Retired, operation_id="retire_register")
def retire(name: RegisterName, request: Request, sources: From) -> JSONResponse:
    """Expect nothing of a register any more, until it beats again."""
    if not sources.heartbeats.retire(name, _teller(request)):
        raise NotFound(f"no register of the name {name} beats")
    return JSONResponse({"name": name, "retired": True})


def _teller(request: Request) -> Teller:
    return Teller(caller_of(request).name, surface_of(request))

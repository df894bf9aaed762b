"""The ports of a stack: those asked for, those it had before, or free ones. Loopback only."""

import json
import socket
from contextlib import ExitStack
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from earwitness.devstack.layout import Layout, write_private
from models.errors import StackUnavailable

HOST: Final = "127.0.0.1"


class Ports(BaseModel):
    """The ports on which the parts of one stack listen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kafka: int = Field(ge=1, le=65_535)
    kafka_controller: int = Field(ge=1, le=65_535)
    clickhouse: int = Field(ge=1, le=65_535)
    clickhouse_http: int = Field(0, ge=0, le=65_535)
    """0 in a folder of before exports: the next start chooses one."""
    api: int = Field(ge=1, le=65_535)


def choose(layout: Layout, asked: dict[str, int]) -> Ports:
    """Settle the ports of a stack about to start, and remember them.

    A port asked for must be free. One that the stack had before is kept while it is free.
    Raises `StackUnavailable` where a port asked for is taken.
    """
    before = _remembered(layout)
    chosen: dict[str, int] = {}
    with ExitStack() as held:
        for name in Ports.model_fields:
            if name in asked:
                chosen[name] = _hold(held, asked[name], option=name)
            else:
                chosen[name] = _hold_any(held, before.get(name, 0))
    ports = Ports(**chosen)
    write_private(layout.ports, ports.model_dump_json(indent=2) + "\n")
    return ports


def free(count: int) -> list[int]:
    """Give so many ports that are free now, for what need not have the same ones the next time."""
    with ExitStack() as held:
        return [_bind(held, 0) for _ in range(count)]


def is_free(port: int) -> bool:
    """Say whether a server could listen on the port now."""
    with ExitStack() as held:
        try:
            _bind(held, port)
        except OSError:
            return False
        return True


def _remembered(layout: Layout) -> dict[str, int]:
    try:
        return Ports.model_validate_json(layout.ports.read_bytes()).model_dump()
    except (OSError, ValidationError, json.JSONDecodeError):
        return {}


def _hold(held: ExitStack, port: int, option: str) -> int:
    try:
        return _bind(held, port)
    except OSError as error:
        name = option.replace("_", "-")
        raise StackUnavailable(
            f"port {port} on {HOST} cannot be used for {name}: {error.strerror}; stop what listens there, "
            f"name another with --{name}-port, or leave the option out for a free one"
        ) from error


def _hold_any(held: ExitStack, preferred: int) -> int:
    try:
        return _bind(held, preferred)
    except OSError:
        return _bind(held, 0)


def _bind(held: ExitStack, port: int) -> int:
    """Hold a port until the choice is complete, so that no two names get the same."""
    listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    number: int = listener.getsockname()[1]
    return number

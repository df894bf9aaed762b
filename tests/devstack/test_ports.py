import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from earwitness.devstack import ports
from models.errors import StackUnavailable
from tests.devstack.builders import a_layout


@contextmanager
def a_listener() -> Iterator[int]:
    """Some other program that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_every_part_gets_a_free_port_of_its_own(tmp_path: Path) -> None:
    """Two stacks on one machine must not meet."""
    chosen = ports.choose(a_layout(tmp_path), {})
    numbers = list(chosen.model_dump().values())
    assert len(set(numbers)) == len(numbers) == 5
    assert all(ports.is_free(number) for number in numbers)


def test_a_stack_keeps_its_ports(tmp_path: Path) -> None:
    """Services that were told an address reach the stack after a restart as well."""
    layout = a_layout(tmp_path)
    assert ports.choose(layout, {}) == ports.choose(layout, {})


def test_a_port_that_was_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    """Nobody asked for that number, so its loss must not stop the stack."""
    layout = a_layout(tmp_path)
    before = ports.choose(layout, {})
    with socket.create_server(("127.0.0.1", before.kafka)):
        after = ports.choose(layout, {})
    assert after.kafka != before.kafka
    assert (after.clickhouse, after.api) == (before.clickhouse, before.api)


def test_a_port_asked_for_is_taken(tmp_path: Path) -> None:
    """A firewall or a client may rely on it."""
    with a_listener() as number:
        pass
    assert ports.choose(a_layout(tmp_path), {"clickhouse": number}).clickhouse == number


def test_a_port_asked_for_and_in_use_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """Starting elsewhere silently would send the clients to a stranger."""
    with a_listener() as number, pytest.raises(StackUnavailable) as refusal:
        ports.choose(a_layout(tmp_path), {"kafka": number})
    assert str(number) in str(refusal.value)
    assert "--kafka-port" in str(refusal.value)


def test_a_broken_memory_of_ports_is_forgotten(tmp_path: Path) -> None:
    """It is a convenience; it must not keep a stack from starting."""
    layout = a_layout(tmp_path)
    layout.ports.write_text("{")
    assert ports.choose(layout, {}).kafka > 0

"""Evidence and accesses that went the whole way, once a session, for tests of what can be read of them."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from earwitness.cli.client import ApiClient
from tests.api.world import World, publish
from tests.conftest import Stack


@pytest.fixture(scope="session")
def world(stack: Stack) -> World:
    """Publish a small world whose names no other test uses, and wait until it is judged."""
    return publish(stack, uuid4().hex[:8])


@pytest.fixture
def api(stack: Stack) -> Iterator[ApiClient]:
    """Ask the stack's own API."""
    with ApiClient(stack.settings("api").api) as client:
        yield client

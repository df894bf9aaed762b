"""Tokens of the stack for tests: who asks, with what, through its own API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx

from tests.conftest import Stack


@contextmanager
def http(stack: Stack, token: str | None = None) -> Iterator[httpx.Client]:
    """Ask the stack's API with a token, by default the one that the stack was made with."""
    api = stack.settings("api").api
    token = token or api.token.get_secret_value()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{api.url}/api/v1", headers=headers, trust_env=False, timeout=30) as client:
        yield client


def create(stack: Stack, role: str, **wish: Any) -> dict[str, Any]:
    """Create a token of a new name."""
    with http(stack) as admin:
        answer = admin.post("/tokens", json={"name": f"t-{uuid4().hex[:12]}", "role": role, **wish})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@contextmanager
def holder(stack: Stack, role: str, **wish: Any) -> Iterator[httpx.Client]:
    """Ask as the holder of a new token."""
    with http(stack, create(stack, role, **wish)["token"]) as client:
        yield client

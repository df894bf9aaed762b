"""A POST that ends in time, whatever the receiver does."""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from models.errors import ChannelUnavailable
from sinks.channels.base import LONGEST_TRY_S

LARGEST_ANSWER_BYTES: Final = 4_096
ALWAYS: Final = {"user-agent": "earwitness", "accept-encoding": "identity"}
"""The answer is evidence: it is kept as it comes, so it must not come packed."""


class Answered(NamedTuple):
    """A status, the beginning of the body, and the header Retry-After where there is one."""

    code: int
    text: str
    retry_after: str | None


class Target(NamedTuple):
    """Where to post, and by which authorities a server there is known."""

    url: str
    tls: ssl.SSLContext
    longest_s: float = LONGEST_TRY_S


def target(url: str, ca_file: Path | None = None, longest_s: float = LONGEST_TRY_S) -> Target:
    """Name one. With `ca_file` its authorities count instead of the system's. Raises OSError."""
    return Target(url, ssl.create_default_context(cafile=ca_file), longest_s)


def post(to: Target, body: bytes, headers: Mapping[str, str]) -> Answered:
    """Send one request. Raises `ChannelUnavailable` where no answer came in time.

    Only the resolver is not ours to stop: while it looks for a host, it may hold a try as long as it
    is configured to.
    """
    return asyncio.run(_post(to, body, headers))


async def _post(to: Target, body: bytes, headers: Mapping[str, str]) -> Answered:
    try:
        async with asyncio.timeout(to.longest_s):
            return await _exchange(to, body, headers)
    except TimeoutError as error:
        raise ChannelUnavailable(f"no whole answer within {to.longest_s:g} s") from error
    except (httpx.HTTPError, OSError) as error:
        raise ChannelUnavailable(f"{type(error).__name__}: {error}".removesuffix(": ")) from error


async def _exchange(to: Target, body: bytes, headers: Mapping[str, str]) -> Answered:
    client = httpx.AsyncClient(verify=to.tls, follow_redirects=False, trust_env=False, timeout=to.longest_s)
    async with client, client.stream("POST", to.url, content=body, headers={**ALWAYS, **headers}) as response:
        taken = b""
        async for chunk in response.aiter_raw():
            taken += chunk[: LARGEST_ANSWER_BYTES - len(taken)]
            if len(taken) >= LARGEST_ANSWER_BYTES:
                break
        return Answered(
            response.status_code, taken.decode(errors="replace"), response.headers.get("retry-after")
        )

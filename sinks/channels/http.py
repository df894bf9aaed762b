"""A POST that ends in time, whatever the receiver does."""

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

import httpx

from models.errors import ChannelUnavailable
from sinks.channels.base import LONGEST_TRY_S

LARGEST_ANSWER_BYTES: Final = 4_096


class Answered(NamedTuple):
    """A status, the beginning of the body, and the header Retry-After where there is one."""

    code: int
    text: str
    retry_after: str | None


def post(url: str, body: bytes, headers: Mapping[str, str], longest_s: float = LONGEST_TRY_S) -> Answered:
    """Send one request. Raises `ChannelUnavailable` where no answer came in time."""
    return asyncio.run(_post(url, body, headers, longest_s))


async def _post(url: str, body: bytes, headers: Mapping[str, str], longest_s: float) -> Answered:
    try:
        async with asyncio.timeout(longest_s):
            return await _exchange(url, body, headers)
    except TimeoutError as error:
        raise ChannelUnavailable(f"no whole answer within {longest_s:g} s") from error
    except (httpx.HTTPError, OSError) as error:
        raise ChannelUnavailable(f"{type(error).__name__}: {error}".removesuffix(": ")) from error


async def _exchange(url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
    client = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=LONGEST_TRY_S)
    async with client, client.stream("POST", url, content=body, headers=dict(headers)) as response:
        taken = b""
        async for chunk in response.aiter_raw():
            taken += chunk[: LARGEST_ANSWER_BYTES - len(taken)]
            if len(taken) >= LARGEST_ANSWER_BYTES:
                break
        return Answered(
            response.status_code, taken.decode(errors="replace"), response.headers.get("retry-after")
        )

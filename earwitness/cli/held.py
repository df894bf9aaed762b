"""What the registers hold now, through the read API, and the wait until they hold what was just put."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from earwitness.cli.client import ApiClient
from earwitness.registers.plan import Held
from models.evidence import EvidenceRecord

PAGE: Final = 5_000
MOST_SINGLE: Final = 50
"""Up to so many records are asked for one by one; more are read in pages of their prefix."""

VISIBLE_WITHIN_S: Final = 60.0
"""How long a worker may take to copy what was acknowledged to evidence_log."""

PAUSE_S: Final = 0.2


def read_held(api: ApiClient, refs: Sequence[str], prefix: str) -> dict[str, Held]:
    """Give what is held of some refs, which all begin with `prefix`."""
    if len(refs) > MOST_SINGLE:
        return read_all(api, prefix)
    answers = [api.find("evidence", ref) for ref in refs]
    return {answer["ref"]: _held(answer["current"]) for answer in answers if answer is not None}


def read_all(api: ApiClient, prefix: str) -> dict[str, Held]:
    """Give everything that is held under a prefix."""
    found: dict[str, Held] = {}
    after: str | None = None
    while True:
        page = api.get("evidence", prefix=prefix, after=after, limit=PAGE)
        found |= {item["record"]["ref"]: _held(item) for item in page["items"]}
        after = page["next"]
        if after is None:
            return found


def await_visible(
    api: ApiClient,
    ref: str,
    newer_than: int | None,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Wait until a version of the record last published is held; False where that takes too long.

    The topic has one partition and is copied in order: what was published before it is held then too.
    """
    deadline = now() + VISIBLE_WITHIN_S
    while True:
        answer = api.find("evidence", ref)
        if answer is not None and (newer_than is None or answer["current"]["version"] > newer_than):
            return True
        if now() > deadline:
            return False
        sleep(PAUSE_S)


def _held(item: dict[str, Any]) -> Held:
    return Held(EvidenceRecord.model_validate(item["record"]), item["version"])

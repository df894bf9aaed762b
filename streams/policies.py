"""Policy versions made known to the store before anybody judges by them."""

import time
from collections.abc import Callable
from typing import Final

import structlog

from earwitness.policy import PolicySet
from earwitness.policy.succession import changed_version
from models.errors import PolicyInvalid, SinkUnavailable
from sinks.base import PolicyVersion, TrailSink

log = structlog.get_logger(__name__)

WAITED_FOR_S: Final = 300.0
"""How long a worker that starts waits for a store that does not answer."""

LONGEST_RETRY_S: Final = 5.0


def register(trail: TrailSink, policies: PolicySet) -> None:
    """Make every version known, the oldest first.

    Raises `PolicyInvalid` at the first that is known by another digest: another worker, or this one
    earlier, judged by other words under that name. What comes after it does not become known.
    """
    for policy in policies.policies:
        document = policy.document
        known = trail.register_policy(
            PolicyVersion(
                policy=document.policy,
                version=document.version,
                digest=policy.digest,
                effective_from=document.effective_from,
                document=document.model_dump_json(),
            )
        )
        if known != policy.digest:
            raise PolicyInvalid([changed_version(policy, known)])


def register_patiently(
    trail: TrailSink, policies: PolicySet, sleep: Callable[[float], None] = time.sleep
) -> None:
    """As `register`, for a worker that may start before its store.

    Raises `SinkUnavailable` where the store does not answer within `WAITED_FOR_S`.
    """
    waited_s, wait_s = 0.0, 0.5
    while True:
        try:
            register(trail, policies)
        except SinkUnavailable as error:
            if waited_s >= WAITED_FOR_S:
                raise
            log.warning("policies_wait", error=str(error), retry_after_s=wait_s)
        else:
            return
        sleep(wait_s)
        waited_s += wait_s
        wait_s = min(wait_s * 2, LONGEST_RETRY_S)

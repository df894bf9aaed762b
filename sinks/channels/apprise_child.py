"""One try by apprise, in a process of its own: started by its path, with what to say on stdin.

Exits 0 where the service took the notice, 1 where it did not, 2 where apprise does not know such a URL.
Nothing is printed: what apprise says may hold the URL, which is a secret.
"""

import json
import logging
import resource
import signal
import sys
from typing import Any

import apprise

LARGEST_BYTES = 1024**3
"""Address space, so that an answer without end ends this process and no other."""

LONGEST_S = 60
"""When it ends by itself, should whoever started it be gone."""


def main() -> int:
    """Read the order, and carry it out; one without a title is about the URL alone."""
    logging.disable()
    signal.alarm(LONGEST_S)
    resource.setrlimit(resource.RLIMIT_AS, (LARGEST_BYTES, LARGEST_BYTES))
    order: dict[str, Any] = json.load(sys.stdin)
    service = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False))
    if not service.add(order["url"]):
        return 2
    if order["title"] is None:
        return 0
    return 0 if service.notify(title=order["title"], body=order["body"]) else 1


if __name__ == "__main__":
    sys.exit(main())

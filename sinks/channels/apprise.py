"""Whatever apprise can speak to: Slack, PagerDuty, Teams and a hundred others. Needs the extra `apprise`."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from models.alerts import Notice
from models.errors import ChannelUnavailable, ConfigurationError
from sinks.channels.base import LONGEST_TRY_S, Receipt

CHILD: Final = Path(__file__).with_name("apprise_child.py")
TAKEN: Final = 200
"""apprise says no more than whether a service took it."""

_UNKNOWN: Final = 2
_LONGEST_CHECK_S: Final = 60.0


class AppriseChannel:
    """Sends a notice to one service, named by an apprise URL; that URL is a secret as a whole.

    apprise bounds each read, but neither a try nor how much of an answer it keeps, and it may log a URL.
    So each try is a process of its own, silent, with a limit of memory, that is ended in time.
    """

    def __init__(self, name: str, url: str, longest_s: float = LONGEST_TRY_S) -> None:
        self.name = name
        self._url = url
        self._longest_s = longest_s
        if importlib.util.find_spec("apprise") is None:
            raise ConfigurationError(["this kind needs the extra: pip install 'earwitness[apprise]'"])
        try:
            known = self._run(None, "", _LONGEST_CHECK_S) != _UNKNOWN
        except subprocess.TimeoutExpired:
            raise ConfigurationError([f"apprise did not start within {_LONGEST_CHECK_S:g} s"]) from None
        if not known:
            raise ConfigurationError(["apprise does not know such a URL"])

    def send(self, notice: Notice) -> Receipt:
        """Send it. What the service answered is known to apprise alone, so a refusal is tried again."""
        try:
            code = self._run(_title(notice), _body(notice), self._longest_s)
        except subprocess.TimeoutExpired:
            raise ChannelUnavailable(f"not delivered within {self._longest_s:g} s") from None
        if code != 0:
            raise ChannelUnavailable("apprise could not deliver it, and does not say why")
        return Receipt(TAKEN, "")

    def _run(self, title: str | None, body: str, longest_s: float) -> int:
        # The URL goes in by stdin: what a process was started with is for everybody to see. Without -P this
        # folder would come first on the path, and our http.py before the one that everything imports.
        done = subprocess.run(
            [sys.executable, "-P", str(CHILD)],
            input=json.dumps({"url": self._url, "title": title, "body": body}).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=longest_s,
            check=False,
        )
        return done.returncode


def _title(notice: Notice) -> str:
    word = {"closed": "closed: ", "reopened": "again: "}.get(notice.kind, "")
    return f"[{notice.severity}] {word}{notice.title}"


def _body(notice: Notice) -> str:
    accesses = "1 access" if notice.access_count == 1 else f"{notice.access_count} accesses"
    return "\n".join((accesses, notice.link, f"What to do: {notice.runbook}"))

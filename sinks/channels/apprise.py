"""Whatever apprise can speak to: Slack, PagerDuty, Teams and a hundred others. Needs the extra `apprise`."""

import importlib
import queue
import threading
from types import ModuleType
from typing import Final

from models.alerts import Notice
from models.errors import ChannelUnavailable, ConfigurationError
from sinks.channels.base import LONGEST_TRY_S, Receipt

TAKEN: Final = 200
"""apprise says no more than whether a service took it."""


class AppriseChannel:
    """Sends a notice to one service, named by an apprise URL; that URL is a secret as a whole.

    apprise itself bounds each read, not a try. So a try has a thread of its own, that is left behind where
    it takes too long; while it is still busy nothing else is sent, so there is never more than one.
    """

    def __init__(self, name: str, url: str, longest_s: float = LONGEST_TRY_S) -> None:
        self.name = name
        self._longest_s = longest_s
        apprise = _library()
        self._service = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False))
        self._thread: threading.Thread | None = None
        if not self._service.add(url):
            raise ConfigurationError(["apprise does not know such a URL"])

    def send(self, notice: Notice) -> Receipt:
        """Send it. What the service answered is known to apprise alone, so a refusal is tried again."""
        if self._thread is not None and self._thread.is_alive():
            raise ChannelUnavailable("the try before is still under way")
        answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._tell, args=(notice, answers), name=f"apprise-{self.name}", daemon=True
        )
        self._thread.start()
        try:
            taken = answers.get(timeout=self._longest_s)
        except queue.Empty:
            raise ChannelUnavailable(f"not delivered within {self._longest_s:g} s") from None
        if not taken:
            raise ChannelUnavailable("apprise could not deliver it, and does not say why")
        return Receipt(TAKEN, "")

    def _tell(self, notice: Notice, answers: "queue.SimpleQueue[bool]") -> None:
        try:
            answers.put(bool(self._service.notify(title=_title(notice), body=_body(notice))))
        except Exception:  # noqa: BLE001 - any of a hundred plugins; its text may hold the URL
            answers.put(False)


def _title(notice: Notice) -> str:
    word = {"closed": "closed: ", "reopened": "again: "}.get(notice.kind, "")
    return f"[{notice.severity}] {word}{notice.title}"


def _body(notice: Notice) -> str:
    accesses = "1 access" if notice.access_count == 1 else f"{notice.access_count} accesses"
    return "\n".join((accesses, notice.link, f"What to do: {notice.runbook}"))


def _library() -> ModuleType:
    try:
        return importlib.import_module("apprise")
    except ImportError as error:
        raise ConfigurationError(["this kind needs the extra: pip install 'earwitness[apprise]'"]) from error

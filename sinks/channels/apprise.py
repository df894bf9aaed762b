"""Whatever apprise can speak to: Slack, PagerDuty, Teams and a hundred others. Needs the extra `apprise`."""

import asyncio
import importlib
from types import ModuleType
from typing import Final

from models.alerts import Notice
from models.errors import ChannelUnavailable, ConfigurationError
from sinks.channels.base import LONGEST_TRY_S, Receipt

TAKEN: Final = 200
"""apprise says no more than whether a service took it."""


class AppriseChannel:
    """Sends a notice to one service, named by an apprise URL; that URL is a secret as a whole."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self._apprise = _library(name)
        self._service = self._apprise.Apprise()
        if not self._service.add(url):
            raise ConfigurationError([f"channel {name}: apprise does not know such a URL"])

    def send(self, notice: Notice) -> Receipt:
        """Send it. What the service answered is known to apprise alone, so a refusal is tried again."""
        lines = [f"{notice.access_count} accesses", notice.link, f"What to do: {notice.runbook}"]
        title = f"[{notice.severity}] {notice.title}"
        if not asyncio.run(self._told(title, "\n".join(lines))):
            raise ChannelUnavailable("apprise could not deliver it; its log says why")
        return Receipt(TAKEN, "")

    async def _told(self, title: str, body: str) -> bool:
        try:
            async with asyncio.timeout(LONGEST_TRY_S):
                return bool(await self._service.async_notify(title=title, body=body))
        except TimeoutError as error:
            raise ChannelUnavailable(f"not delivered within {LONGEST_TRY_S:g} s") from error


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module("apprise")
    except ImportError as error:
        raise ConfigurationError(
            [f"channel {name}: its kind needs the extra: pip install 'earwitness[apprise]'"]
        ) from error

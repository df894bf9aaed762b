"""Prometheus Alertmanager, by its API v2."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from models.alerts import Notice
from models.fields import format_time
from sinks.channels.base import Receipt, judged
from sinks.channels.http import Target, post

LASTS: Final = timedelta(days=30)
"""When an alert ends by itself in Alertmanager. Without an end it would after `resolve_timeout` (5 minutes),
and would have to be posted again and again to stay: decision 30."""

PATH: Final = "/api/v2/alerts"


class AlertmanagerChannel:
    """Posts an alert to one Alertmanager; a closed one ends there as well.

    `to` names its root. `token` is for a proxy before it that wants one.
    """

    def __init__(self, name: str, to: Target, clock: Callable[[], datetime], token: str = "") -> None:
        self.name = name
        self._to = to._replace(url=to.url.rstrip("/") + PATH)
        self._headers = {"content-type": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._clock = clock

    def send(self, notice: Notice) -> Receipt:
        """Post it; the same labels are the same alert, so a repeat changes nothing."""
        now = self._clock()
        ends_at = now if notice.kind == "closed" else now + LASTS
        alert = {
            "labels": {
                "alertname": notice.rule,
                "rule": notice.rule,
                "severity": notice.severity,
                "alert_id": str(notice.alert_id),
                "service": "earwitness",
            },
            "annotations": {
                "summary": notice.title,
                "description": f"accesses: {notice.access_count}; the newest state is behind the link",
                "runbook": notice.runbook,
            },
            "generatorURL": notice.link,
            "startsAt": format_time(min(notice.at, now)),
            "endsAt": format_time(ends_at),
        }
        answered = post(self._to, json.dumps([alert]).encode(), self._headers)
        return judged(answered.code, answered.text, answered.retry_after)

"""Deliveries as ticket systems send them, signed as they sign them, for tests."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any, Final

SECRET: Final = b"a-secret-of-a-test-0123456789"
NOW: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_ticket(type_: str = "created", **detail: Any) -> dict[str, Any]:
    """An event of Zendesk, with the fields that its documentation names."""
    ticket = {
        "actor_id": "8447388090494",
        "assignee_id": "8447388090494",
        "brand_id": "8447346621310",
        "created_at": "2026-03-01T09:00:00Z",
        "custom_status": "8447320465790",
        "description": "the bill is wrong",
        "external_id": "acme",
        "form_id": "8646151517822",
        "group_id": "8447320466430",
        "id": "5158",
        "is_public": True,
        "organization_id": "8447346622462",
        "priority": "LOW",
        "requester_id": "8447388090500",
        "status": "OPEN",
        "subject": "bill",
        "submitter_id": "8447388090500",
        "tags": ["billing"],
        "type": "TASK",
        "updated_at": "2026-03-02T12:00:00Z",
        "via": {"channel": "web_service"},
        **detail,
    }
    return {
        "type": f"zen:event-type:ticket.{type_}",
        "account_id": 22129848,
        "id": "cbe4028c-7239-495d-b020-f22348516046",
        "time": "2026-03-02T12:00:00.000000000Z",
        "zendesk_event_version": "2022-11-06",
        "subject": "zen:ticket:5158",
        "detail": ticket,
        "event": {},
    }


def an_issue(event: str = "jira:issue_created", **fields: Any) -> dict[str, Any]:
    """A webhook of Jira, with the fields that its documentation names."""
    return {
        "timestamp": int(NOW.timestamp() * 1000),
        "webhookEvent": event,
        "issue_event_type_name": "issue_created",
        "user": {"accountId": "712020:agent", "displayName": "An Agent"},
        "issue": {
            "id": "10073",
            "key": "SUP-10",
            "fields": {
                "summary": "migrate the recordings of acme",
                "created": "2026-03-01T10:00:00.000+0100",
                "resolutiondate": None,
                "status": {"name": "To Do", "statusCategory": {"key": "new"}},
                "assignee": {"accountId": "712020:ann"},
                "creator": {"accountId": "712020:lead"},
                "customfield_10050": "acme, globex",
                **fields,
            },
        },
    }


def body_of(payload: object) -> bytes:
    return json.dumps(payload).encode()


def zendesk_headers(
    body: bytes, time: str = "2026-03-02T12:00:00Z", secret: bytes = SECRET
) -> dict[str, str]:
    signature = base64.b64encode(hmac.new(secret, time.encode() + body, hashlib.sha256).digest())
    return {
        "X-Zendesk-Webhook-Signature": signature.decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": time,
    }


def jira_headers(body: bytes, secret: bytes = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"}


def our_headers(body: bytes, time: str = "2026-03-02T12:00:00Z", secret: bytes = SECRET) -> dict[str, str]:
    signature = hmac.new(secret, f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Earwitness-Timestamp": time, "X-Earwitness-Signature": signature}

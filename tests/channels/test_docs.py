"""docs/alert-channels.md: what it shows is what happens."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from earwitness.settings import ROOT
from sinks.channels.configured import read_channels
from tests.channels.test_channels import OTHER_SECRET, SECRET

PAGE = (ROOT / "docs" / "alert-channels.md").read_text(encoding="utf-8")
SENT_AT = 1_795_804_635


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def shown() -> tuple[dict[str, str], bytes]:
    head, body = block("http").split("\n\n", 1)
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    return headers, body.strip().encode()


@pytest.fixture
def verified() -> Callable[..., bool]:
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102 - the page's own lines
    function: Callable[..., bool] = names["verified"]
    return function


def test_its_file_is_one(tmp_path: Path) -> None:
    """Somebody will copy it."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "soc").write_text(SECRET)
    (tmp_path / "secrets" / "chat").write_text("json://127.0.0.1")
    (tmp_path / "channels.toml").write_text(re.sub(r"\nca_file = .*", "", block("toml")))
    environ = {"MAIL_PASSWORD": "p", "ALERTMANAGER_TOKEN": "t"}
    channels = read_channels(tmp_path / "channels.toml", environ, clock=lambda: datetime.now(UTC))
    assert [each.described.name for each in channels] == ["soc", "analysts", "ask", "pager", "chat"]


def test_its_lines_verify_its_payload(verified: Callable[..., bool]) -> None:
    """And refuse it changed, late, or under another secret."""
    headers, body = shown()
    assert verified(headers, body, SECRET, SENT_AT + 299)
    assert not verified(headers, body.replace(b"high", b"info"), SECRET, SENT_AT)
    assert not verified(headers, body, SECRET, SENT_AT + 301)
    assert not verified(headers, body, OTHER_SECRET, SENT_AT)
    both = {**headers, "webhook-signature": "v1,AAAA " + headers["webhook-signature"]}
    assert verified(both, body, SECRET, SENT_AT)


def test_its_payload_is_json_of_the_kind_that_is_sent() -> None:
    """With the names that receivers rely on."""
    told = json.loads(shown()[1])
    assert set(told) == {"type", "timestamp", "data"}
    assert told["type"] == "earwitness.alert.raised"

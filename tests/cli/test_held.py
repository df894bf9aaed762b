from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from earwitness.cli.client import ApiClient
from earwitness.cli.held import MOST_SINGLE, VISIBLE_WITHIN_S, await_visible, read_held
from earwitness.settings import ApiSettings


def an_item(ref: str, version: int = 7) -> dict[str, Any]:
    record = {"ref": ref, "kind": "complaint", "valid_from": "2026-01-31T09:00:00Z"}
    return {"version": version, "registered_at": "2026-01-31T09:00:01Z", "record": record}


class Api:
    """An API that holds some refs under `t:`, each in a page of its own."""

    def __init__(self, *refs: str) -> None:
        self.refs = sorted(refs)
        self.asked: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.raw_path.decode())
        if request.url.path == "/api/v1/evidence":
            behind = [ref for ref in self.refs if ref > request.url.params.get("after", "")]
            items = [an_item(ref) for ref in behind[:1]]
            more = behind[0] if len(behind) > 1 else None
            return httpx.Response(200, json={"items": items, "next": more})
        ref = request.url.path.removeprefix("/api/v1/evidence/")
        if ref not in self.refs:
            return httpx.Response(404, json={"error": {"code": "not_found", "message": "", "hint": ""}})
        return httpx.Response(200, json={"ref": ref, "current": an_item(ref)})

    def client(self) -> ApiClient:
        settings = ApiSettings(token=SecretStr("a-token"), url="http://api.test")
        return ApiClient(settings, transport=httpx.MockTransport(self.answer))


@pytest.fixture
def times() -> Iterator[float]:
    return (float(second) for second in range(1_000))


def test_a_few_records_are_asked_for_by_name() -> None:
    """A ticket or two must not cost a reading of the whole register."""
    api = Api("t:1", "t:2", "t:3")
    with api.client() as client:
        held = read_held(client, ["t:1", "t:9"], "t:")
    assert list(held) == ["t:1"]
    assert (held["t:1"].version, held["t:1"].record.ref) == (7, "t:1")
    assert len(api.asked) == 2


def test_many_records_are_read_in_pages_of_their_prefix() -> None:
    """To the last page."""
    api = Api("t:1", "t:2", "t:3")
    with api.client() as client:
        held = read_held(client, [f"t:{number}" for number in range(MOST_SINGLE + 1)], "t:")
    assert list(held) == ["t:1", "t:2", "t:3"]
    assert len(api.asked) == 3
    assert all("prefix=t%3A" in asked for asked in api.asked)


@pytest.mark.parametrize(("newer_than", "visible"), [(None, True), (6, True), (7, False)])
def test_a_load_waits_for_a_version_that_is_newer(
    times: Iterator[float],
    newer_than: int | None,
    visible: bool,  # noqa: FBT001
) -> None:
    """The one that was there before says nothing."""
    waited: list[float] = []
    with Api("t:1").client() as client:
        seen = await_visible(client, "t:1", newer_than, now=times.__next__, sleep=waited.append)
    assert seen == visible
    assert (waited == []) == visible


def test_it_does_not_wait_for_ever(times: Iterator[float]) -> None:
    """A worker may be away; what is acknowledged is safe all the same."""
    waited: list[float] = []
    with Api().client() as client:
        assert not await_visible(client, "t:1", None, now=times.__next__, sleep=waited.append)
    assert len(waited) == int(VISIBLE_WITHIN_S)

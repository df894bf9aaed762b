"""Pages of alerts and accesses in a browser: the token as a password, the same gate, nothing that runs."""

import base64
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from earwitness.api.people import HEADERS
from models.errors import SinkUnavailable
from tests.api.alerts import a_delivery, a_member, alert_log, an_alert
from tests.api.holders import create
from tests.api.serving import NOTHING, TOKEN, CannedStore, Kept, client_of
from tests.api.world import World
from tests.conftest import Stack
from tests.reports.test_page import Read

UNKNOWN = "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a"


def basic(token: str, name: str = "ann") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode()}


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    with client_of(CannedStore(NOTHING), Kept(), token=None) as client:
        yield client


@pytest.mark.parametrize("path", [f"/alerts/{UNKNOWN}", f"/accesses/{UNKNOWN}"])
def test_a_browser_is_asked_for_the_token_and_sends_it_as_a_password(
    browser: httpx.Client, path: str
) -> None:
    """It knows no other way; whatever name is typed, the token says who it is."""
    asked = browser.get(path)
    assert (asked.status_code, asked.headers["www-authenticate"][:5]) == (401, "Basic")
    assert "<h1>Who are you?</h1>" in asked.text
    assert "your token as the password" in asked.text
    assert browser.get(path, headers=basic("wrong")).status_code == 401
    for name in ("", "ann", "bea"):
        assert browser.get(path, headers=basic(TOKEN, name)).status_code == 404
    assert browser.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/alerts"),
        ("GET", f"/api/v1/alerts/{UNKNOWN}"),
        ("POST", f"/alerts/{UNKNOWN}"),
        ("POST", f"/api/v1/alerts/{UNKNOWN}/acknowledgement"),
        ("GET", "/metrics"),
        ("GET", f"/alerts/{UNKNOWN}/members"),
    ],
)
def test_a_password_opens_no_more_than_pages_that_are_read(
    browser: httpx.Client, method: str, path: str
) -> None:
    """A browser sends it of itself, from any site: it must be able to change nothing."""
    answer = browser.request(method, path, headers=basic(TOKEN))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    "sent", ["Basic", "Basic !", "Basic " + base64.b64encode(b"\xff:").decode(), "Basic OnRva2Vu"]
)
def test_a_password_that_cannot_be_read_is_a_wrong_token(browser: httpx.Client, sent: str) -> None:
    """And counts as one: ten of them lock the address out, on pages as anywhere."""
    for _ in range(10):
        assert browser.get(f"/alerts/{UNKNOWN}", headers={"Authorization": sent}).status_code == 401
    locked = browser.get(f"/alerts/{UNKNOWN}", headers=basic(TOKEN))
    assert locked.status_code == 429
    assert "<h1>Too many requests</h1>" in locked.text
    assert "retry-after" in locked.headers


def test_a_page_that_cannot_be_recorded_is_not_shown() -> None:
    """As any reading; and the browser gets a page that says so."""
    with client_of(CannedStore(NOTHING), Kept(SinkUnavailable("down")), token=None) as client:
        answer = client.get(f"/alerts/{UNKNOWN}", headers=basic(TOKEN))
    assert answer.status_code == 503
    assert "<h1>Not now</h1>" in answer.text


def test_looking_for_what_is_not_there_is_recorded() -> None:
    """Through a page, as its surface says."""
    kept = Kept()
    with client_of(CannedStore(NOTHING), kept, token=None) as client:
        client.get(f"/alerts/{UNKNOWN}", headers=basic(TOKEN))
        client.get(f"/accesses/{UNKNOWN}", headers=basic(TOKEN))
    assert [(each.action, each.surface, each.principal) for each in kept.activities] == [
        ("alerts.show", "page", "api-token"),
        ("explain", "page", "api-token"),
    ]


def show(stack: Stack, path: str, token: str) -> httpx.Response:
    url = stack.settings("api").api.url
    return httpx.get(f"{url}{path}", headers=basic(token), trust_env=False, timeout=30)


@pytest.mark.stack
def test_the_link_of_a_message_leads_to_the_explanation(stack: Stack, world: World) -> None:
    """From the alert, by a link on its page, to each check of the access."""
    raised = an_alert(world.actor_id, world.customer_id)
    with alert_log(stack) as log:
        log.write([raised], [a_member(raised, world.unengaged)])
        log.deliver([a_delivery(raised)])
    token = create(stack, "investigator")["token"]
    alert = show(stack, f"/alerts/{raised.alert_id}", token)
    read = Read(alert.text)
    assert alert.status_code == 200
    for said in ("severity high", "listened to call_recording", "does not need content of this type", "mail"):
        assert said in read.text
    link = f"../accesses/{world.unengaged['id']}"
    assert f'href="{link}"' in alert.text
    access = show(stack, link.removeprefix(".."), token)
    assert access.status_code == 200
    explained = Read(access.text).text
    for said in (
        "Not justified",
        "a resource of type sms_content or sms_detail",
        "resource type call_recording",
    ):
        assert said in explained
    for answer in (alert, access):
        assert all(answer.headers[name] == value for name, value in HEADERS.items())
        assert not {"script", "img", "link", "iframe", "form"} & set(Read(answer.text).elements)


@pytest.mark.stack
def test_pages_ask_for_the_same_roles_and_scopes(stack: Stack, world: World) -> None:
    """An alert for those who may see alerts; an access for whom it is within the scope."""
    raised = an_alert(world.actor_id, world.customer_id)
    with alert_log(stack) as log:
        log.write([raised], [a_member(raised, world.unengaged)])
    page, access = f"/alerts/{raised.alert_id}", f"/accesses/{world.unengaged['id']}"
    wishes: list[tuple[str, dict[str, Any], tuple[int, int]]] = [
        ("auditor", {}, (200, 200)),
        ("reader", {}, (403, 200)),
        ("auditor", {"customers": [world.customer_id]}, (403, 200)),
        ("auditor", {"customers": ["nobody"]}, (403, 404)),
    ]
    for role, wish, expected in wishes:
        token = create(stack, role, **wish)["token"]
        assert (show(stack, page, token).status_code, show(stack, access, token).status_code) == expected
    assert "You may not see this" in show(stack, page, create(stack, "reader")["token"]).text


@pytest.mark.stack
def test_no_name_becomes_markup_of_a_page(stack: Stack, world: World) -> None:
    """Whoever chooses ids would else write the page that an investigator opens."""
    nasty = '<script>alert(1)</script>"\u202e\x1b'
    raised = an_alert(
        nasty, nasty, title=nasty, text=nasty, grouping={"actor_id": nasty, nasty: nasty}, rule="x-<b>"
    )
    with alert_log(stack) as log:
        log.write(
            [raised],
            [a_member(raised, world.pending, id=UUID(int=7), source=nasty, reason=nasty, actor_id=nasty)],
        )
        log.deliver([a_delivery(raised, channel=nasty, answer=nasty)])
    answer = show(stack, f"/alerts/{raised.alert_id}", create(stack, "investigator")["token"])
    assert answer.status_code == 200
    assert "script" not in Read(answer.text).elements
    assert not {"\u202e", "\x1b"} & set(answer.text)


@pytest.mark.stack
def test_of_behaviour_justified_accesses_are_shown_as_what_they_are(stack: Stack, world: World) -> None:
    """The alert is about how many there were; nothing failed to justify them."""
    raised = an_alert(world.actor_id, world.customer_id, rule="bulk-access", text="9 customers; usual are 2")
    member = a_member(raised, world.engaged, verdict="justified", reason="clause_met")
    with alert_log(stack) as log:
        log.write([raised], [member])
    text = Read(show(stack, f"/alerts/{raised.alert_id}", create(stack, "investigator")["token"]).text).text
    assert "9 customers; usual are 2" in text
    assert "justified" in text
    assert "bears it out" not in text

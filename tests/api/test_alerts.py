"""What people do with alerts through the API, on alerts in the real ClickHouse."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from models.alerts import BY_ALERTER, Entry, entry_id
from tests.api.alerts import a_delivery, a_member, alert_log, an_alert
from tests.api.holders import holder, http
from tests.api.world import World
from tests.conftest import Stack

pytestmark = pytest.mark.stack

CLOSURE = {"outcome": "explained", "note": "the ticket came late"}


class Told(NamedTuple):
    """Two alerts on the world: one with its accesses, and one that only counts."""

    raised: Entry
    counted: Entry

    @property
    def id(self) -> str:
        return str(self.raised.alert_id)


@pytest.fixture(scope="module")
def investigator(stack: Stack) -> Iterator[httpx.Client]:
    with holder(stack, "investigator") as client:
        yield client


@pytest.fixture
def told(stack: Stack, world: World) -> Told:
    raised = an_alert(world.actor_id, world.customer_id)
    counted = an_alert(
        world.actor_id,
        world.customer_id,
        rule="bulk-access",
        severity="critical",
        grouping={"actor_id": world.actor_id},
        access_count=312,
        text="312 customers in 10 minutes; usual are 4",
        at=raised.at - timedelta(minutes=5),
    )
    # In the same instant, as the alerter writes it.
    asked = Entry(counted.alert_id, uuid4(), counted.at, "asked", BY_ALERTER, text=world.unengaged["id"])
    with alert_log(stack) as log:
        log.write(
            [raised, asked, counted], [a_member(raised, world.unengaged), a_member(raised, world.pending)]
        )
        log.deliver([a_delivery(raised, status="failed", code=0, answer="no answer"), a_delivery(raised)])
    return Told(raised, counted)


def listed(client: httpx.Client, told: Told, **asked: Any) -> list[str]:
    answer = client.get("/alerts", params={"limit": 10_000, **asked})
    assert answer.status_code == 200, answer.text
    ours = {str(told.raised.alert_id): "raised", str(told.counted.alert_id): "counted"}
    return [ours[row["id"]] for row in answer.json()["alerts"] if row["id"] in ours]


def test_alerts_are_listed_the_newest_first_and_narrowed(
    investigator: httpx.Client, told: Told, world: World
) -> None:
    """By what an investigator has in hand: a person, a customer, a rule, how bad, whose it is, when."""
    assert listed(investigator, told) == ["raised", "counted"]
    assert listed(investigator, told, rule="bulk-access") == ["counted"]
    assert listed(investigator, told, severity="critical,low") == ["counted"]
    assert listed(investigator, told, customer=world.customer_id) == ["raised"]
    assert listed(investigator, told, actor=world.actor_id) == ["raised", "counted"]
    assert listed(investigator, told, actor="nobody") == []
    assert listed(investigator, told, state="closed") == []
    assert listed(investigator, told, assignee="bea") == []
    before = (told.raised.at - timedelta(minutes=1)).isoformat()
    assert listed(investigator, told, until=before) == ["counted"]
    assert listed(investigator, told, since=before) == ["raised"]


def test_pages_of_alerts_join_without_a_gap_or_a_repeat(
    investigator: httpx.Client, told: Told, world: World
) -> None:
    """By the key of the last row, so that what is raised meanwhile moves nothing."""
    found, after = [], None
    for _ in range(100):
        asked = {"actor": world.actor_id, "limit": 1, **({"after": after} if after else {})}
        page = investigator.get("/alerts", params=asked).json()
        found += [row["id"] for row in page["alerts"]]
        after = page["next"]
        if after is None:
            break
    assert len(found) == len(set(found))
    assert {str(told.raised.alert_id), str(told.counted.alert_id)} <= set(found)
    assert investigator.get("/alerts", params={"after": "x"}).status_code == 400


def test_one_alert_tells_what_happened_to_whom_why_and_who_was_told(
    investigator: httpx.Client, told: Told, world: World
) -> None:
    """Each access with its verdict when it came to belong to the alert, and with the one it has now."""
    whole = investigator.get(f"/alerts/{told.id}").json()
    assert [entry["kind"] for entry in whole["entries"]] == ["raised"]
    assert [each["id"] for each in whole["members"]] == [world.unengaged["id"], world.pending["id"]]
    first, second = whole["members"]
    assert (first["verdict_then"], first["verdict"], first["reason"]) == (
        "unjustified",
        "unjustified",
        "resource_not_needed",
    )
    assert (second["verdict_then"], second["verdict"]) == ("unjustified", "pending")
    assert [each["status"] for each in whole["deliveries"]] == ["failed", "delivered"]
    assert whole["rule"]["runbook"] == "docs/runbooks/alerts/unexplained-access.md"
    assert whole["alert"]["access_count"] == 2
    counted = investigator.get(f"/alerts/{told.counted.alert_id}").json()
    assert (counted["members"], counted["alert"]["access_count"]) == ([], 312)
    assert [entry["kind"] for entry in counted["entries"]] == ["raised", "asked"]
    assert counted["entries"][0]["text"] == "312 customers in 10 minutes; usual are 4"


def test_the_beginning_of_an_id_is_enough(investigator: httpx.Client, told: Told) -> None:
    """As a table shows it; too short a one names nothing."""
    assert investigator.get(f"/alerts/{told.id[:8]}").json()["alert"]["id"] == told.id
    assert investigator.get(f"/alerts/{told.id[:7]}").status_code == 404
    assert investigator.get(f"/alerts/{told.id[:-1]}x").status_code == 404


def test_accesses_of_an_alert_come_in_pages(investigator: httpx.Client, told: Told, world: World) -> None:
    """There can be ten thousand."""
    one = investigator.get(f"/alerts/{told.id}/members", params={"limit": 1}).json()
    assert [each["id"] for each in one["members"]] == [world.unengaged["id"]]
    rest = investigator.get(f"/alerts/{told.id}/members", params={"after": one["next"]}).json()
    assert ([each["id"] for each in rest["members"]], rest["next"]) == ([world.pending["id"]], None)


def test_an_alert_is_handled_from_open_to_closed_and_back(investigator: httpx.Client, told: Told) -> None:
    """Each step is an entry that says who did it; nothing is overwritten."""
    steps: list[tuple[str, dict[str, str], str]] = [
        ("acknowledgement", {}, "acknowledged"),
        ("assignment", {"assignee": "bea"}, "acknowledged"),
        ("notes", {"text": "asked her team lead"}, "acknowledged"),
        ("closure", CLOSURE, "closed"),
        ("notes", {"text": "the ticket is TCK-9"}, "closed"),
        ("reopening", {"note": "it was another customer's ticket"}, "open"),
    ]
    for way, body, state in steps:
        answer = investigator.post(f"/alerts/{told.id}/{way}", json=body)
        assert (answer.status_code, answer.json().get("state")) == (200, state), answer.text
    whole = investigator.get(f"/alerts/{told.id}").json()
    kinds = ["raised", "acknowledged", "assigned", "noted", "closed", "noted", "reopened"]
    assert [entry["kind"] for entry in whole["entries"]] == kinds
    assert (whole["alert"]["assignee"], whole["alert"]["outcome"]) == ("bea", None)
    assert listed(investigator, told, assignee="bea") == ["raised"]
    assert whole["entries"][1]["done_by"].startswith("t-")


@pytest.mark.parametrize(
    ("way", "body", "said"),
    [
        ("closure", CLOSURE, "it is closed"),
        ("acknowledgement", {}, "it is closed"),
        ("assignment", {"assignee": "bea"}, "it is closed"),
    ],
)
def test_what_makes_no_sense_in_a_state_is_said_and_changes_nothing(
    investigator: httpx.Client, told: Told, way: str, body: dict[str, str], said: str
) -> None:
    """Two people work on a list; the second one is told."""
    assert investigator.post(f"/alerts/{told.id}/closure", json=CLOSURE).status_code == 200
    answer = investigator.post(f"/alerts/{told.id}/{way}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert said in answer.json()["error"]["message"]
    assert len(investigator.get(f"/alerts/{told.id}").json()["entries"]) == 2


def test_an_open_alert_is_not_opened_again(investigator: httpx.Client, told: Told) -> None:
    """Nor acknowledged twice."""
    assert investigator.post(f"/alerts/{told.id}/reopening", json={"note": "x"}).status_code == 409
    assert investigator.post(f"/alerts/{told.id}/acknowledgement").status_code == 200
    assert investigator.post(f"/alerts/{told.id}/acknowledgement").status_code == 409


def test_of_two_who_close_an_alert_at_once_one_is_told_that_the_other_did(stack: Stack, told: Told) -> None:
    """Both found it open; only one outcome can stand."""
    with holder(stack, "investigator") as one, holder(stack, "admin") as two, ThreadPoolExecutor(8) as pool:
        closing = [
            pool.submit(client.post, f"/alerts/{told.id}/closure", json={"outcome": outcome, "note": outcome})
            for client, outcome in [(one, "true"), (two, "false")] * 4
        ]
        answers = [each.result() for each in closing]
        whole = one.get(f"/alerts/{told.id}").json()
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] + [409] * 7
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert [entry["kind"] for entry in whole["entries"]] == ["raised", "closed"]
    assert whole["alert"]["outcome"] == won["outcome"]


def test_a_clock_that_lags_behind_the_alerters_does_not_lose_a_step(
    stack: Stack, investigator: httpx.Client, world: World
) -> None:
    """The newest entry counts, so it must be one."""
    ahead = an_alert(world.actor_id, world.customer_id, at=datetime.now(UTC) + timedelta(minutes=2))
    with alert_log(stack) as log:
        log.write([ahead])
    answer = investigator.post(f"/alerts/{ahead.alert_id}/closure", json=CLOSURE)
    assert (answer.status_code, answer.json()["state"]) == (200, "closed")


@pytest.mark.parametrize(
    ("way", "body"),
    [
        ("closure", {"outcome": "explained"}),
        ("closure", {"outcome": "explained", "note": " "}),
        ("closure", {"outcome": "perhaps", "note": "x"}),
        ("notes", {"text": "call her at +1 500 555 0006"}),
        ("notes", {"text": "x" * 2_001}),
        ("assignment", {"assignee": "+15005550006"}),
        ("reopening", {}),
    ],
)
def test_a_close_says_what_it_was_and_why_and_no_note_holds_a_telephone_number(
    investigator: httpx.Client, told: Told, way: str, body: dict[str, str]
) -> None:
    """Without that, nobody learns from the alert; and the trail holds no content."""
    answer = investigator.post(f"/alerts/{told.id}/{way}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request"), answer.text


def test_each_step_is_in_the_activity_log(stack: Stack, investigator: httpx.Client, told: Told) -> None:
    """Who handled what, and with which words."""
    investigator.post(f"/alerts/{told.id}/acknowledgement")
    investigator.post(f"/alerts/{told.id}/assignment", json={"assignee": "bea"})
    investigator.post(f"/alerts/{told.id}/notes", json={"text": "asked"})
    investigator.post(f"/alerts/{told.id}/closure", json=CLOSURE)
    investigator.post(f"/alerts/{told.id}/reopening", json={"note": "again"})
    with http(stack) as admin:
        rows = admin.get("/activity", params={"action": "alerts.", "limit": 1_000}).json()["rows"]
    ours = [row for row in reversed(rows) if (row["query"] or "").startswith(told.id)]
    steps = ["acknowledge", "assign", "note", "close", "reopen"]
    assert [row["action"] for row in ours] == [f"alerts.{step}" for step in steps]
    assert ours[3]["query"] == f"{told.id} --outcome explained --text the ticket came late"
    assert ours[3]["customer_ids"] == [told.raised.grouping["customer_id"]]


def test_a_silence_has_a_reason_and_an_end_and_can_be_ended(
    stack: Stack, investigator: httpx.Client, told: Told, world: World
) -> None:
    """It is shown with the alerts that it holds back."""
    wish = {
        "rule": "unexplained-access",
        "grouping": {"actor_id": world.actor_id},
        "reason": "CHG-1",
        "expires": "2h",
    }
    made = investigator.post("/silences", json=wish)
    assert made.status_code == 201, made.text
    silence = made.json()
    assert silence in investigator.get("/silences").json()["silences"]
    assert investigator.get(f"/alerts/{told.id}").json()["silences"] == [silence]
    assert investigator.get(f"/alerts/{told.counted.alert_id}").json()["silences"] == []
    ended = investigator.delete(f"/silences/{silence['id'][:8]}")
    assert (ended.status_code, ended.json()["in_force"]) == (200, False)
    assert investigator.delete(f"/silences/{silence['id']}").status_code == 409
    assert investigator.get(f"/alerts/{told.id}").json()["silences"] == []
    assert silence["id"] in {
        each["id"] for each in investigator.get("/silences?ended=true").json()["silences"]
    }
    with http(stack) as admin:
        rows = admin.get("/activity", params={"action": "silences.", "limit": 100}).json()["rows"]
    assert [r["action"] for r in rows if (r["query"] or "").startswith(silence["id"])] == [
        "silences.end",
        "silences.create",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rule": "", "grouping": {}}, "this would silence everything"),
        ({"expires": "31d"}, "at most 30 days"),
        ({"expires": "2020-01-01T00:00:00Z"}, "at most 30 days"),
        ({"expires": "soon"}, "is no time"),
        ({"rule": "bulk-acces"}, "there is no rule"),
        ({"grouping": {"color": "red"}}, "not grouped by color"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_silence_that_would_hide_too_much_or_nothing_is_refused(
    investigator: httpx.Client, changes: dict[str, Any], said: str
) -> None:
    """One that is forgotten is worse than none."""
    wish = {"rule": "bulk-access", "grouping": {}, "reason": "a migration", "expires": "1h", **changes}
    answer = investigator.post("/silences", json=wish)
    assert answer.status_code == 400
    assert said in answer.text


def test_an_auditor_sees_alerts_and_decides_none(stack: Stack, told: Told) -> None:
    """A reader sees none; and a scope is not for what names several customers."""
    with holder(stack, "auditor") as auditor, holder(stack, "reader") as reader:
        assert auditor.get(f"/alerts/{told.id}").status_code == 200
        assert auditor.post(f"/alerts/{told.id}/closure", json=CLOSURE).status_code == 403
        assert reader.get("/alerts").status_code == 403
    with holder(stack, "auditor", customers=["acme"]) as scoped:
        refused = scoped.get(f"/alerts/{told.id}")
    assert refused.status_code == 403
    assert "a token of some customers or vendors may not see alerts" in refused.json()["error"]["message"]


def test_an_entry_that_is_said_once_stays_as_it_was_first_said(stack: Stack, told: Told) -> None:
    """Also when the second comes through another process, and the parts were merged."""
    said = entry_id(told.raised.alert_id, "stated", str(uuid4()))
    for text in ("first", "second"):
        with alert_log(stack, "api") as log:
            log.write_once(
                Entry(told.raised.alert_id, said, datetime.now(UTC), "stated", BY_ALERTER, text=text)
            )
    client = stack.clickhouse("admin")
    client.execute("OPTIMIZE TABLE alert_log FINAL")
    found = client.execute("SELECT text FROM alert_entries WHERE entry_id = %(id)s", {"id": str(said)})
    client.disconnect()
    assert found == [("first",)]

"""Asking the actor: one answer by one link, kept with the alert and as evidence that justifies nothing."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest

from earwitness.alerts.statements import ANSWERED_WITHIN, Question, answer_id, token_of
from earwitness.api.throttling import ANSWERS_PER_MINUTE
from earwitness.devstack.layout import layout_of
from earwitness.devstack.users import STATEMENT_KEY, read_secret
from models.topics import ACCESS_EVENTS
from tests.api.alerts import a_member, alert_log, an_alert
from tests.api.holders import http
from tests.api.serving import NOTHING, CannedStore, Kept, client_of
from tests.api.world import World, encode, send, wait_for
from tests.conftest import Stack


class Asked(NamedTuple):
    """A question that was put to an actor, and its access."""

    question: Question
    path: str
    event: dict[str, Any]

    @property
    def ref(self) -> str:
        return f"statement:{self.question.alert_id}:{answer_id(self.question).hex[:8]}"


@pytest.fixture
def nobody(stack: Stack) -> Iterator[httpx.Client]:
    """Come without a token, as the actor does."""
    with httpx.Client(base_url=str(stack.settings("api").api.url), trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def asked(stack: Stack) -> Asked:
    """Have an employee cite what he is going to state himself, and ask him about it."""
    mark = uuid4().hex[:8]
    raised = an_alert(f"e-{mark}", f"cus-{mark}")
    event = {
        "id": str(uuid4()),
        "time": (datetime.now(UTC) - timedelta(minutes=5)).isoformat(),
        "source": "/services/recording-api",
        "actor_type": "employee",
        "actor_id": f"e-{mark}",
        "action": "listen",
        "resource_type": "call_recording",
        "resource_id": f"rec-{mark}",
        "customer_id": f"cus-{mark}",
        "purpose": "maintain_service",
    }
    expires_at = (datetime.now(UTC) + ANSWERED_WITHIN).replace(microsecond=0)
    question = Question(raised.alert_id, UUID(event["id"]), expires_at)
    asked = Asked(question, f"/statements/{token_of(question, _key(stack))}", event)
    event["evidence_ref"] = asked.ref
    send(stack, "producer", ACCESS_EVENTS, [encode(event)])
    wait_for(lambda: _access(stack, event["id"]) is not None)
    with alert_log(stack) as log:
        log.write([raised], [a_member(raised, event, verdict="pending", reason="evidence_not_found")])
    return asked


def _key(stack: Stack) -> bytes:
    return read_secret(layout_of(stack.data_dir), STATEMENT_KEY).encode()


def _access(stack: Stack, identifier: str) -> dict[str, Any] | None:
    with http(stack) as admin:
        answer = admin.get(f"/accesses/{identifier}")
    found: dict[str, Any] | None = answer.json()["accesses"][0] if answer.status_code == 200 else None
    return found


def _entries(stack: Stack, asked: Asked) -> list[dict[str, Any]]:
    with http(stack) as admin:
        entries: list[dict[str, Any]] = admin.get(f"/alerts/{asked.question.alert_id}").json()["entries"]
    return [entry for entry in entries if entry["kind"] == "stated"]


@pytest.mark.stack
def test_the_page_shows_when_and_what_and_names_nobody(nobody: httpx.Client, asked: Asked) -> None:
    """Whoever reads over a shoulder, or finds the mail, learns no customer and no person."""
    answer = nobody.get(asked.path)
    assert answer.status_code == 200
    assert "listened to a call recording" in answer.text
    for name in ("actor_id", "customer_id", "resource_id"):
        assert asked.event[name] not in answer.text
        assert asked.event[name] not in asked.path


@pytest.mark.stack
def test_an_answer_is_kept_once_and_never_justifies(stack: Stack, nobody: httpx.Client, asked: Asked) -> None:
    """With the alert in its words, and as evidence: even the access that cites it stays unjustified."""
    before = _access(stack, asked.event["id"])
    assert before is not None
    assert (before["verdict"], before["reason"]) == ("pending", "evidence_not_found")
    given = {"ref": "ticket:TCK-7", "text": "She called twice.\nI looked for the second call."}
    assert nobody.post(asked.path, data=given).status_code == 200
    (entry,) = _entries(stack, asked)
    assert entry["text"] == f"cites ticket:TCK-7\n{given['text']}"
    assert entry["done_by"] == f"actor:{asked.event['actor_id']}"
    again = nobody.post(asked.path, data={"text": "something else"})
    assert again.status_code == 409
    assert "answered already" in again.text
    assert nobody.get(asked.path).status_code == 409
    assert _entries(stack, asked) == [entry]
    wait_for(lambda: (_access(stack, asked.event["id"]) or {})["reason"] != "evidence_not_found")
    after = _access(stack, asked.event["id"])
    assert after is not None
    assert (after["verdict"], after["reason"]) == ("unjustified", "evidence_self_recorded")
    with http(stack) as admin:
        record = admin.get(f"/evidence/{asked.ref}").json()["current"]["record"]
    assert (record["origin"], record["recorded_by"]) == ("actor_statement", asked.event["actor_id"])
    assert "She called" not in json.dumps(record)


@pytest.mark.stack
def test_where_evidence_explains_the_access_by_now_nothing_is_asked(
    stack: Stack, nobody: httpx.Client, world: World
) -> None:
    """The ticket came before its actor looked into the mail."""
    raised = an_alert(world.actor_id, world.customer_id)
    with alert_log(stack) as log:
        log.write([raised], [a_member(raised, world.engaged, verdict="pending", reason="evidence_not_found")])
    until = datetime.now(UTC) + ANSWERED_WITHIN
    question = Question(raised.alert_id, UUID(world.engaged["id"]), until.replace(microsecond=0))
    answer = nobody.get(f"/statements/{token_of(question, _key(stack))}")
    assert (answer.status_code, "Nothing to answer any more" in answer.text) == (200, True)


@pytest.mark.stack
def test_of_answers_that_come_at_once_one_is_kept(stack: Stack, nobody: httpx.Client, asked: Asked) -> None:
    """Two windows, a double click, two processes: the first stays, and the others are told."""
    with ThreadPoolExecutor(6) as pool:
        sending = [pool.submit(nobody.post, asked.path, data={"text": f"answer {n}"}) for n in range(6)]
        codes = [each.result().status_code for each in sending]
    (entry,) = _entries(stack, asked)
    assert sorted(codes) == [200] + [409] * 5
    assert entry["text"] == f"answer {codes.index(200)}"


@pytest.mark.stack
def test_looking_and_answering_are_in_the_activity_log(
    stack: Stack, nobody: httpx.Client, asked: Asked
) -> None:
    """As done by the actor; not the link, by which others could answer, and not the words."""
    nobody.get(asked.path)
    nobody.post(asked.path, data={"text": "a secret word"})
    with http(stack) as admin:
        principal = f"actor:{asked.event['actor_id']}"
        rows = admin.get("/activity", params={"principal": principal}).json()["rows"]
    told = [(row["action"], row["surface"], row["customer_ids"]) for row in reversed(rows)]
    customers = [asked.event["customer_id"]]
    assert told == [("statements.show", "page", customers), ("evidence.statement", "page", customers)]
    assert asked.ref in rows[0]["query"]
    assert "secret" not in json.dumps(rows)
    assert asked.path.rsplit("/", 1)[1] not in json.dumps(rows)


@pytest.mark.stack
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Please name the evidence, or explain the access."),
        ({"ref": "  ", "text": "\n"}, "Please name the evidence, or explain the access."),
        ({"text": "x" * 2_001}, "longer than 2,000 characters"),
        ({"ref": "x" * 257}, "longer than 256 characters"),
        ({"text": "it was +1 500 555 0006"}, "holds a telephone number"),
        ({"ref": "+15005550006"}, "holds a telephone number"),
        ({"ref": "a\nb"}, "line break"),
        ({"text": "<b>bold</b>" + "x" * 2_000}, "&lt;b&gt;bold&lt;/b&gt;"),
    ],
)
def test_what_cannot_be_kept_is_said_and_can_be_mended(
    stack: Stack, nobody: httpx.Client, asked: Asked, given: dict[str, str], said: str
) -> None:
    """What was typed is still there, and the question still open."""
    answer = nobody.post(asked.path, data=given or {"x": ""})
    assert answer.status_code == 400
    assert said in answer.text
    assert _entries(stack, asked) == []


@pytest.mark.stack
def test_what_is_forged_late_or_about_nothing_is_answered_alike(
    stack: Stack, nobody: httpx.Client, asked: Asked
) -> None:
    """Whoever tries links learns nothing by it."""
    key, question = _key(stack), asked.question
    unknown = token_of(question._replace(access_id=uuid4()), key)
    late = token_of(question._replace(expires_at=datetime.now(UTC) - timedelta(seconds=1)), key)
    forged = token_of(question, b"another key")
    answers = [
        (method(f"/statements/{token}").status_code, method(f"/statements/{token}").text)
        for token in ("x", forged, late, unknown)
        for method in (nobody.get, nobody.post)
    ]
    assert len(set(answers)) == 1
    assert answers[0][0] == 404


def test_an_address_that_tries_many_links_is_told_to_wait() -> None:
    """And a body larger than any answer is not read."""
    with client_of(CannedStore(NOTHING), Kept(), token=None) as client:
        assert client.post("/statements/x", content=b"x" * 70_000).status_code == 413
        answers = [client.get("/statements/x") for _ in range(3 * ANSWERS_PER_MINUTE)]
    assert answers[0].status_code == 404
    refused = [answer.text for answer in answers if answer.status_code == 429]
    assert "<h1>Too many requests</h1>" in refused[-1]

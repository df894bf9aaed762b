import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from earwitness.api.app import create_app
from earwitness.api.deliveries import Hooks
from earwitness.api.gate import LARGEST_DELIVERY_BYTES
from earwitness.query.store import Answer
from earwitness.registers.config import Flavour, Register, WebhookSettings
from earwitness.registers.hooks import Hook
from earwitness.registers.mapping import parse_mapping
from earwitness.registers.reading import Reader
from earwitness.settings import ROOT
from models.errors import BrokerUnavailable, PipelineError, SinkUnavailable
from models.publisher import Message
from models.topics import EVIDENCE_RECORDS
from tests.api.serving import NOTHING, TOKEN, CannedStore, Kept, serving, sources
from tests.registers.deliveries import (
    NOW,
    SECRET,
    a_ticket,
    an_issue,
    body_of,
    jira_headers,
    our_headers,
    zendesk_headers,
)

PATH = "/api/v1/webhooks"
CONSENT = {"id": "E-1", "customer": "acme", "application": "crm", "since": "2026-01-31T09:00:00Z"}


class Published:
    """A publisher in memory, which can be out of order."""

    def __init__(self) -> None:
        self.failure: PipelineError | None = None
        self.messages: list[Message] = []

    def publish(self, messages: Sequence[Message]) -> None:
        if self.failure is not None:
            raise self.failure
        self.messages += messages

    def close(self) -> None:
        pass

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(message.value) for message in self.messages]


class Place:
    """An API with three webhooks, and what it touched."""

    def __init__(self) -> None:
        self.published, self.activity, self.store = Published(), Kept(), CannedStore(NOTHING)
        self.now = NOW
        self.succeeded: list[str] = []
        self.http = httpx.Client()

    def app(self) -> Any:
        hooks = Hooks(
            {
                "zendesk": a_hook("zendesk", "zendesk", kinds=["complaint"], ref_prefixes=["ticket:"]),
                "jira": a_hook("jira", "jira", kinds=["work_order"], ref_prefixes=["jira:"]),
                "consents": a_hook("earwitness", "consents", kinds=["election"], ref_prefixes=["election:"]),
                "greedy": a_hook("zendesk", "zendesk", name="greedy", kinds=["legal_order"]),
                "strange": a_hook("zendesk", "zendesk", name="strange", ref_prefixes=["order:"]),
            },
            self.published,
            lambda register: self.succeeded.append(register.name),
        )
        return create_app(
            sources(self.store, self.activity),
            token=TOKEN,
            largest_page=10,
            clock=lambda: self.now,
            hooks=hooks,
        )

    def send(self, name: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return self.http.post(f"{PATH}/{name}", content=body, headers=headers)

    def zendesk(self, payload: object, name: str = "zendesk", **signing: Any) -> httpx.Response:
        body = body_of(payload)
        return self.send(name, body, zendesk_headers(body, **signing))

    def untouched(self) -> bool:
        return (self.published.messages, self.activity.activities, self.succeeded) == ([], [], [])


def a_hook(flavour: Flavour, mapping: str, **allowed: Any) -> Hook:
    name = allowed.get("name", mapping)
    text = (ROOT / f"examples/registers/{mapping}.toml").read_bytes()
    sound = {"name": name, "kinds": ["complaint"], "ref_prefixes": ["ticket:"]}
    register = Register.model_validate({**sound, **allowed})
    settings = WebhookSettings(flavour=flavour, mapping="m", secret_file="s")  # type: ignore[arg-type] # text becomes a path
    read = parse_mapping(text, mapping, origins=("webhook", "actor_statement"))
    return Hook(
        register, settings, Reader(read, {"origin": "webhook", "recorded_by": name}, register), SECRET
    )


@contextmanager
def serve(place: Place) -> Iterator[Place]:
    with serving(place.app()) as url, httpx.Client(base_url=url, trust_env=False) as client:
        place.http = client
        yield place


@pytest.fixture
def place() -> Iterator[Place]:
    with serve(Place()) as served:
        yield served


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Read an error, which has the one shape."""
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "hint"}
    return answer.status_code, body["error"]["code"]


def test_a_signed_ticket_is_published_and_needs_no_token(place: Place) -> None:
    """A ticket system has its own secret, and no business reading the trail."""
    answer = place.zendesk(a_ticket())
    assert (answer.status_code, answer.json()) == (200, {"result": "recorded", "ref": "ticket:5158"})
    (message,) = place.published.messages
    assert (message.topic, message.key) == (EVIDENCE_RECORDS, b"ticket:5158")
    assert message.headers["ce_source"] == "/earwitness/webhooks/zendesk"
    assert place.published.records[0].items() >= {"kind": "complaint", "origin": "webhook"}.items()
    assert place.succeeded == ["zendesk"]


def test_jira_and_our_own_scheme_are_taken_too(place: Place) -> None:
    """Each with its own way to prove itself."""
    issue, consent = body_of(an_issue()), body_of(CONSENT)
    assert place.send("jira", issue, jira_headers(issue)).json()["ref"] == "jira:SUP-10"
    assert place.send("consents", consent, our_headers(consent)).json()["ref"] == "election:E-1"
    assert [record["recorded_by"] for record in place.published.records] == ["712020:lead", "consents"]


def test_who_wrote_what_is_on_record_before_it_is_published(place: Place) -> None:
    """And what cannot be recorded is not published."""
    place.zendesk(a_ticket())
    (kept,) = place.activity.activities
    assert (kept.principal, kept.surface, kept.action) == ("webhook:zendesk", "webhook", "evidence.webhook")
    assert (kept.query, kept.customer_ids, kept.row_count) == (
        "webhook zendesk: ticket:5158",
        ("acme",),
        1,
    )
    place.activity.failure = SinkUnavailable("the activity log was not written within 15 s")
    answer = place.zendesk(a_ticket(id="5159"))
    assert code_of(answer) == (503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    assert len(place.published.messages) == 1


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("zendesk", {}),
        ("zendesk", {"Authorization": f"Bearer {TOKEN}"}),
        ("zendesk", zendesk_headers(body_of(a_ticket()), secret=b"another-secret-of-somebody")),
        ("zendesk", jira_headers(body_of(a_ticket()))),
        ("nobody", zendesk_headers(body_of(a_ticket()))),
        ("jira", zendesk_headers(body_of(a_ticket()))),
    ],
)
def test_what_does_not_prove_itself_is_refused_and_logged(name: str, headers: dict[str, str]) -> None:
    """With one answer for all: which registers there are is not told, and the token opens no webhook."""
    place = Place()
    with capture_logs() as logs, serve(place):
        answer = place.send(name, body_of(a_ticket()), headers)
    assert code_of(answer) == (401, "unauthorized")
    assert answer.json()["error"]["message"] == (
        "there is no such webhook, or the signature is not the one of its secret"
    )
    assert place.untouched()
    (entry,) = [entry for entry in logs if entry["event"] == "webhook_refused"]
    assert "acme" not in str(entry)


@pytest.mark.parametrize("name", ["zendesk", "nobody"])
def test_an_api_without_webhooks_takes_none(name: str) -> None:
    """Nor does it say so in another way."""
    place = Place()
    app = create_app(sources(place.store, place.activity), token=TOKEN, largest_page=10)
    with serving(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        place.http = client
        assert code_of(place.zendesk(a_ticket(), name)) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{PATH}/zendesk"),
        ("PUT", f"{PATH}/zendesk"),
        ("POST", f"{PATH}/zendesk/more"),
        ("POST", f"{PATH}/"),
        ("POST", "/api/v1/sql"),
        ("POST", f"{PATH}/../sql"),
    ],
)
def test_the_gate_lets_exactly_the_deliveries_through(place: Place, method: str, path: str) -> None:
    """Everything else still wants the token."""
    assert code_of(place.http.request(method, path)) == (401, "unauthorized")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_delivery_is_no_good_long_before_or_after_its_time(place: Place, minutes: int) -> None:
    """Five minutes is enough for the network and the clocks."""
    place.now = NOW + timedelta(minutes=minutes)
    with capture_logs() as logs:
        assert code_of(place.zendesk(a_ticket())) == (401, "stale")
    assert place.untouched()
    assert [entry["reason"] for entry in logs] == ["stale"]


def test_a_delivery_that_is_replayed_changes_nothing(place: Place) -> None:
    """It is answered like one that was done, for a ticket system may repeat itself in good faith."""
    place.zendesk(a_ticket())
    assert place.zendesk(a_ticket()).json() == {"result": "already_done"}
    assert (len(place.published.messages), len(place.activity.activities)) == (1, 1)


def test_an_old_delivery_replayed_after_a_newer_one_does_not_open_the_ticket_again(place: Place) -> None:
    """Also by another signature: who can replay can choose the moment."""
    place.zendesk(a_ticket())
    later = {**a_ticket("status_changed", status="SOLVED"), "time": "2026-03-02T12:01:00Z"}
    place.zendesk(later)
    assert place.zendesk(a_ticket()).json() == {"result": "already_done"}
    again = place.zendesk(a_ticket(), time="2026-03-02T12:00:30Z").json()
    assert again == {"result": "outdated", "ref": "ticket:5158"}
    assert [record.get("valid_to") for record in place.published.records] == [None, "2026-03-02T12:01:00Z"]


def test_word_that_is_no_news_makes_no_new_version(place: Place) -> None:
    """A comment on a ticket changes nothing of what it justifies."""
    place.zendesk(a_ticket())
    comment = {**a_ticket(tags=["urgent"]), "time": "2026-03-02T12:01:00Z"}
    assert place.zendesk(comment).json() == {"result": "unchanged", "ref": "ticket:5158"}
    assert len(place.published.messages) == 1


def test_what_the_registers_hold_is_compared_with(place: Place) -> None:
    """After a restart nothing is remembered here, and the table is asked."""
    held = {
        "ref": "ticket:5158",
        "kind": "complaint",
        "customer_ids": ["acme"],
        "valid_from": "2026-03-01T09:00:00Z",
        "origin": "webhook",
        "recorded_by": "8447388090500",
        "recorded_at": "2026-03-02T11:00:00Z",
    }
    registered = datetime(2026, 3, 2, 11, tzinfo=UTC)
    place.store.answer = Answer((), (), [(7, registered, json.dumps(held))])
    assert place.zendesk(a_ticket()).json()["result"] == "unchanged"
    assert place.published.messages == []


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("greedy", "kind: register greedy may tell legal_order only, not complaint"),
        ("strange", "ref: register strange may tell of order:… only"),
    ],
)
def test_what_a_register_may_not_tell_is_refused(place: Place, name: str, wanted: str) -> None:
    """A ticket hook can never write a legal order, however well it is signed."""
    answer = place.zendesk(a_ticket(), name)
    assert code_of(answer) == (403, "not_allowed")
    assert answer.json()["error"]["message"] == wanted
    assert place.untouched()


def test_a_payload_that_makes_no_record_is_refused_by_field(place: Place) -> None:
    """So that the mapping can be mended; the log names the fields and nothing that stood in them."""
    with capture_logs() as logs:
        answer = place.zendesk(a_ticket(created_at="yesterday", external_id="+15005550006"))
    assert code_of(answer) == (422, "invalid_record")
    assert answer.json()["error"]["message"].startswith("valid_from: must be an RFC 3339 time")
    assert [entry["reason"] for entry in logs] == ["invalid_record: valid_from"]
    assert "yesterday" not in str(logs)
    assert place.untouched()


def test_an_election_without_a_customer_is_refused(place: Place) -> None:
    """From a webhook as from everywhere."""
    body = body_of({**CONSENT, "customer": ""})
    answer = place.send("consents", body, our_headers(body))
    assert code_of(answer) == (422, "invalid_record")
    assert answer.json()["error"]["message"].startswith("customer_ids: must name who made the election")
    assert place.untouched()


def test_an_election_that_is_revoked_is_withdrawn_from_then_on(place: Place) -> None:
    """With its customer."""
    body = body_of({**CONSENT, "revoked": "2026-03-01T00:00:00Z"})
    assert place.send("consents", body, our_headers(body)).status_code == 200
    (record,) = place.published.records
    assert (record["status"], record["withdrawn_at"], record["customer_ids"]) == (
        "withdrawn",
        "2026-03-01T00:00:00Z",
        ["acme"],
    )


def test_what_the_mapping_passes_over_is_answered_with_success(place: Place) -> None:
    """Otherwise the ticket system would try again, and give the webhook up."""
    assert place.zendesk(a_ticket("comment_added")).json() == {"result": "passed_over"}
    assert place.published.messages == []
    assert place.succeeded == ["zendesk"]


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{"])
def test_a_body_that_is_no_object_is_refused(place: Place, body: bytes) -> None:
    """However it is signed."""
    assert code_of(place.send("consents", body, our_headers(body))) == (400, "not_json")


def test_a_body_has_a_largest_size(place: Place) -> None:
    """Nobody has proven anything while it is read."""
    body = b"x" * (LARGEST_DELIVERY_BYTES + 1)
    assert code_of(place.send("consents", body, our_headers(body))) == (413, "too_large")


def test_it_is_answered_only_once_kafka_has_it(place: Place) -> None:
    """Refused with the time to try again; the same delivery is then taken, not called done."""
    place.published.failure = BrokerUnavailable("Kafka k:9092 did not acknowledge within 5 s")
    answer = place.zendesk(a_ticket())
    assert code_of(answer) == (503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    assert place.succeeded == []
    place.published.failure = None
    assert place.zendesk(a_ticket()).json()["result"] == "recorded"
    assert len(place.published.messages) == 1

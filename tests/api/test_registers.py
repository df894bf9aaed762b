from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from earwitness.metrics import API_METRICS, REGISTER_LAST_HEARTBEAT
from earwitness.query.store import Answer
from models.errors import SinkUnavailable
from models.registers import Heartbeat
from sinks.clickhouse.heartbeats import Teller
from tests.api.serving import NOTHING, Beats, CannedStore, Kept, client_of

DOWN = SinkUnavailable("ClickHouse 127.0.0.1:9000 did not answer: refused")
BEAT = {"kinds": ["complaint"], "every_s": 900}


def registers() -> CannedStore:
    """A ticket system silent for two hours, a directory that beat a minute ago, and a retired one."""
    now = datetime.now(UTC)
    rows = [
        ("hr", ["employment"], 86_400, now - timedelta(minutes=1)),
        ("old-crm", ["election"], 0, now - timedelta(days=300)),
        ("zendesk", ["complaint"], 900, now - timedelta(hours=2)),
    ]
    return CannedStore(Answer(("name", "kinds", "every_s", "beat_at"), (), rows))


def test_the_list_of_registers_says_which_are_overdue() -> None:
    """By how long, so that somebody can tell a hiccup from an outage."""
    with client_of(registers(), Kept()) as client:
        found = {each["name"]: each for each in client.get("/api/v1/registers").json()["registers"]}
    assert {name: (each["overdue"], each["retired"]) for name, each in found.items()} == {
        "hr": (False, False),
        "old-crm": (False, True),
        "zendesk": (True, False),
    }
    assert found["zendesk"]["overdue_s"] == pytest.approx(105 * 60, abs=10)
    assert (found["zendesk"]["kinds"], found["zendesk"]["every_s"]) == (["complaint"], 900)


def test_a_beat_is_handed_on_with_who_gave_it() -> None:
    """What is written down names the token; the answer says whether anything is new."""
    beats = Beats()
    with client_of(CannedStore(NOTHING), Kept(), beats=beats) as client:
        answers = [client.post("/api/v1/registers/zendesk/heartbeat", json=BEAT).json() for _ in range(2)]
    assert answers == [{"name": "zendesk", "changed": True}, {"name": "zendesk", "changed": False}]
    told = Heartbeat(name="zendesk", kinds=("complaint",), every_s=900)
    assert beats.beats == [(told, Teller("api-token", "api"))] * 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Zendesk!", BEAT),
        ("zendesk", {**BEAT, "kinds": []}),
        ("zendesk", {**BEAT, "kinds": ["rumour"]}),
        ("zendesk", {**BEAT, "every_s": 0}),
        ("zendesk", {**BEAT, "every": "15m"}),
        ("zendesk", {"kinds": ["complaint"]}),
    ],
)
def test_a_beat_that_says_nothing_useful_is_refused(path: str, body: dict[str, object]) -> None:
    """A heartbeat with a typo would watch over nothing, and nobody would know."""
    beats = Beats()
    with client_of(CannedStore(NOTHING), Kept(), beats=beats) as client:
        answer = client.post(f"/api/v1/registers/{path}/heartbeat", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert beats.beats == []


def test_only_a_register_that_beats_can_be_retired() -> None:
    """Whoever mistypes the name must not believe that the warning is off."""
    beats = Beats("zendesk")
    with client_of(CannedStore(NOTHING), Kept(), beats=beats) as client:
        found = [client.post(f"/api/v1/registers/{name}/retirement") for name in ("zendesk", "zendsk")]
    assert [answer.status_code for answer in found] == [200, 404]


@pytest.mark.parametrize("path", ["heartbeat", "retirement"])
def test_beating_needs_the_token(path: str) -> None:
    """Who could beat for a register could hide its outage, and who could retire it the warning."""
    beats = Beats("zendesk")
    with client_of(CannedStore(NOTHING), Kept(), token=None, beats=beats) as client:
        answer = client.post(f"/api/v1/registers/zendesk/{path}", json=BEAT)
    assert answer.status_code == 401
    assert (beats.beats, beats.retired) == ([], [])


def test_the_metrics_are_what_prometheus_reads() -> None:
    """Read by its own parser: each metric by its name, one value for each register that is watched."""
    with client_of(registers(), Kept()) as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.text))
    assert [family.name for family in families] == [metric.name for metric in API_METRICS]
    values = {
        (sample.name, sample.labels.get("register")): sample.value for f in families for sample in f.samples
    }
    assert values["earwitness_register_overdue", "zendesk"] == 1
    assert values["earwitness_register_overdue", "hr"] == 0
    assert values["earwitness_ready", None] == 1
    assert values["earwitness_register_interval_seconds", "zendesk"] == 900
    age_s = datetime.now(UTC).timestamp() - values[REGISTER_LAST_HEARTBEAT.name, "zendesk"]
    assert age_s == pytest.approx(7_200, abs=10)
    assert "old-crm" not in answer.text, "a retired register would fire an alert on its old heartbeat"


def test_without_the_store_there_are_no_metrics_rather_than_old_ones() -> None:
    """A scrape that fails is seen; a register that looks well because nobody could look is not."""
    with client_of(CannedStore(DOWN), Kept()) as client:
        assert client.get("/metrics").status_code == 503

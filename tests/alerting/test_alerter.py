"""The alerting process on real parts: from an access to somebody who is told, through kills."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from earwitness.cli import wiring
from earwitness.devstack.layout import layout_of
from earwitness.devstack.ports import free
from earwitness.devstack.users import STATEMENT_KEY, read_secret
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.settings import PREFIX, ROOT
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from tests.api.world import encode, send
from tests.channels.receivers import Receiver, receiving
from tests.channels.test_channels import SECRET
from tests.conftest import Stack

pytestmark = pytest.mark.stack

WITHIN_S = 60.0
KILLS = 4
ACCESSES = 40


def an_access(actor: str, number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "time": datetime.now(UTC).isoformat(),
        "source": "/services/sms-api",
        "actor_type": "vendor",
        "actor_id": f"{actor}-{number}",
        "organization": f"org-{actor}",
        "action": "process",
        "resource_type": "sms_content",
        "resource_id": f"sms-{number}",
        "customer_id": f"cus-{actor}",
        "purpose": "process_sms",
        **changes,
    }


def a_contract(actor: str) -> dict[str, Any]:
    """What justifies both of its accesses: the one that cites it, and the one that cites nothing."""
    return {
        "ref": f"contract:{actor}",
        "kind": "engagement",
        "organization": f"org-{actor}",
        "functions": ["process_sms"],
        "valid_from": "2020-01-01T00:00:00Z",
    }


class Alerters:
    """Alerting processes of one group of this test's own, and the receiver that they tell."""

    def __init__(self, stack: Stack, folder: Path, receiver: Receiver) -> None:
        self._stack = stack
        self._group = f"alerts-{uuid4().hex[:8]}"
        self._channels = folder / "channels.toml"
        (folder / "secret").write_text(SECRET)
        self._channels.write_text(
            f'[[channel]]\nname = "soc"\nkind = "webhook"\nurl = "{receiver.url}/hook"\nquestions = true\n'
            f'secrets = [{{ file = "{folder}/secret" }}]\n'
        )
        self._log = (folder / "alerter.log").open("ab")
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        settings = self._stack.settings("alerter")
        # The alerter's own user may use no group but the stack's.
        kafka, clickhouse = self._stack.settings("admin").kafka, settings.clickhouse
        values = {
            "KAFKA__BOOTSTRAP": kafka.bootstrap,
            "KAFKA__SECURITY_PROTOCOL": kafka.security_protocol,
            "KAFKA__SASL_MECHANISM": kafka.sasl_mechanism,
            "KAFKA__USERNAME": kafka.username,
            "KAFKA__PASSWORD": kafka.password.get_secret_value(),
            "CLICKHOUSE__HOST": clickhouse.host,
            "CLICKHOUSE__PORT": str(clickhouse.port),
            "CLICKHOUSE__USERNAME": clickhouse.username,
            "CLICKHOUSE__PASSWORD": clickhouse.password.get_secret_value(),
            "HEALTH__PORT": str(free(1)[0]),
            "ALERTS__GROUP": self._group,
            "ALERTS__CHANNELS_FILE": str(self._channels),
            "ALERTS__STATEMENT_KEY": read_secret(layout_of(self._stack.data_dir), STATEMENT_KEY),
        }
        environment = {**os.environ, **{f"{PREFIX}{name}": value for name, value in values.items()}}
        command = [sys.executable, "-m", "earwitness.cli.main", "alerter"]
        self.running.append(
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=self._log, stderr=self._log)
        )

    def kill(self) -> None:
        process = self.running.pop()
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(timeout=30)
        self._log.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@contextmanager
def alerting(stack: Stack, folder: Path, receiver: Receiver) -> Iterator[Alerters]:
    alerters = Alerters(stack, folder, receiver)
    try:
        yield alerters
    finally:
        alerters.stop()


@pytest.fixture(scope="module")
def store(stack: Stack) -> Iterator[ClickHouseStore]:
    opened = ClickHouseStore(
        **wiring.clickhouse(stack.settings("alerter").clickhouse)._asdict(), query_timeout_s=30
    )
    yield opened
    opened.close()


def wait_until(holds: Callable[[], bool], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


def told(receiver: Receiver, kind: str = "earwitness.alert.raised") -> dict[str, dict[str, Any]]:
    """What was told, by the id that a receiver knows a repeat by."""
    bodies = [
        (request.headers["webhook-id"], json.loads(request.body)) for request in list(receiver.requests)
    ]
    return {id_: body for id_, body in bodies if body["type"] == kind}


def alerts_of(store: ClickHouseStore, actor: str) -> list[tuple[Any, ...]]:
    return list(
        store.ask(
            "SELECT alert_id, state, outcome FROM alerts WHERE rule = 'unexplained-access'"
            " AND startsWith(grouping['actor_id'], {actor:String})",
            {"actor": actor},
        ).rows
    )


def test_kills_cost_no_alert_and_double_none(
    stack: Stack, store: ClickHouseStore, tmp_path: Path, receiver: Receiver
) -> None:
    """Whenever the process dies, each unjustified access is one alert, and somebody hears of each.

    The stack's own alerter raises the same alerts from the same findings meanwhile: two processes that both
    believe to lead write one alert.
    """
    actor = f"v-{uuid4().hex[:8]}"
    events = [an_access(actor, number) for number in range(ACCESSES)]
    with alerting(stack, tmp_path, receiver) as alerters:
        for kill in range(KILLS):
            alerters.start()
            some = events[kill * ACCESSES // KILLS : (kill + 1) * ACCESSES // KILLS]
            send(stack, "producer", ACCESS_EVENTS, [encode(event) for event in some])
            time.sleep(0.5 + kill)
            alerters.kill()
        alerters.start()
        wait_until(
            lambda: (
                len(alerts_of(store, actor)) == ACCESSES
                and {str(alert) for alert, *_ in alerts_of(store, actor)}
                <= {body["data"]["alert_id"] for body in told(receiver).values()}
            ),
            lambda: (len(alerts_of(store, actor)), len(told(receiver))),
        )
    assert len(alerts_of(store, actor)) == ACCESSES
    raised = [body["data"]["alert_id"] for body in told(receiver).values()]
    assert len(raised) == len(set(raised)), "one alert was told under two ids"


def test_the_actor_is_asked_and_evidence_closes_the_alert(
    stack: Stack, store: ClickHouseStore, tmp_path: Path, receiver: Receiver
) -> None:
    """The actor has a link to answer by within moments; when the contract arrives, the alert closes."""
    actor = f"v-{uuid4().hex[:8]}"
    with alerting(stack, tmp_path, receiver) as alerters:
        alerters.start()
        cites = {"evidence_ref": f"contract:{actor}"}
        send(stack, "producer", ACCESS_EVENTS, [encode(an_access(actor, 1, **cites))])
        wait_until(
            lambda: any(actor in str(body) for body in told(receiver, "earwitness.question").values()),
            lambda: told(receiver, "earwitness.question"),
        )
        send(stack, "producer", ACCESS_EVENTS, [encode(an_access(actor, 2))])
        wait_until(lambda: len(alerts_of(store, actor)) == 1, lambda: alerts_of(store, actor))
        send(stack, "register", EVIDENCE_RECORDS, [encode(a_contract(actor))])
        wait_until(
            lambda: [row[1:] for row in alerts_of(store, actor)] == [("closed", "explained")],
            lambda: alerts_of(store, actor),
        )
        alert = str(alerts_of(store, actor)[0][0])
        closed = "earwitness.alert.closed"
        wait_until(
            lambda: alert in {body["data"]["alert_id"] for body in told(receiver, closed).values()},
            lambda: told(receiver, closed),
        )


def test_another_process_takes_over_when_the_first_is_gone(
    stack: Stack, store: ClickHouseStore, tmp_path: Path, receiver: Receiver
) -> None:
    """Two are started; one works, the other stands by."""
    actor = f"v-{uuid4().hex[:8]}"
    with alerting(stack, tmp_path, receiver) as alerters:
        alerters.start()
        alerters.start()
        send(stack, "producer", ACCESS_EVENTS, [encode(an_access(actor, 1))])
        wait_until(lambda: len(told(receiver)) > 0, lambda: receiver.requests)
        alerters.kill()
        send(stack, "producer", ACCESS_EVENTS, [encode(an_access(actor, 2))])
        alert = lambda: {str(id_) for id_, *_ in alerts_of(store, actor)}  # noqa: E731
        wait_until(
            lambda: (
                len(alert()) == 2
                and alert() <= {body["data"]["alert_id"] for body in told(receiver).values()}
            ),
            lambda: (alert(), told(receiver)),
        )

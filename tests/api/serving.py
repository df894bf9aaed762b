"""The API on a real socket, in a thread of the test, on whatever sources a test gives it."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from earwitness.api.app import create_app
from earwitness.api.desk import Desk
from earwitness.api.sources import Sources
from earwitness.query.activity import ActivityReading
from earwitness.query.alerts import Alerts
from earwitness.query.clickhouse_http import Formatted
from earwitness.query.conditions import Parameter
from earwitness.query.dead_letters import DeadLetters
from earwitness.query.evidence import Evidence
from earwitness.query.exporting import Exports
from earwitness.query.pages import Pages
from earwitness.query.registers import Registers
from earwitness.query.reports import Reports
from earwitness.query.rows import Row
from earwitness.query.saved_searches import SavedSearches
from earwitness.query.statement import UNDERSTOOD
from earwitness.query.store import Answer
from earwitness.query.summaries import Summaries
from earwitness.query.trail import Trail
from models.access import AccessEvent
from models.alerts import Entry, Member, Silence
from models.errors import PipelineError
from models.registers import Heartbeat
from models.tokens import EVERYTHING, Role, Scope, Token, digest_of
from sinks.clickhouse.activity import Activity
from sinks.clickhouse.heartbeats import Teller

TOKEN = "a-token-of-a-test"
START_WITHIN_S = 10.0


class CannedStore:
    """Answers every statement alike, or raises; remembers what it was asked."""

    def __init__(self, answer: Answer | PipelineError) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        limits: Mapping[str, Any] | None = None,
    ) -> Answer:
        self.asked.append(f"{sql} {parameters} {limits}")
        if isinstance(self.answer, PipelineError):
            raise self.answer
        if sql == UNDERSTOOD and parameters:
            return Answer(("", "", ""), ("", "", ""), [(parameters["statement"], ["count", "throwif"], [])])
        return self.answer


class Unformatted:
    """Formats nothing: of exports, tests ask the real store."""

    def fetch(
        self, sql: str, parameters: Mapping[str, Parameter], *, limits: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[Formatted]:
        msg = "this test exports nothing"
        raise NotImplementedError(msg)


class Kept:
    """An activity log in memory, which can be out of order."""

    def __init__(self, failure: PipelineError | None = None) -> None:
        self.failure = failure
        self.activities: list[Activity] = []

    def write(self, activity: Activity) -> None:
        if self.failure is not None:
            raise self.failure
        self.activities.append(activity)


class Handled:
    """An alert log in memory: what was done with alerts and silences, in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.silences: list[Silence] = []

    def write(self, entries: Sequence[Entry], members: Sequence[Member] = ()) -> None:
        self.entries += entries

    def write_once(self, entry: Entry) -> None:
        self.entries.append(entry)

    def silence(self, silence: Silence, written_by: str) -> None:
        self.silences.append(silence)

    def end_silence(self, silence: Silence, at: datetime, written_by: str) -> None:
        self.silences.append(silence._replace(expires_at=at))


class Beats:
    """Registers in memory: keeps each beat, and retires what is named in `known`."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.beats: list[tuple[Heartbeat, Teller]] = []
        self.retired: list[tuple[str, Teller]] = []

    def beat(self, heartbeat: Heartbeat, by: Teller) -> bool:
        self.beats.append((heartbeat, by))
        return len(self.beats) == 1

    def retire(self, name: str, by: Teller) -> bool:
        self.retired.append((name, by))
        return name in self.known


class Purse:
    """Tokens in memory; remembers how often it was looked into, and can be out of order."""

    def __init__(self, *tokens: Token, failure: PipelineError | None = None) -> None:
        self.kept = list(tokens)
        self.failure = failure
        self.looks = 0

    def tokens(self) -> list[Token]:
        self.looks += 1
        if self.failure is not None:
            raise self.failure
        return list(self.kept)

    def create(self, token: Token) -> None:
        self.kept.append(token)

    def revoke(self, token: Token, by: str) -> None:
        ended = {"revoked_at": datetime.now(UTC), "revoked_by": by}
        self.kept = [each._replace(**ended) if each.name == token.name else each for each in self.kept]

    def user_of(self, role: Role, scope: Scope) -> str:
        return f"user-of-{role}-{'-'.join(scope.customers)}"


def a_token(secret: str, **changes: Any) -> Token:
    now = datetime.now(UTC)
    token = Token(
        name="ann",
        role="reader",
        scope=EVERYTHING,
        digest=digest_of(secret),
        last_four=secret[-4:],
        scope_user="",
        created_at=now,
        created_by="api-token",
        expires_at=now + timedelta(days=1),
    )
    return token._replace(**changes)


NOTHING = Answer((), (), ())


def no_explanation(row: Row, as_of: datetime | None = None) -> dict[str, Any]:
    return {"access": row}


def no_judgement(event: AccessEvent, now: datetime) -> dict[str, Any]:
    return {"id": event.id}


def nothing_kept(name: str, query: str, saved_by: str) -> None:
    return None


def sources(store: CannedStore, activity: Kept, beats: Beats | None = None) -> Sources:
    return Sources(
        trail=Trail(store),
        summaries=Summaries(store),
        exports=Exports(store, Unformatted()),
        pages=Pages(store),
        reports=Reports(store),
        evidence=Evidence(store),
        registers=Registers(store),
        heartbeats=beats or Beats(),
        dead_letters=DeadLetters(store),
        searches=SavedSearches(store),
        keep_search=nothing_kept,
        statements=store,
        explain=no_explanation,
        dry_run=no_judgement,
        activity=activity,
        done=ActivityReading(store),
        desk=Desk(Alerts(store), Handled(), tuple),
        is_ready=lambda: store.ask("ready?") is not None,
    )


@contextmanager
def client_of(
    store: CannedStore,
    activity: Kept,
    token: str | None = TOKEN,
    beats: Beats | None = None,
    *,
    purse: Purse | None = None,
) -> Iterator[httpx.Client]:
    given = sources(store, activity, beats)._replace(tokens=purse)
    app = create_app(given, token=TOKEN, largest_page=1_000)
    with serving(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        if token is not None:
            client.headers["Authorization"] = f"Bearer {token}"
        yield client


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    deadline = time.monotonic() + START_WITHIN_S
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()

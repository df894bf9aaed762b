"""The one process that owns a data folder: it starts the parts, watches them, and stops them all.

`python -m earwitness.devstack.supervisor OPTIONS` (JSON of `Options`) is what `up --detach` runs.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

import psutil
from pydantic import BaseModel, ConfigDict, Field

from earwitness.devstack import (
    clickhouse_config,
    downloads,
    family,
    kafka_server,
    leftovers,
    lock,
    ports,
    preflight,
    state,
)
from earwitness.devstack.children import Child, ChildSpec, bound_log
from earwitness.devstack.layout import layout_of, prepare
from earwitness.devstack.ports import HOST, Ports
from earwitness.devstack.provision import align_topics, provision_clickhouse, provision_kafka
from earwitness.devstack.state import Phase, ProcessState, StackState
from earwitness.devstack.users import make_secrets
from earwitness.settings import Settings
from models.errors import BrokerUnavailable, PipelineError, SinkUnavailable, StackUnavailable

TICK_S: Final = 0.1
START_LIMIT_S: Final = 120.0
START_TRIES: Final = 3
PROVISION_TRIES: Final = 3
PROVISION_PAUSE_S: Final = 1.0
LOG_CHECK_S: Final = 5.0
MOST_WORKERS: Final = 64

Report = Callable[[str], None]


class Options(BaseModel):
    """What `earwitness up` was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path
    workers: int = Field(ge=0, le=MOST_WORKERS)
    ports: dict[str, int] = Field(default_factory=dict)
    logins: kafka_server.Logins = kafka_server.USUAL_LOGINS
    clickhouse_memory_mb: int = Field(default=clickhouse_config.MEMORY_MB, ge=clickhouse_config.MEMORY_MB)


class Supervisor:
    """Runs one stack from its start to its end, in the thread that calls `run`."""

    def __init__(self, options: Options, report: Report) -> None:
        process = psutil.Process()
        self._holder = lock.Holder(process.pid, process.create_time())
        self._options = options
        self._layout = layout_of(options.data_dir)
        self._report = report
        self._ports: Ports | None = None
        self._services: list[Child] = []
        self._dependents: list[Child] = []
        self._phase: Phase = "starting"
        self._problem: str | None = None
        self._stopping = False
        self._logs_checked_at = 0.0

    def ask_to_stop(self) -> None:
        """End at the next opportunity. May be called from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Start everything, keep it running until asked to stop, then stop everything.

        Raises `StackUnavailable` or `ConfigurationError` where the stack cannot be started; by then
        whatever had been started is stopped.
        """
        prepare(self._layout)
        try:
            with lock.held(self._layout, self._holder):
                self._run()
        except OSError as error:
            raise StackUnavailable(preflight.explain(error, self._layout)) from error

    def _run(self) -> None:
        preflight.check_room(self._layout)
        if state.was_killed(self._layout):
            self._tell("the supervisor before this one was killed; cleaning up after it")
        leftovers.remove(self._layout, self._tell)
        try:
            self._start()
            while not self._stopping:
                self._watch()
                time.sleep(TICK_S)
        except (PipelineError, OSError) as error:
            self._problem = str(error)
            self._stop("failed")
            raise
        else:
            self._stop("stopped")

    def _start(self) -> None:
        layout = self._layout
        make_secrets(layout)
        chosen = self._ports = ports.choose(layout, self._options.ports)
        self._publish()
        jars = downloads.installed(downloads.cache_folder(os.environ))
        services = (
            family.kafka(layout, chosen, jars, self._options.logins),
            family.clickhouse(layout, chosen, self._options.clickhouse_memory_mb),
        )
        self._bring_up(self._services, services)
        if self._stopping:
            return
        self._provision(state.settings_for(layout.root, "admin"))
        *for_workers, for_reconcile, for_alerter = ports.free(self._options.workers + 2)
        dependents = [
            family.worker(layout, chosen, number, port) for number, port in enumerate(for_workers, start=1)
        ]
        dependents += [family.api(layout, chosen), family.reconcile(layout, chosen, for_reconcile)]
        if self._options.workers:
            dependents.append(family.alerter(layout, chosen, for_alerter))
        self._bring_up(self._dependents, dependents)
        if not self._stopping:
            self._phase = "ready"
            self._publish()
            self._tell(
                f"ready: Kafka {HOST}:{chosen.kafka}, ClickHouse {HOST}:{chosen.clickhouse}, "
                f"API http://{HOST}:{chosen.api}"
            )

    def _provision(self, admin: Settings) -> None:
        """Set Kafka and ClickHouse up; a server that has only just started may need to be asked again."""
        for attempts_left in reversed(range(PROVISION_TRIES)):
            try:
                provision_kafka(admin.kafka)
                align_topics(admin.kafka)
                provision_clickhouse(admin.clickhouse)
            except (BrokerUnavailable, SinkUnavailable) as error:
                if not attempts_left or self._stopping:
                    raise
                self._tell(f"{error}; asking again")
                time.sleep(PROVISION_PAUSE_S)
            else:
                return

    def _bring_up(self, children: list[Child], specs: Sequence[ChildSpec]) -> None:
        """Start these children and wait until each is ready."""
        deadline = time.monotonic() + START_LIMIT_S
        for spec in specs:
            self._tell(f"starting {spec.name}")
            child = Child(spec)
            children.append(child)
            child.start(time.monotonic())
        self._publish()
        while not self._stopping and not all(child.ready for child in children):
            self._watch()
            for child in children:
                _check_start(child, late=time.monotonic() > deadline)
            time.sleep(TICK_S)

    def _watch(self) -> None:
        changed = False
        for child in self._children:
            before = child.pid
            if child.watch(time.monotonic()):
                changed = True
                self._note(child, before)
        if changed:
            self._weigh()
            self._publish()
        if time.monotonic() - self._logs_checked_at > LOG_CHECK_S:
            self._logs_checked_at = time.monotonic()
            self._bound_logs()

    @property
    def _children(self) -> list[Child]:
        return self._services + self._dependents

    def _note(self, child: Child, before: int | None) -> None:
        if child.ready:
            self._tell(f"{child.spec.name} is ready (pid {child.pid})")
        elif child.pid is None:
            self._tell(f"{child.spec.name} (pid {before}) ended: {child.last_exit}; it is started again")
        elif child.trouble:
            self._tell(f"{child.spec.name} is not ready: {child.trouble}")

    def _weigh(self) -> None:
        """Say whether a stack that was ready still is."""
        if self._phase in {"ready", "degraded"}:
            down = [_trouble(child) for child in self._children if not child.ready]
            self._phase = "degraded" if down else "ready"
            self._problem = "; ".join(down) or None

    def _bound_logs(self) -> None:
        try:
            for path in [self._layout.log("supervisor"), *(child.spec.log for child in self._children)]:
                bound_log(path)
        except OSError as error:
            self._tell(preflight.explain(error, self._layout))

    def _tell(self, line: str) -> None:
        """Report, unless nobody can hear it any more: a terminal that closed, a log on a full disk."""
        with suppress(OSError):
            self._report(line)

    def _stop(self, outcome: Phase) -> None:
        """Stop the children: those that depend on others first."""
        self._phase = "stopping"
        self._publish()
        self._tell("stopping")
        for child in self._dependents:
            child.ask_to_stop()
        for child in [*self._dependents, *self._services]:
            child.stop()
        self._phase = outcome
        self._dependents, self._services = [], []
        self._publish()

    def _publish(self) -> None:
        """Write the state down. A disk that is full meanwhile must not end the stack."""
        if self._ports is None:
            return
        current = StackState(
            phase=self._phase,
            problem=self._problem,
            data_dir=self._layout.root,
            supervisor_pid=self._holder.pid,
            ports=self._ports,
            processes=tuple(_describe(child) for child in self._children),
        )
        try:
            state.write(self._layout, current)
        except OSError as error:
            if self._phase == "starting":
                raise
            self._tell(preflight.explain(error, self._layout))


def _trouble(child: Child) -> str:
    if child.pid is None and preflight.died_of_a_full_disk(child.tail()):
        return (
            f"{child.spec.name} ended, for the disk of {child.spec.folder} is full: make room, and it"
            " recovers by itself"
        )
    if child.trouble:
        return f"{child.spec.name} is not ready: {child.trouble}"
    ended = f" (ended with {child.last_exit})" if child.last_exit else ""
    return f"{child.spec.name} is not ready{ended}, see {child.spec.log}"


def _describe(child: Child) -> ProcessState:
    return ProcessState(
        name=child.spec.name,
        pid=child.pid,
        address=child.spec.address,
        created_at=child.created_at,
        ready=child.ready,
        restarts=child.restarts,
        last_exit=child.last_exit,
        trouble=child.trouble or None,
    )


def _check_start(child: Child, *, late: bool) -> None:
    if child.ready:
        return
    if child.restarts >= START_TRIES - 1 and child.pid is None:
        raise StackUnavailable(
            f"{child.spec.name} ended {START_TRIES} times while it was started ({child.last_exit}). "
            f"The end of {child.spec.log}:\n{child.tail()}"
        )
    if late:
        raise StackUnavailable(
            f"{child.spec.name} was not ready after {START_LIMIT_S:.0f} s. "
            f"The end of {child.spec.log}:\n{child.tail()}"
        )


def stop_on_signals(supervisor: Supervisor) -> None:
    """Let Ctrl-C, a polite kill and the end of the terminal stop this supervisor in good order."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        supervisor.ask_to_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)


def main() -> None:
    """Run detached: options as JSON in the one argument, reports to stderr, which is a log."""
    options = Options.model_validate_json(sys.argv[1])

    supervisor = Supervisor(options, _report_to_log)
    stop_on_signals(supervisor)
    try:
        supervisor.run()
    except PipelineError as error:
        with suppress(OSError):
            _report_to_log(f"error: {error}")
        sys.exit(1)


def _report_to_log(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()

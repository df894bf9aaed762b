"""A world of workers, a broker and a store, in which somebody chooses what happens next.

At each step one of these happens: a call takes effect and is answered; a timer ends; a member hears that
partitions move; a process that died is started again. As often as `faults` allows, something goes wrong:
a call is lost, or takes effect without its answer, or takes effect later; an insert is slow, or just its
name is noted before the server is killed; a worker is killed, or not heard of and expelled while it goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from models.errors import BrokerUnavailable, PipelineError, SinkUnavailable
from streams.persistence import UNANSWERED_COMMIT_S
from tests.simulation.broker import SimulatedBroker
from tests.simulation.choices import Choices
from tests.simulation.expected import assert_complete, assert_nothing_skipped, fates_of
from tests.simulation.store import Rules, SimulatedStore
from tests.simulation.worker import WRITES, Makes, Request, Worker

MOST_STEPS: Final = 3_000
FAULT: Final = 0.05
"""How likely a fault is where chance decides, beside something usual."""


class Option(NamedTuple):
    """Something that may happen next."""

    label: str
    happen: Callable[[], None]
    fault: bool = False


class Plan(NamedTuple):
    """How many workers there are, how much may go wrong, and what broker and store can be relied on for."""

    workers: int = 2
    faults: int = 1
    store: Rules = Rules()
    broker_fences: bool = True


class World:
    """Everything there is, and what has happened so far."""

    def __init__(
        self,
        partitions: Sequence[Sequence[Any]],
        makes: Makes,
        choices: Choices,
        plan: Plan,
    ) -> None:
        self.broker = SimulatedBroker(partitions, fences=plan.broker_fences)
        self.store = SimulatedStore(plan.store)
        self.fates = [fates_of(records) for records in partitions]
        self.story: list[str] = []
        self.faults = plan.faults
        self._makes = makes
        self._choices = choices
        self._adrift: list[Request] = []
        """Writes whose caller is gone or was told that they failed; they may still take effect."""
        self._dead: list[str] = []
        self.workers = {}
        for number in range(plan.workers):
            self._start(f"w{number}")

    def run(self) -> None:
        """Let things happen until nothing is left to happen, and see that all is well."""
        for _ in range(MOST_STEPS):
            self._settle()
            options = self._possible()
            chosen = options[self._choices.pick(_weights(options), self._state)]
            self.story.append(chosen.label)
            if chosen.label == "end":
                return
            self.faults -= chosen.fault
            chosen.happen()
            if not self._choices.repeats:
                assert_nothing_skipped(self)
        raise AssertionError(f"no end after {MOST_STEPS} steps")

    def close(self) -> None:
        """End every process, so that nothing of this world is left to run."""
        for worker in self.workers.values():
            worker.loop.kill()

    def _settle(self) -> None:
        """Tell members of a generation that has begun; find out whether a worker failed."""
        for worker in self.workers.values():
            worker.assign()
        for worker in self.workers.values():
            if worker.failures:
                raise worker.failures[0]
            cancelled = [request for request in worker.requests if not request.is_awaited]
            worker.requests = [request for request in worker.requests if request.is_awaited]
            self._let_drift(cancelled)

    def _possible(self) -> list[Option]:
        told = next((request for request in self._requests() if request.name == "publish"), None)
        # Nobody reads what is published: whatever others do meanwhile can as well come after.
        usual = list(self._usual()) if told is None else [Option(f"{told}", lambda: self._apply(told))]
        if not usual:
            assert_complete(self)
            usual.append(Option("end", lambda: None))
        for request in self._adrift:
            usual.append(Option(f"{request} at last", lambda request=request: self._apply(request)))  # type: ignore[misc]
        return [*usual, *self._faults()] if self.faults else usual

    def _usual(self) -> Iterator[Option]:
        for request in self._requests():
            yield Option(f"{request}", lambda request=request: self._apply(request))  # type: ignore[misc]
        for worker in self.workers.values():
            if worker.loop.sleeps and not worker.requests:
                yield Option(f"{worker.name} waits", lambda worker=worker: self._tick(worker))  # type: ignore[misc]
            if worker.is_called():
                yield Option(f"{worker.name} is called", worker.leave_and_join)
        for name in self._dead:
            yield Option(f"{name} is started", lambda name=name: self._restart(name))  # type: ignore[misc]

    def _faults(self) -> Iterator[Option]:
        for request in self._requests():
            yield from self._faults_of(request)
        for worker in self.workers.values():
            name = worker.name
            if worker.loop.sleeps and worker.requests:
                yield Option(f"{name} waits in vain", lambda worker=worker: self._tick(worker), fault=True)  # type: ignore[misc]
            yield Option(f"{name} is killed", lambda worker=worker: self._kill(worker), fault=True)  # type: ignore[misc]
            if self.broker.is_member(name):
                yield Option(f"{name} is expelled", lambda name=name: self.broker.expel(name), fault=True)  # type: ignore[misc]

    def _faults_of(self, request: Request) -> Iterator[Option]:
        def fault(label: str, happen: Callable[[Request], None]) -> Option:
            return Option(f"{request} {label}", lambda: happen(request), fault=True)

        if request.name not in WRITES:
            return
        yield fault("is lost", self._fail)
        yield fault("goes unanswered", self._leave_unanswered)
        if request.name == "publish":
            return
        yield fault("is late", self._delay)
        if request.name == "write" and request.ticket is None:
            yield fault("begins", self._begin)
            yield fault("begins and is late", self._begin_and_delay)
            yield fault("is only noted", self._note)

    def _requests(self) -> Iterator[Request]:
        for worker in self.workers.values():
            yield from worker.requests

    def _apply(self, request: Request) -> None:
        """Have a call take effect, and answer it where somebody waits."""
        error, result = None, None
        try:
            result = self._effect(request)
        except PipelineError as raised:
            error = raised
        if request in self._adrift:
            self._adrift.remove(request)
        else:
            self.workers[request.worker].answer(request, result, error)

    def _effect(self, request: Request) -> Any:
        if request.ticket is None:
            return request.call()
        if not self.store.is_under_way(request.ticket):
            raise SinkUnavailable("the server was killed", retry_after_s=0)
        return self.store.end(request.block, request.ticket)

    def _fail(self, request: Request) -> None:
        error = BrokerUnavailable if request.name in {"commit", "publish"} else SinkUnavailable
        self.workers[request.worker].answer(request, None, error("no answer"))

    def _leave_unanswered(self, request: Request) -> None:
        with suppress(PipelineError):
            self._effect(request)
        self._fail(request)

    def _delay(self, request: Request) -> None:
        request.given_up_s = self.workers[request.worker].loop.time()
        self._adrift.append(request)
        self._fail(request)

    def _begin(self, request: Request) -> None:
        request.ticket = self.store.begin(request.block)

    def _begin_and_delay(self, request: Request) -> None:
        self._begin(request)
        self._delay(request)

    def _note(self, request: Request) -> None:
        self.store.note(request.block)
        self._fail(request)

    def _tick(self, worker: Worker) -> None:
        worker.loop.pass_time()
        self._adrift = [request for request in self._adrift if not _is_past(request, worker)]
        worker.run("time")

    def _kill(self, worker: Worker) -> None:
        worker.loop.kill()
        del self.workers[worker.name]
        self._dead.append(worker.name)
        self._let_drift(worker.requests)

    def _let_drift(self, requests: Sequence[Request]) -> None:
        self._adrift += [request for request in requests if request.name in WRITES - {"publish"}]

    def _restart(self, name: str) -> None:
        """Start a process again, under a new name in the group; the old one is not heard of any more."""
        self._dead.remove(name)
        if self.broker.is_member(name):
            self.broker.expel(name)
        self._start(f"{name}+")

    def _start(self, name: str) -> None:
        self.workers[name] = Worker(name, self.broker, self.store, self._makes)
        self.workers[name].start()

    def _state(self) -> tuple[object, ...]:
        return (
            self.faults,
            tuple(self._dead),
            tuple((worker.name, worker.history) for worker in self.workers.values()),
            tuple((str(request), request.ticket is not None) for request in self._requests()),
            frozenset((str(request), request.ticket is not None) for request in self._adrift),
            self.broker.state(),
            self.store.state(),
        )


def _is_past(request: Request, worker: Worker) -> bool:
    """Say whether a commit was given up so long ago that the broker has it or never will."""
    return (
        request.name == "commit"
        and request.worker == worker.name
        and worker.loop.time() - request.given_up_s >= UNANSWERED_COMMIT_S
    )


def _weights(options: Sequence[Option]) -> list[float]:
    return [FAULT if option.fault else 1.0 for option in options]

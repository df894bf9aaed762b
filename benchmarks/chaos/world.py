"""The world that is broken: a real Kafka and ClickHouse under their supervisor, workers and producers."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from benchmarks.chaos.plan import PRODUCERS, WORKERS
from benchmarks.chaos.processes import Kept, Probe, Roll, module_of_ours, wait_for_end
from benchmarks.chaos.producer import DRAINED_WITHIN_S, Task, Way
from benchmarks.chaos.proxy import BrokerProxy, StoreProxy
from earwitness.devstack import control, family, leftovers, lock, ports, state
from earwitness.devstack.children import ChildSpec
from earwitness.devstack.layout import Layout, layout_of
from earwitness.devstack.lock import Holder
from earwitness.devstack.ports import HOST, Ports
from earwitness.devstack.supervisor import Options
from earwitness.settings import Settings
from models.errors import StackUnavailable

WATCHED_EVERY_S: Final = 0.05
START_TRIES: Final = 5
RETRIED_AFTER_S: Final = 2.0
LET_GO_WITHIN_S: Final = 10.0
"""How long a supervisor that was killed may take to be gone."""

STOPPED_WITHIN_S: Final = 40.0
PRODUCER_STOP_S: Final = 25.0
GUESTS: Final = ("worker-4",)
"""Workers that join for a while."""

LONGEST_START_S: Final = 120.0

_WAYS: Final[Mapping[str, Way]] = {"sdk": "sdk", "bulk": "bulk", "direct": "direct"}

_SERVERS: Final = ("kafka", "clickhouse")

Say = Callable[[str], None]


class World:
    """Starts everything, gives a hold on each process, and stops everything.

    `per_second` are the accesses that one producer sends, by the way it sends them.
    """

    def __init__(
        self, folder: Path, ports: Mapping[str, int], per_second: Mapping[str, float], say: Say
    ) -> None:
        self.folder = folder
        self.per_second = per_second
        self.store_proxy = StoreProxy(lambda: self._ports.clickhouse)
        self.broker_proxy = BrokerProxy(lambda: self._ports.kafka)
        self.kept: dict[str, Kept] = {}
        self.supervisor_starting = False
        self._options = Options(data_dir=folder / "stack", workers=0, ports=dict(ports))
        self._layout: Layout = layout_of(self._options.data_dir)
        self._threads = ThreadPoolExecutor(len(WORKERS) + len(GUESTS), thread_name_prefix="probe")
        self._roll = Roll(folder / "processes.jsonl")
        self._say = say
        self._watching: asyncio.Task[None] | None = None
        self._settings: dict[str, Settings] = {}

    @property
    def _ports(self) -> Ports:
        return state.read(self._layout.root).ports

    @property
    def stack(self) -> Path:
        """The data folder of Kafka and ClickHouse."""
        return self._layout.root

    def settings(self, role: str) -> Settings:
        """Give the settings of a process in that role, which goes straight to the servers.

        They stay as they are for as long as the stack does, so they can be had while its supervisor is dead.
        """
        if role not in self._settings:
            self._settings[role] = state.settings_for(self._layout.root, role)
        return self._settings[role]

    def clean(self) -> None:
        """End whatever a campaign before this one left running here, also what it had put to sleep."""
        _wake(self._layout)
        ended = self._roll.end_all()
        if ended:
            self._say(f"ended {ended} processes of a campaign that was killed")
        control.stop(self._layout, self._say)

    async def start(self, *, between_broker: bool) -> None:
        """Start the servers and the workers, and wait until all work."""
        control.fetch_kafka(Settings().maven_url, self._say)
        await self._start_supervisor()
        for name in (*WORKERS, *GUESTS):
            self.kept[name] = Kept(await self._worker(name, between_broker=between_broker), self._roll)
            self.kept[name].wanted = name not in GUESTS
        self._watching = asyncio.create_task(self._watch())
        await self.settled()

    async def stop(self) -> None:
        """Stop everything."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        wait_for_end(list(self.kept.values()), STOPPED_WITHIN_S)
        await self.store_proxy.close()
        await self.broker_proxy.close()
        _wake(self._layout)
        await asyncio.to_thread(control.stop, self._layout, self._say)
        self._roll.end_all()
        self._threads.shutdown()

    async def settled(self) -> None:
        """Wait until every process that is wanted does its work. Raises `StackUnavailable`."""
        deadline = time.monotonic() + LONGEST_START_S
        while not self._all_well():
            if time.monotonic() > deadline:
                raise StackUnavailable(
                    f"not everything works after {LONGEST_START_S:.0f} s: {self.troubles()}"
                )
            await asyncio.sleep(WATCHED_EVERY_S)

    async def busy(self, within_s: float) -> None:
        """Wait until every worker has stored and every producer was told something; not for ever."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if all(self.is_working(name) for name in (*WORKERS, *PRODUCERS)):
                return
            await asyncio.sleep(WATCHED_EVERY_S)

    def troubles(self) -> str:
        """Name what does not work now."""
        down = [each.name for each in self.kept.values() if each.wanted and not each.ready]
        return ", ".join([*down, *(part.name for part in self._servers() if not part.ready)])

    def is_working(self, target: str) -> bool:
        """Whether a target runs and has done some of its work: a worker stored, a producer was told."""
        return self.process(target) is not None and self._is_ready(target)

    def is_starting(self, target: str) -> bool:
        """Whether a target runs and does not work yet."""
        return self.process(target) is not None and not self._is_ready(target)

    def is_steady(self, for_s: float) -> bool:
        """Whether Kafka and ClickHouse work, and were started so long ago."""
        begun = [part.created_at for part in self._servers() if part.created_at]
        well = self._servers_work() and not self.supervisor_starting
        return well and time.time() - max(begun, default=0.0) > for_s

    def process(self, target: str) -> psutil.Process | None:
        """Give the process of a target that runs now."""
        if target in self.kept:
            return self.kept[target].process
        holder: Holder | None = None
        if target == "supervisor":
            holder = lock.last_holder(self._layout) if lock.is_held(self._layout) else None
        else:
            recorded = state.recorded(self._layout)
            for part in recorded.processes if recorded else ():
                if part.name == target and part.pid and part.created_at:
                    holder = Holder(part.pid, part.created_at)
        return leftovers.same_process(holder) if holder else None

    def send(self, target: str, number: signal.Signals) -> bool:
        """Send a target a signal; False where it does not run."""
        if target in self.kept:
            return self.kept[target].send(number)
        process = self.process(target)
        if process is None:
            return False
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
            return True
        return False

    async def revive_supervisor(self) -> None:
        """Start the supervisor again, which ends what the one before it left."""
        self.supervisor_starting = True
        try:
            for _ in range(int(LET_GO_WITHIN_S / WATCHED_EVERY_S)):
                if not lock.is_held(self._layout):
                    break
                await asyncio.sleep(WATCHED_EVERY_S)
            await self._start_supervisor()
        finally:
            self.supervisor_starting = False

    def start_producers(self, folder: Path, round_number: int, seed: int) -> None:
        """Have the producers send the accesses of a round."""
        for at, name in enumerate(PRODUCERS):
            way = _WAYS[name.rpartition("-")[0]]
            task = Task(
                name=name,
                way=way,
                per_second=self.per_second["sdk" if way == "sdk" else "bulk"],
                round_number=round_number,
                seed=seed + at,
                folder=folder,
                spool=self._spool(name),
                ready_file=self._layout.run / f"{name}.ready",
            )
            self.kept[name] = Kept(self._producer(task), self._roll, task.ready_file)

    async def stop_producers(self) -> None:
        """Have the producers finish what is under way."""
        producers = [self.kept[name] for name in PRODUCERS if name in self.kept]
        for each in producers:
            each.wanted = False
            each.send(signal.SIGCONT)
            each.send(signal.SIGTERM)
        running = [process for each in producers if (process := each.process)]
        await asyncio.to_thread(psutil.wait_procs, running, PRODUCER_STOP_S)
        for each in producers:
            each.send(signal.SIGKILL)

    def _is_ready(self, target: str) -> bool:
        if target in self.kept:
            return self.kept[target].ready and not self._is_idle(target)
        if target == "supervisor":
            return not self.supervisor_starting
        recorded = state.recorded(self._layout)
        return any(part.name == target and part.ready for part in (recorded.processes if recorded else ()))

    def _is_idle(self, target: str) -> bool:
        """Whether a worker has stored nothing since it was started."""
        process = self.process(target)
        if target not in WORKERS or process is None:
            return False
        return self.store_proxy.stored_at.get(target, 0.0) < process.create_time()

    async def empty_spools(self, folder: Path) -> list[str]:
        """Have sent what killed producers left on disk; name the spools that still hold something."""
        names = [name for name in PRODUCERS if self._spool(name).exists()]
        ended = await asyncio.gather(*(asyncio.to_thread(self._drain, name, folder) for name in names))
        return [name for name, code in zip(names, ended, strict=True) if code]

    def _drain(self, name: str, folder: Path) -> int:
        task = Task(
            name=name,
            way="drain",
            per_second=0,
            round_number=0,
            seed=0,
            folder=folder,
            spool=self._spool(name),
            ready_file=self._layout.run / f"{name}.ready",
        )
        spec = self._producer(task)
        with spec.log.open("ab") as log:
            return subprocess.run(
                spec.command,
                cwd=spec.folder,
                env=dict(spec.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=DRAINED_WITHIN_S + PRODUCER_STOP_S,
                check=False,
            ).returncode

    def _producer(self, task: Task) -> ChildSpec:
        command = ("benchmarks.chaos.producer", task.model_dump_json())
        environment = {**os.environ, **self._producer_kafka()}
        spec = module_of_ours(task.name, command, environment, self._layout.log(task.name), PRODUCER_STOP_S)
        return spec._replace(is_ready=task.ready_file.exists)

    def _spool(self, name: str) -> Path:
        return self.folder / "spools" / name

    async def _watch(self) -> None:
        while True:
            for each in list(self.kept.values()):
                each.watch(time.monotonic())
            await asyncio.sleep(WATCHED_EVERY_S)

    def _all_well(self) -> bool:
        return self._servers_work() and all(each.ready for each in self.kept.values() if each.wanted)

    def _servers_work(self) -> bool:
        servers = self._servers()
        return len(servers) == len(_SERVERS) and all(part.ready for part in servers)

    def _servers(self) -> list[state.ProcessState]:
        """Give what the supervisor says of those that must work; others of its children only look on."""
        return [part for part in state.read(self._layout.root).processes if part.name in _SERVERS]

    async def _start_supervisor(self) -> None:
        for tries_left in reversed(range(START_TRIES)):
            try:
                await asyncio.to_thread(control.start_detached, self._options)
            except StackUnavailable as error:
                if not tries_left:
                    raise
                self._say(f"{error}; starting it again")
                await asyncio.sleep(RETRIED_AFTER_S)
            else:
                return

    async def _worker(self, name: str, *, between_broker: bool) -> ChildSpec:
        spec = family.worker(self._layout, self._ports, int(name.rpartition("-")[2]), *ports.free(1))
        ways = {"EARWITNESS_CLICKHOUSE__PORT": str(await self.store_proxy.serve(name))}
        if between_broker:
            ways["EARWITNESS_KAFKA__BOOTSTRAP"] = f"{HOST}:{await self.broker_proxy.serve(name)}"
        probe = Probe(spec.is_ready, self._threads)
        return spec._replace(environment={**spec.environment, **ways}, is_ready=probe, trouble=None)

    def _producer_kafka(self) -> dict[str, str]:
        kafka = self.settings("producer").kafka
        return {
            "EARWITNESS_KAFKA__BOOTSTRAP": kafka.bootstrap,
            "EARWITNESS_KAFKA__USERNAME": kafka.username,
            "EARWITNESS_KAFKA__PASSWORD_FILE": str(self._layout.secrets / f"kafka-{kafka.username}"),
        }


def _wake(layout: Layout) -> None:
    """Have whatever sleeps of a stack go on: a process that is asked to end cannot do so asleep."""
    holders = [holder] if (holder := lock.last_holder(layout)) else []
    with suppress(StackUnavailable):
        recorded = state.recorded(layout)
        parts = recorded.processes if recorded else ()
        holders += [Holder(part.pid, part.created_at) for part in parts if part.pid and part.created_at]
    for process in map(leftovers.same_process, holders):
        if process is not None:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

"""Checks of one embedded stack: its folder, its processes, and whether each part answers as it should."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import httpx

from earwitness.cli import wiring
from earwitness.cli.spans import in_words
from earwitness.devstack import leftovers, lock, ports, state
from earwitness.devstack.checks import Check, fail, ok, warn
from earwitness.devstack.freshness import ask_registers
from earwitness.devstack.layout import FOLDER_MODE, SECRET_MODE, Layout
from earwitness.devstack.provision import TOPICS, kafka_admin, wrong_configs
from earwitness.devstack.state import StackState
from earwitness.devstack.users import secret_names
from earwitness.settings import Settings
from models.errors import PipelineError, StackUnavailable
from sinks.clickhouse import schema
from sinks.clickhouse.client import ClickHouse

API_TIMEOUT_S: Final = 5.0


def check_stack(layout: Layout) -> Iterator[Check]:
    """Look at the stack of a data folder, as deep as it runs."""
    if not layout.root.exists():
        yield warn("stack", f"there is none in {layout.root}", "start one with `earwitness up`")
        return
    yield _folder(layout)
    yield _secrets(layout)
    try:
        current = state.read(layout.root)
    except StackUnavailable as error:
        yield warn("stack", str(error), "start it with `earwitness up`")
        return
    if not current.running:
        yield from _at_rest(layout, current)
        return
    yield from _processes(current)
    try:
        admin = state.settings_for(layout.root, "admin")
    except StackUnavailable as error:
        yield fail("settings", str(error), "see the checks above")
        return
    yield from check_services(admin)


def check_services(settings: Settings) -> Iterator[Check]:
    """Ask Kafka, ClickHouse and the API, as the user whom the settings name."""
    yield from _kafka(settings)
    yield from _clickhouse(settings)
    answers = _api(settings)
    yield answers
    if answers.outcome == "ok":
        yield _registers(settings)


def _folder(layout: Layout) -> Check:
    mode = stat.S_IMODE(layout.root.stat().st_mode)
    if mode != FOLDER_MODE:
        return fail("data folder", f"{layout.root} has mode {mode:04o}", f"chmod 700 {layout.root}")
    return ok("data folder", str(layout.root))


def _secrets(layout: Layout) -> Check:
    wrong = [name for name in secret_names() if _secret_fault(layout.secrets / name)]
    if not wrong:
        return ok("secrets", f"{len(secret_names())} files, for their owner alone")
    faults = ", ".join(f"{name} ({_secret_fault(layout.secrets / name)})" for name in wrong)
    return fail(
        "secrets",
        faults,
        f"chmod 600 {layout.secrets}/*; `up` makes a missing one, but Kafka's need a new data folder",
    )


def _secret_fault(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return error.strerror or "cannot be read"
    return "" if mode == SECRET_MODE else f"mode {mode:04o}"


def _at_rest(layout: Layout, current: StackState) -> Iterator[Check]:
    if current.phase == "failed":
        yield fail("stack", f"did not start: {current.problem}", f"see {layout.logs} and `earwitness up`")
    elif state.was_killed(layout):
        yield fail("stack", str(current.problem), "run `earwitness up` or `earwitness down`")
    else:
        yield warn("stack", "is not running", "start it with `earwitness up`")
    found = [] if lock.is_held(layout) else leftovers.find(layout)
    if found:
        pids = ", ".join(str(process.pid) for process in found)
        yield fail("leftovers", f"still running: pid {pids}", "stop them with `earwitness down`")
    else:
        yield ok("leftovers", "nothing is left running")
    taken = [str(port) for port in current.ports.model_dump().values() if not ports.is_free(port)]
    if taken:
        yield warn("ports", f"taken meanwhile: {', '.join(taken)}", "`earwitness up` takes others")
    else:
        yield ok("ports", "free")


def _processes(current: StackState) -> Iterator[Check]:
    if current.ready:
        yield ok("stack", f"ready, supervisor pid {current.supervisor_pid}")
    else:
        yield fail("stack", current.problem or current.phase, "wait, or see `earwitness status`")
    for process in current.processes:
        detail = f"pid {process.pid}, started again {process.restarts} times"
        if not process.ready:
            why = f"is not ready: {process.trouble}" if process.trouble else "is not ready"
            yield fail(process.name, f"{detail}; {why}", f"see its log in {current.data_dir}/logs")
        elif process.restarts:
            yield warn(process.name, f"{detail}; last: {process.last_exit}", "see its log if that goes on")
        else:
            yield ok(process.name, f"pid {process.pid}")


def _kafka(settings: Settings) -> Iterator[Check]:
    try:
        with kafka_admin(settings.kafka) as admin:
            present = set(admin.list_topics())
            yield ok("kafka answers", f"{settings.kafka.bootstrap}, {len(present)} topics")
            absent = [topic.name for topic in TOPICS if topic.name not in present]
            wrong = {
                topic.name: faults
                for topic in TOPICS
                if topic.name in present and (faults := wrong_configs(admin, topic))
            }
    except PipelineError as error:
        yield fail("kafka answers", str(error), "see logs/kafka.log, or the address and password set for it")
        return
    if absent or wrong:
        found = [f"{name} is missing" for name in absent]
        found += [f"{name} has {_listed(faults)}" for name, faults in wrong.items()]
        yield fail("topics", "; ".join(found), "`earwitness down` and `up` brings them in line")
    else:
        yield ok("topics", ", ".join(topic.name for topic in TOPICS))


def _listed(configs: Mapping[str, str | None]) -> str:
    return ", ".join(f"{key}={value}" for key, value in configs.items())


def _clickhouse(settings: Settings) -> Iterator[Check]:
    address = wiring.clickhouse(settings.clickhouse)
    client = ClickHouse(address)
    try:
        client.execute("SELECT 1")
        yield ok("clickhouse answers", f"{address.host}:{address.port} as {address.user}")
        pending = schema.pending(address)
    except PipelineError as error:
        yield fail("clickhouse answers", str(error), "see logs/clickhouse.log, or its address and password")
        return
    finally:
        client.close()
    if pending:
        numbers = ", ".join(map(str, pending))
        yield fail("migrations", f"not applied, or changed since: {numbers}", "run `earwitness migrate`")
    else:
        yield ok("migrations", "all applied")


def _api(settings: Settings) -> Check:
    url = (settings.api.url or f"http://{settings.api.host}:{settings.api.port}").rstrip("/")
    try:
        answer = httpx.get(f"{url}/healthz", timeout=API_TIMEOUT_S, trust_env=False)
    except httpx.HTTPError as error:
        return fail("api answers", f"{url}: {type(error).__name__}: {error}", "see logs/api.log")
    if not answer.is_success:
        return fail("api answers", f"{url}/healthz: HTTP {answer.status_code}", "see logs/api.log")
    return ok("api answers", url)


def _registers(settings: Settings) -> Check:
    """Look for registers that are silent: not our fault, and yet verdicts suffer from it."""
    try:
        registers = ask_registers(settings.api)
    except StackUnavailable as error:
        return fail("registers", str(error), "see logs/api.log, or the address and token set for it")
    silent = [register for register in registers if register["overdue"]]
    if silent:
        detail = ", ".join(f"{one['name']} is overdue by {in_words(one['overdue_s'])}" for one in silent)
        return warn("registers", detail, "docs/runbooks/register-overdue.md says what to do")
    if not registers:
        return ok("registers", "none beats, so none can be overdue")
    return ok("registers", f"{len(registers)}, none overdue")

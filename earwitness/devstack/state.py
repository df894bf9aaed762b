"""What a stack says of itself, and how a command finds it and with which settings.

Needs none of the embedded stack's own packages: commands import it wherever they run.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from earwitness import settings
from earwitness.devstack import preflight
from earwitness.devstack.layout import Layout, layout_of, write_private
from earwitness.devstack.lock import is_held
from earwitness.devstack.ports import HOST, Ports
from earwitness.devstack.users import API_TOKEN, ROLES, SCOPES, read_secret
from earwitness.settings import ApiSettings, ClickHouseSettings, KafkaSettings, Settings
from models.errors import StackUnavailable

DEFAULT_DATA_DIR: Final = Path(".earwitness")
ELSEWHERE: Final = (
    "EARWITNESS_KAFKA__BOOTSTRAP",
    "EARWITNESS_CLICKHOUSE__HOST",
    "EARWITNESS_API__URL",
)
"""One of these in the environment means: the stack is not an embedded one."""

Phase = Literal["starting", "ready", "degraded", "stopping", "failed", "stopped"]


class ProcessState(BaseModel):
    """One child of the supervisor. `pid` is None while it waits to be started again."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int | None
    address: str | None
    created_at: float | None
    ready: bool
    restarts: int
    last_exit: str | None
    trouble: str | None = None
    """What keeps it from its work, as it says itself."""


class StackState(BaseModel):
    """One stack as its supervisor last described it; `phase` is `stopped` where none runs."""

    model_config = ConfigDict(frozen=True)

    phase: Phase
    problem: str | None
    data_dir: Path
    supervisor_pid: int
    ports: Ports
    processes: tuple[ProcessState, ...]

    @property
    def ready(self) -> bool:
        """Whether every part answers."""
        return self.phase == "ready"

    @property
    def running(self) -> bool:
        """Whether a supervisor is at work."""
        return self.phase not in {"failed", "stopped"}

    @property
    def kafka(self) -> str:
        """Kafka's host:port."""
        return f"{HOST}:{self.ports.kafka}"

    @property
    def clickhouse(self) -> str:
        """ClickHouse's host:port, native protocol."""
        return f"{HOST}:{self.ports.clickhouse}"

    @property
    def api(self) -> str:
        """The URL of the read API."""
        return f"http://{HOST}:{self.ports.api}"


def write(layout: Layout, state: StackState) -> None:
    """Publish what the supervisor knows; readers see the old or the new, never half."""
    write_private(layout.state, state.model_dump_json(indent=1) + "\n")


def recorded(layout: Layout) -> StackState | None:
    """Give what was last written, whether or not its supervisor still runs; None where nothing was.

    Raises `StackUnavailable` where what is there cannot be understood.
    """
    try:
        return StackState.model_validate_json(layout.state.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise StackUnavailable(
            f"{layout.state} cannot be read ({type(error).__name__}); `earwitness up` writes it anew"
        ) from error


def read(data_dir: Path) -> StackState:
    """Give the present state of the stack of a data folder.

    Raises `StackUnavailable` where the folder holds no stack.
    """
    layout = layout_of(data_dir)
    state = recorded(layout)
    if state is None:
        raise StackUnavailable(f"there is no stack in {layout.root}: start one with `earwitness up`")
    found: dict[str, object] = {"data_dir": layout.root}
    if state.running and not is_held(layout):
        found["phase"] = "stopped"
        found["processes"] = ()
        found["problem"] = (
            f"its supervisor (pid {state.supervisor_pid}) was killed; `earwitness up` cleans up and "
            "starts it again, `earwitness down` only cleans up"
        )
    elif state.running and (full := preflight.full_folder(layout)):
        # What was written last may be out of date: there may be no room for anything newer.
        found["phase"] = "degraded"
        found["problem"] = f"the disk of {full} is full: make room, and the stack recovers by itself"
    return state.model_copy(update=found)


def was_killed(layout: Layout) -> bool:
    """Say whether the last supervisor of this folder never said that it ended.

    Call it where none runs.
    """
    try:
        last = recorded(layout)
    except StackUnavailable:
        return False
    return last is not None and last.running


def mark_stopped(layout: Layout) -> None:
    """Write down that nothing runs here any more, in place of a supervisor that was killed."""
    last = recorded(layout)
    if last:
        write(layout, last.model_copy(update={"phase": "stopped", "problem": None, "processes": ()}))


def settings_for(data_dir: Path, role: str, base: Settings | None = None) -> Settings:
    """Give the settings of a process of the embedded stack in that role (`users.ROLES`).

    Raises `StackUnavailable` where no stack runs there, or its secrets cannot be read.
    """
    state = read(data_dir)
    if not state.running:
        raise StackUnavailable(
            f"the stack in {state.data_dir} is not running: {state.problem or 'it was stopped'}; "
            "start it with `earwitness up`"
        )
    try:
        return _settings(state, role, base or Settings())
    except OSError as error:
        raise StackUnavailable(
            f"a secret of the stack in {state.data_dir} cannot be read: {error.strerror}: {error.filename}"
        ) from error


def resolve(data_dir: Path | None, role: str, environ: Mapping[str, str] | None = None) -> Settings:
    """Find the stack that a command is to use.

    An explicit data folder wins; then addresses in the environment; then the stack in `.earwitness`.
    Raises `StackUnavailable` that says what to do where there is none.
    """
    environ = os.environ if environ is None else environ
    base = settings.load(environ)
    if data_dir is not None:
        return settings_for(data_dir, role, base)
    if any(name in environ for name in ELSEWHERE):
        return base
    return settings_for(base.data_dir, role, base)


def _settings(state: StackState, role: str, base: Settings) -> Settings:
    layout = layout_of(state.data_dir)
    user = ROLES[role]
    kafka = KafkaSettings(
        bootstrap=state.kafka,
        username=user.kafka,
        password=_secret(layout, f"kafka-{user.kafka}"),
    )
    clickhouse = ClickHouseSettings(
        host=HOST,
        port=state.ports.clickhouse,
        # A stack of before exports has none; whoever asks for one is told that nothing answers there.
        http_port=state.ports.clickhouse_http or base.clickhouse.http_port,
        username=user.clickhouse or "",
        password=_secret(layout, f"clickhouse-{user.clickhouse}") if user.clickhouse else SecretStr(""),
        reader_password=_secret(layout, "clickhouse-earwitness_reader"),
        scopes_password=_secret(layout, f"clickhouse-{SCOPES}"),
    )
    api = base.api.model_copy(
        update={
            "host": HOST,
            "port": state.ports.api,
            "url": state.api,
            "token": _secret(layout, API_TOKEN),
        }
    )
    parts: dict[str, KafkaSettings | ClickHouseSettings | ApiSettings | Path] = {
        "kafka": kafka,
        "clickhouse": clickhouse,
        "api": api,
        "data_dir": state.data_dir,
    }
    return base.model_copy(update=parts)


def _secret(layout: Layout, name: str) -> SecretStr:
    return SecretStr(read_secret(layout, name))

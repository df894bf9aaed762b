"""What a killed supervisor left running, told apart from strangers that got the same process ids."""

from collections.abc import Callable
from typing import Final

import psutil

from earwitness.devstack import state
from earwitness.devstack.layout import Layout
from earwitness.devstack.lock import Holder
from models.errors import StackUnavailable

CLOCK_SLACK_S: Final = 2.0
"""The start time of a process is counted from the boot time, which a clock that is set moves."""

STOP_LIMIT_S: Final = 10.0
KILL_LIMIT_S: Final = 5.0


def find(layout: Layout) -> list[psutil.Process]:
    """List the processes of the last supervisor of this folder that still run.

    Call it where no supervisor runs: otherwise they are its children.
    """
    try:
        last = state.recorded(layout)
    except StackUnavailable:
        return []
    children = last.processes if last else ()
    holders = [Holder(child.pid, child.created_at) for child in children if child.pid and child.created_at]
    found = [same_process(holder) for holder in holders]
    return [process for process in found if process and _is_ours(process, layout)]


def remove(layout: Layout, report: Callable[[str], None]) -> None:
    """Stop the leftovers: ask, wait, insist. Raises `StackUnavailable` where one cannot be stopped."""
    found = find(layout)
    try:
        for process in found:
            report(f"stopping pid {process.pid}, which a killed supervisor left running")
            process.terminate()
        _, stubborn = psutil.wait_procs(found, timeout=STOP_LIMIT_S)
        for process in stubborn:
            process.kill()
        _, immortal = psutil.wait_procs(stubborn, timeout=KILL_LIMIT_S)
    except psutil.AccessDenied as error:
        raise StackUnavailable(
            f"pid {error.pid}, left by a killed supervisor of {layout.root}, belongs to another user: "
            "stop it first"
        ) from error
    if immortal:
        raise StackUnavailable(f"pid {immortal[0].pid}, left by a killed supervisor, cannot be stopped")


def same_process(holder: Holder) -> psutil.Process | None:
    """Give the process only if it started when the one meant did: ids are used again."""
    try:
        process = psutil.Process(holder.pid)
        same = abs(process.create_time() - holder.created_at) <= CLOCK_SLACK_S
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _is_ours(process: psutil.Process, layout: Layout) -> bool:
    """Every child of a stack names its data folder or our command line in its arguments."""
    try:
        command = "\n".join(process.cmdline())
    except psutil.Error:
        return False
    return str(layout.root) in command or "earwitness.cli.main" in command

"""`earwitness status`: what runs, where, and how to reach it."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from earwitness import settings
from earwitness.cli import wiring
from earwitness.cli.output import tell
from earwitness.cli.register_freshness import lateness, summary
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack import state
from earwitness.devstack.freshness import ask_registers
from earwitness.devstack.state import StackState
from models.errors import StackUnavailable

Json = dict[str, Any]


@click.command()
@data_dir_option
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def status(data_dir: Path | None, output: str) -> None:
    """Show the processes of the stack and their addresses; exit 1 unless every one is ready.

    \b
    Examples:
      earwitness status
      earwitness status --output json

    An overdue register is shown and warned of, but the stack is ready all the same. In JSON `registers`
    is null where they could not be asked.
    """
    current = state.read(data_dir or settings.load().data_dir)
    registers = _registers(current)
    if output == "json":
        click.echo(json.dumps(_as_json(current, registers), indent=2))
    else:
        _show(current, registers)
    for register in registers or ():
        if register["overdue"]:
            tell(f"warning: register {register['name']} is {lateness(register)}")
    sys.exit(0 if current.ready else 1)


def _registers(current: StackState) -> list[Json] | None:
    """Ask how the registers are; None where the stack cannot tell."""
    if not current.running or not all(process.ready for process in current.processes):
        return None
    try:
        return ask_registers(state.settings_for(current.data_dir, "api").api)
    except StackUnavailable as error:
        tell(f"the registers could not be asked: {error}")
        return None


def _as_json(current: StackState, registers: list[Json] | None) -> Json:
    answer: Json = {
        "ready": current.ready,
        "phase": current.phase,
        "problem": current.problem,
        "data_dir": str(current.data_dir),
        "supervisor_pid": current.supervisor_pid if current.running else None,
        "processes": [process.model_dump() for process in current.processes],
        "kafka": current.kafka,
        "clickhouse": current.clickhouse,
        "api": current.api,
        "registers": registers,
    }
    if current.running:
        admin = state.settings_for(current.data_dir, "admin")
        answer["kafka_client"] = wiring.kafka(admin.kafka).arguments()
        answer["clickhouse_client"] = {
            "host": admin.clickhouse.host,
            "port": admin.clickhouse.port,
            "user": admin.clickhouse.username,
            "password": admin.clickhouse.password.get_secret_value(),
            "database": admin.clickhouse.database,
        }
    return answer


def _show(current: StackState, registers: list[Json] | None) -> None:
    click.echo(f"{current.phase}: {current.data_dir}")
    if current.problem:
        click.echo(f"  {current.problem}")
    for process in current.processes:
        line = f"  {process.name:<12} pid {process.pid or '-':<8} {process.address or '':<22}"
        if process.restarts:
            line += f" restarted {process.restarts} times; last: {process.last_exit}"
        click.echo(line.rstrip())
        if process.trouble:
            click.echo(f"  {'':<12} not ready: {process.trouble}")
    if registers:
        click.echo(f"  {'registers':<12} {summary(registers)}")

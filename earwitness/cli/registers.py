"""`earwitness registers`: evidence out of the files of other systems, told to the registers."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, get_args

import click

from earwitness import settings
from earwitness.cli.client import ApiClient
from earwitness.cli.held import read_all, read_held
from earwitness.cli.loading import Loading, Output, Result, Telling
from earwitness.cli.pseudonyms import pseudonym_option, read_pseudonyms
from earwitness.cli.register_freshness import beat, list_, retire
from earwitness.cli.rows import Told
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.state import resolve
from earwitness.query.moments import parse_moment
from earwitness.register_files import read_file, read_register, read_registers
from earwitness.registers.config import Register
from earwitness.registers.directory import (
    DIRECTORY_ORIGIN,
    LARGEST_SHARE_PERCENT,
    Directory,
    SyncPlan,
    objection_to,
    sync_plan,
)
from earwitness.registers.mapping import RegisterMapping, parse_mapping
from earwitness.registers.plan import plan_of
from earwitness.registers.reading import Hide, Reader
from models.errors import ConfigurationError
from models.evidence import KINDS_WITH_ALIASES, EvidenceKind

LOAD_ORIGINS: Final = ("import", "register", "manual", "actor_statement")
DIRECTORY_KINDS: Final = [kind for kind in get_args(EvidenceKind) if kind in KINDS_WITH_ALIASES]
"""Kinds of which a directory can be the whole truth: they say who somebody is."""

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_ROWS = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
_Command = TypeVar("_Command", bound=Callable[..., Any])


def _writing_options(command: _Command) -> _Command:
    for option in (
        click.option(
            "--output", type=click.Choice(["text", "json"]), default="text", help="How the result is told."
        ),
        data_dir_option,
        pseudonym_option,
        click.option("--dry-run", is_flag=True, help="Publish nothing; say what would change."),
        click.option(
            "--register", metavar="NAME", help="Tell as this register, and nothing that it may not tell."
        ),
        click.option("--mapping", required=True, type=_FILE, help="What the columns or keys stand for."),
    ):
        command = option(command)
    return command


@click.group()
def registers() -> None:
    """Bring evidence in from ticket systems, contracts and directories; see which of them still tell.

    \b
    Examples:
      earwitness registers list
      earwitness registers load tickets.csv --mapping examples/registers/tickets.toml
    """


@registers.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...|-", type=_ROWS)
@_writing_options
def load(
    files: tuple[str, ...],
    mapping: Path,
    register: str | None,
    dry_run: bool,  # noqa: FBT001 - click passes it by name
    output: Output,
    **places: Path | None,
) -> None:
    """Load CSV or JSON lines: tell the registers what differs from what they hold.

    \b
    Examples:
      earwitness registers load tickets.csv --mapping examples/registers/tickets.toml --dry-run
      earwitness registers load contracts.jsonl --mapping contracts.toml --register procurement

    A row that gives no record is named by file, line and field; the others go on, and the exit code
    is 1. Loading a file again changes nothing. docs/registers.md explains mappings.

    """
    read = parse_mapping(read_file(mapping), str(mapping), origins=LOAD_ORIGINS)
    asked = _register(register)
    told = Told(Reader(read, {"origin": "import"}, asked, _hide(places)))
    told.read(files)
    records = told.records
    with ApiClient(resolve(places["data_dir"], "api").api) as api:
        held = read_held(api, [record.ref for record in records], read.ref_prefix)
        telling = Telling("evidence.load", _what(register, files), asked, dry_run=dry_run)
        Loading(api, places["data_dir"], held, telling).run(plan_of(records, held)).report(told, output)


@registers.command()
@click.argument("file", metavar="FILE|-", type=_ROWS)
@click.option(
    "--kind", type=click.Choice(DIRECTORY_KINDS), help="What the file lists.  [default: the mapping's]"
)
@click.option(
    "--at", "moment", metavar="TIME", help="When the file was true: leavers left then.  [default: now]"
)
@click.option(
    "--allow-withdrawals", metavar="N", type=click.IntRange(0), help="Withdraw so many without asking."
)
@click.option(
    "--most-percent",
    default=LARGEST_SHARE_PERCENT,
    show_default=True,
    type=click.IntRange(0, 100),
    help="Refuse where more of those held would be withdrawn.",
)
@_writing_options
def sync(
    file: str,
    mapping: Path,
    kind: EvidenceKind | None,
    output: Output,
    **options: Any,  # noqa: ANN401 - click passes them by name
) -> None:
    """Take a file as the full list of who is here now: who is missing from it has left.

    \b
    Examples:
      earwitness registers sync staff.jsonl --mapping examples/registers/staff.toml --dry-run
      earwitness registers sync partners.csv --mapping partners.toml --kind affiliation
      earwitness registers sync staff.jsonl --mapping staff.toml --allow-withdrawals 40

    Leavers are withdrawn from now on, or from --at; what they did before stays as it was. A file with
    a row that cannot be read withdraws nobody, and one that would withdraw too many, or everybody, is
    refused as a whole unless that is confirmed.

    """
    read, listed = _directory_mapping(mapping, kind)
    directory = Directory(
        listed, read.ref_prefix, _moment(options["moment"]), dated="valid_from" in read.fields
    )
    asked = _register(options["register"])
    objection = objection_to(directory, asked, read_registers(settings.load().registers_file))
    if objection is not None:
        raise ConfigurationError([f"{mapping}: ref_prefix: {objection}"])
    defaults = {"origin": DIRECTORY_ORIGIN, "valid_from": directory.at}
    told = Told(Reader(read, defaults, asked, _hide(options)))
    told.read([file])
    with ApiClient(resolve(options["data_dir"], "api").api) as api:
        held = read_all(api, read.ref_prefix)
        what = _what(options["register"], [file])
        telling = Telling("evidence.sync", what, asked, dry_run=options["dry_run"])
        loading = Loading(api, options["data_dir"], held, telling)
        plan = sync_plan(told.records, held, directory)
        limits = Limits(options["allow_withdrawals"], options["most_percent"])
        _carry_out(plan, told, loading, limits).report(told, output)


class Limits(NamedTuple):
    """How many may be withdrawn: so many that somebody named, or so large a share."""

    allowed: int | None
    most_percent: int


def _carry_out(plan: SyncPlan, told: Told, loading: Loading, limits: Limits) -> Result:
    """Tell all of a plan; nothing of one that withdraws too many; no leaver where a row is unknown."""
    if not told.records:
        return loading.refuse([], "the file lists nobody: it is taken for a broken one, whatever is allowed")
    objection = plan.leavers.objection(limits.allowed, limits.most_percent)
    if objection is not None:
        return loading.refuse(plan.present + plan.left, objection)
    if told.refused and plan.left:
        count = plan.leavers.leaving
        return loading.run(plan.present, f"{count} not withdrawn: a row that was refused may be one of them")
    return loading.run(plan.present + plan.left)


def _directory_mapping(path: Path, kind: EvidenceKind | None) -> tuple[RegisterMapping, EvidenceKind]:
    read = parse_mapping(read_file(path), str(path), wanted=(), origins=(DIRECTORY_ORIGIN,))
    if "kind" in read.fields:
        raise ConfigurationError([f"{path}: fields.kind: a directory lists one kind; say kind = '…'"])
    if kind is not None and read.kind not in (None, kind):
        raise ConfigurationError([f"{path}: kind: is {read.kind}, but --kind says {kind}"])
    chosen = kind or read.kind
    if chosen is None or chosen not in DIRECTORY_KINDS:
        raise ConfigurationError(
            [f"{path}: kind: must be one of {', '.join(DIRECTORY_KINDS)}, or name it as --kind"]
        )
    return read.model_copy(update={"kind": chosen}), chosen


def _register(name: str | None) -> Register | None:
    return None if name is None else read_register(settings.load().registers_file, name)


def _hide(options: Mapping[str, Any]) -> Hide | None:
    pseudonyms = read_pseudonyms(options["pseudonym_key_file"])
    return None if pseudonyms is None else pseudonyms.applied


def _moment(text: str | None) -> datetime:
    now = datetime.now(UTC)
    return now if text is None else parse_moment(text, now)


def _what(register: str | None, files: Iterable[str]) -> str:
    names = " ".join(files)
    return names if register is None else f"--register {register} {names}"


for command in (list_, beat, retire):
    registers.add_command(command)

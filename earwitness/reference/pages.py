"""The reference pages: settings, commands, errors, metrics and fields, each made from its code."""

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from earwitness.cli.main import earwitness
from earwitness.metrics import METRICS
from earwitness.query.language import limits
from earwitness.query.language.fields import ALIASES, FIELDS, Field, FieldKind
from earwitness.settings import CONFIG_FILE_VARIABLE, PREFIX, ROOT, Settings
from models import errors

HELP_WIDTH: Final = 96
MADE: Final = "<!-- Made by `python -m earwitness.reference`; do not edit. -->\n"

_SETTINGS_ARE_READ: Final = (
    f"A process reads its settings once, from `{PREFIX}…` variables and from the TOML file that "
    f"`{CONFIG_FILE_VARIABLE}` names; a variable beats the file. A secret can be given by the file "
    "that holds it: add `_FILE` to its variable. A setting that does not exist is a fault.\n"
)

_METRICS_ARE_SCRAPED: Final = (
    "Each process gives its own at `GET /metrics`, in the text format of Prometheus: the API on its port, "
    "behind its bearer token; workers and `reconcile --every` where `EARWITNESS_HEALTH__HOST` and `…__PORT` "
    "say, without one. `deploy/prometheus/` has a scrape configuration and alert rules. The spool of a "
    "service that records is measured by that service: `recorder.metrics()` of the SDK.\n"
)

_SCRAPED_FROM: Final = {
    "api": "The API. Where ClickHouse does not answer, the scrape fails (503), so that no old value is told.",
    "worker": "Each worker, of the partitions that it owns and since it started.",
    "reconcile": "The service `reconcile --every`, of the days that it looks at.",
}


_FIELDS_ARE_ASKED: Final = (
    "[The query language](../query-language.md) says how they are asked. Of a field that may be absent "
    '`field:""` finds the accesses without a value, and `field:*` those with one.\n'
)

_VALUES: Final[Mapping[FieldKind, str]] = {
    "text": "`text`, `begins*`",
    "list": "one of its elements: `text`, `begins*`",
    "choice": "",
    "uuid": "`0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a`, `0190b5a2*`",
    "number": "`7`, `>=7`, `3..7`",
    "flag": "`true`, `false`",
    "instant": "`2026-11-01`, `>=-7d`, `2026-11-01..2026-11-08`, `today`",
    "position": "`access.events.v1/3/1204`",
}

_LIMITS: Final = {
    "LONGEST_QUERY": "characters of a query",
    "MOST_TERMS": "terms, free texts among them",
    "MOST_VALUES": "values of one term",
    "DEEPEST_NESTING": "parentheses in each other",
    "MOST_FREE_TEXTS": "free texts",
    "SHORTEST_FREE_TEXT": "characters of a free text, at least",
    "LONGEST_FREE_TEXT": "characters of a free text, at most",
}


def settings_page() -> str:
    """Describe every setting: its variable, its place in the file, its default and its meaning."""
    lines = [MADE, "# Settings\n", _SETTINGS_ARE_READ]
    lines += ["| variable | in the file | default | meaning |", "| --- | --- | --- | --- |"]
    lines += [_setting_row(path, field) for path, field in _settings(Settings, ())]
    return "\n".join(lines) + "\n"


def setting_variables() -> list[str]:
    """Name the variable of every setting."""
    return [_variable(path) for path, _ in _settings(Settings, ())]


def commands_page() -> str:
    """Show the help of every command, as the command itself prints it."""
    parts = [MADE, "# Commands\n", "Exit 0: ok. Exit 1: something is wrong. Exit 2: bad use or settings.\n"]
    for name, text in _helps(earwitness, "earwitness", None):
        parts.append(f"## {name}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def errors_page() -> str:
    """Describe every error of models/errors.py by what its receiver must do."""
    overview = inspect.getdoc(errors) or ""
    title, _, tree = overview.partition("\n\n")
    parts = [MADE, "# Errors\n", f"{title}\n", f"```text\n{tree}\n```\n"]
    parts += [f"## {name}\n\n{inspect.getdoc(getattr(errors, name))}\n" for name in errors.__all__]
    return "\n".join(parts)


def metrics_page() -> str:
    """Describe every metric: its labels, its unit and what it means."""
    lines = [MADE, "# Metrics\n", _METRICS_ARE_SCRAPED]
    for process, metrics in METRICS.items():
        lines += [f"## {process}\n", f"{_SCRAPED_FROM[process]}\n"]
        lines += ["| metric | kind | labels | unit | meaning |", "| --- | --- | --- | --- | --- |"]
        lines += [
            f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} |"
            f" {metric.unit} | {metric.meaning} |"
            for metric in metrics
        ]
        lines.append("")
    return "\n".join(lines)


def query_page() -> str:
    """Describe every field by which the trail can be asked, and what a query may hold at most."""
    lines = [MADE, "# Fields of a query\n", _FIELDS_ARE_ASKED]
    lines += ["| field | short | kind | meaning | its values |", "| --- | --- | --- | --- | --- |"]
    lines += [_field_row(field) for field in FIELDS.values()]
    lines += ["\n## Limits\n", "| limit | |", "| --- | --- |"]
    lines += [f"| {meaning} | {getattr(limits, name):,} |" for name, meaning in _LIMITS.items()]
    return "\n".join(lines) + "\n"


def _field_row(field: Field) -> str:
    short = ", ".join(f"`{alias}`" for alias, name in ALIASES.items() if name == field.name)
    values = ", ".join(f"`{choice}`" for choice in field.choices) or _VALUES[field.kind]
    absent = "" if field.absence == "never" else "; may be absent"
    return f"| `{field.name}` | {short} | {field.kind}{absent} | {field.meaning} | {values} |"


def _settings(part: type[BaseModel], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    for name, field in part.model_fields.items():
        inner = field.annotation
        if inspect.isclass(inner) and issubclass(inner, BaseModel):
            yield from _settings(inner, (*above, name))
        else:
            yield (*above, name), field


def _variable(path: tuple[str, ...]) -> str:
    return PREFIX + "__".join(path).upper()


def _setting_row(path: tuple[str, ...], field: FieldInfo) -> str:
    variable = f"`{_variable(path)}`"
    if field.annotation is SecretStr:
        variable += f", `{_variable(path)}_FILE`"
    return f"| {variable} | `{'.'.join(path)}` | {_default(field.default)} | {field.description} |"


def _default(value: Any) -> str:  # noqa: ANN401 - a setting may be of any type
    if isinstance(value, SecretStr) or value is None:
        return "none"
    if isinstance(value, Path):
        value = value.relative_to(ROOT) if value.is_relative_to(ROOT) else value
    return f"`{value}`"


def _helps(command: click.Command, name: str, above: click.Context | None) -> Iterator[tuple[str, str]]:
    context = click.Context(
        command,
        info_name=name.rpartition(" ")[2],
        parent=above,
        terminal_width=HELP_WIDTH,
        **command.context_settings,
    )
    yield name, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None:
                yield from _helps(found, f"{name} {inner}", context)

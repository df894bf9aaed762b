"""The commands with which a person goes on after the demo."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from .alerts import AlertLine
from .labels import LabelledAccess

_BY_REASON: Final = (
    "SELECT actor_type, reason, count() AS accesses FROM trail WHERE verdict = 'unjustified' "
    "GROUP BY ALL ORDER BY accesses DESC"
)
_SPECIAL_IN_DOUBLE_QUOTES: Final = frozenset('"$`\\')


class Suggestion(NamedTuple):
    """A command, and what it is good for."""

    purpose: str
    command: str


def program() -> str:
    """Name the `earwitness` command as this person can call it from where they are."""
    beside_python = Path(sys.executable).with_name("earwitness")
    found = shutil.which("earwitness")
    if found is not None and (not beside_python.exists() or Path(found).samefile(beside_python)):
        return "earwitness"
    if not beside_python.exists():
        return f"{sys.executable} -m earwitness.cli.main"
    here = Path.cwd()
    return str(beside_python.relative_to(here) if beside_python.is_relative_to(here) else beside_python)


def command(data_dir: Path, *arguments: str) -> str:
    """Write one command as a shell takes it."""
    return " ".join((program(), *map(_quoted, (*arguments, "--data-dir", str(data_dir)))))


def _quoted(argument: str) -> str:
    """Quote for a shell; SQL, which is full of single quotes, in double ones where that is the same."""
    if "'" in argument and not set(argument) & _SPECIAL_IN_DOUBLE_QUOTES:
        return f'"{argument}"'
    return shlex.quote(argument)


def to_bring_it_back(data_dir: Path) -> Suggestion:
    """Suggest how to start the stack again."""
    return Suggestion("Bring the stack back, with all that it holds", command(data_dir, "up", "--detach"))


def to_follow(lines: Sequence[AlertLine], data_dir: Path) -> Sequence[Suggestion]:
    """Suggest how to follow an alert to the explanation, beginning with the most severe rule's largest."""
    token = f"cat {_quoted(str(data_dir / 'secrets' / 'api-token'))}"
    follow = [Suggestion("The token of this stack", token)]
    if lines:
        follow.append(
            Suggestion(
                "The most severe, to the explanation", command(data_dir, "alerts", "show", lines[0].example)
            )
        )
    return [*follow, Suggestion("All that are open", command(data_dir, "alerts", "list"))]


def to_go_on(example: LabelledAccess, data_dir: Path) -> Sequence[Suggestion]:
    """Suggest what to ask next, beginning with the access that was explained."""
    event = example.event
    words = (
        ("What nobody justified, newest first", ("search", "-verdict:justified")),
        (
            "Everything that this person did",
            ("search", f"actor:{event['actor_id']}"),
        ),
        ("The access above, whole", ("show", example.id)),
        ("Why its verdict", ("explain", example.id)),
        ("The ticket it cites", ("evidence", "get", str(event["evidence_ref"]))),
        (
            "Who touched this customer's content, when and why",
            ("report", "customer", str(event["customer_id"])),
        ),
        ("Any question, in SQL on the views", ("sql", _BY_REASON)),
        ("Stop the stack; its data stays", ("down",)),
    )
    return [Suggestion(purpose, command(data_dir, *arguments)) for purpose, arguments in words]

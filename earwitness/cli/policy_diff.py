"""`earwitness policy diff`: what another version of the policy changes, in words."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from rich.table import Table
from rich.text import Text

from earwitness.cli.output import OutputFormat, console, tell, visible, write_json, write_rows
from earwitness.cli.policy_options import Row, folder_of, not_there, output_option, policies_option
from earwitness.policy import Policy
from earwitness.policy.changes import Change
from earwitness.policy.difference import compare
from earwitness.policy_files import POLICY_FILE, read_policies, read_version
from earwitness.wording import shorten_times

CHANGE_COLUMNS: Final = ("part", "field", "effect", "before", "after", "meaning")
MARKS: Final = {
    "opens": ("+", "green"),
    "closes": ("-", "red"),
    "changes": ("~", "yellow"),
    "words": (" ", "dim"),
}
LEGEND: Final = "+ opens accesses, - closes accesses, ~ changes which"


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@policies_option
@output_option
def diff(before: str, after: str, folder: Path | None, output: OutputFormat) -> None:
    """Say what version B changes in version A, and what that means for those who touch content.

    \b
    Examples:
      earwitness policy diff 2013-02-07 2026-01-01
      earwitness policy diff 2013-02-07 drafts/privacy-policy/2026-01-01
      earwitness policy diff old/policy.toml new/policy.toml --output json

    A and B are versions in the policies folder, or paths: of a policy.toml, or of the folder it lies in.
    """
    versions = [_version(named, folder) for named in (before, after)]
    changes = compare(versions[0].document, versions[1].document)
    if output == "table":
        _show(versions, changes)
    elif output == "json":
        write_json(_as_json(versions, changes))
    else:
        write_rows((change._asdict() for change in changes), CHANGE_COLUMNS, output)


def _version(named: str, folder: Path | None) -> Policy:
    path = Path(named)
    if "/" in named or path.name == POLICY_FILE:
        return read_version(path)
    policies = read_policies(folder_of(folder))
    found = policies.version(named)
    if found is not None:
        return found
    if path.exists():
        return read_version(path)
    raise not_there(named, [policy.version for policy in policies.policies])


def _as_json(versions: Sequence[Policy], changes: Sequence[Change]) -> Row:
    before, after = (
        {"policy": version.document.policy, "version": version.version, "digest": version.digest}
        for version in versions
    )
    return {"before": before, "after": after, "changes": [change._asdict() for change in changes]}


def _show(versions: Sequence[Policy], changes: Sequence[Change]) -> None:
    before, after = (f"{version.document.policy} {version.version}" for version in versions)
    page = console()
    page.print(visible(f"from {before} to {after}", "bold"))
    if not changes:
        tell("the two say the same")
        return
    for part in dict.fromkeys(change.part for change in changes):
        of_part = [change for change in changes if change.part == part]
        page.print()
        page.print(visible(part, "bold"))
        page.print(_part_table(part, of_part))
    counted = Counter(change.effect for change in changes)
    tell(
        f"\n{counted['opens']} open, {counted['closes']} close, {counted['changes']} change,"
        f" {counted['words']} are words alone; {LEGEND}"
    )


def _part_table(part: str, changes: Sequence[Change]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True, min_width=1)
    table.add_column(overflow="fold")
    for change in changes:
        mark, style = MARKS[change.effect]
        if change.effect != "words" or change.field == "id":
            table.add_row(visible(mark, style), visible(shorten_times(change.meaning)))
    words = [change for change in changes if change.effect == "words" and change.field != "id"]
    if words:
        table.add_row("", _words(part, words))
    return table


def _words(part: str, changes: Sequence[Change]) -> Text:
    """Say in one line what is only said otherwise; `--output json` has it in full."""
    if part == "passages":
        added = sum(not change.before for change in changes)
        removed = sum(not change.after for change in changes)
        return visible(f"passages that permit no access: {added} new, {removed} gone", "dim")
    titles = [change for change in changes if change.field in ("title", "version")]
    told = [f'{change.field}: "{change.after}"' for change in titles]
    told += [change.meaning for change in changes if change.field == "quotes"]
    return visible("; ".join(told), "dim")

"""Telling the registers what a plan says, and the person at the terminal what became of it."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import click
from earwitness_sdk import Register as Publisher
from rich.table import Table
from rich.text import Text

from earwitness.cli import sdk_wiring
from earwitness.cli.client import ApiClient
from earwitness.cli.evidence_activity import EvidenceActivity
from earwitness.cli.held import VISIBLE_WITHIN_S, await_visible
from earwitness.cli.lines import ANSWERED_WITHIN_S, MOST_FAULTS, Line, Published, publish_lines
from earwitness.cli.output import console, tell, visible
from earwitness.cli.rows import Told
from earwitness.devstack.state import resolve
from earwitness.registers.config import Register
from earwitness.registers.plan import Change, Held, Plan, counts, published
from earwitness.registers.success import heartbeat_of
from models.evidence import EvidenceRecord

Output = Literal["text", "json"]

MOST_LISTED: Final = 10_000
"""Changes that are listed in the JSON answer; all of them are counted."""

MOST_NAMED: Final = 5
"""Refs that are named beside a count."""

STYLES: Final[Mapping[str, str]] = {
    "new": "green",
    "changed": "cyan",
    "returned": "cyan",
    "withdrawn": "yellow",
    "unchanged": "dim",
    "refused": "bold red",
}
NOTHING: Final = Published(0, 0, [])


class Telling(NamedTuple):
    """Who tells the registers something, for the activity log; in a dry run nothing is told."""

    action: str
    what: str
    register: Register | None
    dry_run: bool


class Result(NamedTuple):
    """What a plan would change, what was acknowledged of it, and why not all of it was told."""

    plan: Plan
    acknowledged: Published
    dry_run: bool
    objection: str | None = None
    overdue: bool = False
    """Whether what was acknowledged could not be seen in the registers in time."""

    @property
    def complete(self) -> bool:
        """Whether the registers hold all that the plan says."""
        return self.acknowledged.complete and self.objection is None and not self.overdue

    def report(self, told: Told, output: Output) -> None:
        """Name every fault on stderr, say on stdout what changed; exit 1 unless all of it was told."""
        for fault in told.faults:
            tell(f"{fault.file}:{fault.line}: {fault.field}: {fault.message}")
        if len(told.faults) >= MOST_FAULTS:
            tell(f"… only the first {MOST_FAULTS} faults are named")
        for fault in self.acknowledged.faults:
            tell(fault.message)
        if output == "json":
            click.echo(json.dumps(self._as_json(told)))
        else:
            console().print(self._as_table(told))
            click.echo(self._in_words())
        if self.objection is not None:
            tell(self.objection)
        if self.overdue:
            tell(
                f"everything is acknowledged and safe, but was not seen in the registers within "
                f"{VISIBLE_WITHIN_S:.0f} s: is a worker running? `earwitness status` shows it"
            )
        if told.refused or not self.complete:
            sys.exit(1)

    def _as_json(self, told: Told) -> dict[str, Any]:
        changes = [step for step in self.plan if step.publishes]
        return {
            "rows": told.rows,
            "passed_over": told.passed_over,
            "refused": told.refused,
            **{str(change): count for change, count in counts(self.plan).items()},
            "dry_run": self.dry_run,
            "acknowledged": self.acknowledged.acknowledged,
            "objection": self.objection,
            "changes": [{"ref": step.record.ref, "change": step.change} for step in changes[:MOST_LISTED]],
            "errors": [fault._asdict() for fault in told.faults],
        }

    def _as_table(self, told: Told) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(style="dim", overflow="fold")
        for change, count in counts(self.plan).items():
            if count:
                named = self._named(change) if change != "unchanged" else ""
                table.add_row(str(count), Text(change, STYLES[change]), named)
        for word, count in (("passed over", told.passed_over), ("refused", told.refused)):
            if count:
                table.add_row(str(count), Text(word, STYLES.get(word, "dim")), "")
        return table

    def _named(self, change: Change) -> Text:
        refs = [step.record.ref for step in self.plan if step.change == change]
        more = f" … and {len(refs) - MOST_NAMED} more" if len(refs) > MOST_NAMED else ""
        return visible(", ".join(refs[:MOST_NAMED]) + more)

    def _in_words(self) -> str:
        to_tell = sum(step.publishes for step in self.plan)
        if self.objection is not None and not self.acknowledged.read:
            return "nothing was published"
        if not to_tell:
            return "the registers hold all of it already" if self.plan else "nothing to tell"
        if self.dry_run:
            return f"{to_tell} would be published"
        seen = "" if self.overdue or not self.acknowledged.complete else ", and in the registers"
        return f"{self.acknowledged.acknowledged} of {to_tell} acknowledged{seen}"


class Loading:
    """One load or sync: recorded, published, and seen in the registers before it is reported."""

    def __init__(
        self, api: ApiClient, data_dir: Path | None, held: Mapping[str, Held], telling: Telling
    ) -> None:
        self._api = api
        self._data_dir = data_dir
        self._held = held
        self._telling = telling

    def refuse(self, plan: Plan, objection: str) -> Result:
        """Tell nothing of the plan."""
        return Result(plan, NOTHING, self._telling.dry_run, f"refused: {objection}")

    def run(self, plan: Plan, objection: str | None = None) -> Result:
        """Tell what the plan changes; `objection` says what was left out of it."""
        records = list(published(plan))
        if self._telling.dry_run:
            return Result(plan, NOTHING, self._telling.dry_run, objection)
        done = self._publish(records) if records else NOTHING
        overdue = bool(records) and done.complete and not self._is_visible(records[-1])
        result = Result(plan, done, self._telling.dry_run, objection, overdue)
        if result.complete and self._telling.register is not None:
            self._beat(self._telling.register)
        return result

    def _beat(self, register: Register) -> None:
        """Say that the register works: it has just told what it knows."""
        heartbeat = heartbeat_of(register)
        if heartbeat is not None:
            declared = heartbeat.model_dump(mode="json", exclude={"name"})
            self._api.post("registers", register.name, "heartbeat", body=declared)

    def _publish(self, records: list[EvidenceRecord]) -> Published:
        with EvidenceActivity(resolve(self._data_dir, "api").clickhouse) as activity:
            activity.record(self._telling.action, self._telling.what, records)
        publisher = Publisher(kafka=sdk_wiring.kafka(resolve(self._data_dir, "register").kafka))
        try:
            return publish_lines(_lines(records), publisher.submit)
        finally:
            publisher.close(ANSWERED_WITHIN_S)

    def _is_visible(self, last: EvidenceRecord) -> bool:
        before = self._held.get(last.ref)
        return await_visible(self._api, last.ref, None if before is None else before.version)


def _lines(records: list[EvidenceRecord]) -> Iterator[Line]:
    for number, record in enumerate(records, start=1):
        yield Line(record.ref, number, record.model_dump_json(exclude_defaults=True).encode())

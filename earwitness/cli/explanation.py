"""An explanation as a page for a person: an auditor, a lawyer, the accused."""

from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from earwitness.cli.output import VERDICT_STYLES, lines, second, visible
from earwitness.cli.register_freshness import stale_sentence
from earwitness.wording import (
    CAUSES,
    CHANGES,
    EVIDENCE_NEEDED,
    REASONS,
    duration,
    shorten_times,
    tell_access,
)

WARNING: Final = "bold yellow"
MOST_CAUSES: Final = 5
"""Changes of the registers that the page names behind one verdict; JSON has more."""

_INDENT: Final = (0, 0, 0, 2)

Json = dict[str, Any]


def print_explanation(to: Console, explanation: Json) -> None:
    """Print one explanation as a page: verdict, clause, checks, what is missing, evidence, history."""
    row = explanation["access"]
    if explanation["as_of"] is not None:
        to.print(Text(f"AS KNOWN AT {shorten_times(explanation['as_of'])} UTC", style="bold reverse"))
        to.print()
    if explanation["differences"]:
        _section(to, "THE TRAIL AND THE JUDGE DISAGREE", _differences(explanation), style="bold white on red")
    if explanation["policy"]["note"] is not None:
        note: list[RenderableType] = [visible(explanation["policy"]["note"])]
        _section(to, "THE POLICY VERSION OF THIS VERDICT IS NOT HERE", note, style="bold white on red")
    to.print(_headline(row))
    for warning in _late(explanation):
        to.print(Padding(warning, _INDENT))
    to.print(Padding(Text(REASONS[row["reason"]]), _INDENT))
    to.print(Padding(visible(tell_access(row)), _INDENT))
    for register in explanation["stale"]:
        to.print(Padding(visible(stale_sentence(register), "yellow"), _INDENT))
    to.print()
    _section(to, "Policy", _policy(explanation))
    _section(to, "Checks (times are UTC)", [_checks_table(explanation)])
    missing, alternatives = explanation["missing"], explanation["alternatives"]
    if missing:
        together = ", all of this together" if len(missing) > 1 else ""
        _section(to, f"What would have justified it{together}", [_bullets(missing)])
    if alternatives:
        _section(to, "What it could have declared instead", _alternatives(explanation))
    if explanation["evidence"]:
        _section(to, "Evidence, as this verdict knew it (times are UTC)", _evidence(explanation))
    _section(to, "History", [_history_table(explanation["history"])])
    _section(to, "Where it is recorded", [_origin(row)])


def _section(to: Console, title: str, content: list[RenderableType], style: str = "bold") -> None:
    to.print(Text(title, style=style))
    for part in content:
        to.print(Padding(part, _INDENT))
    to.print()


def _headline(row: Json) -> Text:
    style = VERDICT_STYLES.get(row["verdict"], "bold")
    return Text.assemble(
        (row["verdict"].upper(), style),
        "  ",
        visible(row["clause"] if row["verdict"] == "justified" else row["reason"], style),
        ("  LATE", WARNING) if row["late"] else "",
        "  ",
        visible(row["id"], "dim"),
    )


def _late(explanation: Json) -> Iterator[Text]:
    """Warn of evidence that the verdict rests on and that came after the access."""
    row = explanation["access"]
    after = list(_registered_after(explanation)) if row["verdict"] == "justified" else []
    for shown in after:
        what = "registered" if shown["before_access"] is None else "changed"
        role = "justifies it" if shown["used"] else "says who the actor is"
        yield visible(
            f"{shown['ref']}, which {role}, was {what} {duration(shown['delay_s'])} AFTER the access.",
            WARNING,
        )
    if row["late"] and not after:
        yield Text("Evidence came, changed or was withdrawn after the access was first judged.", WARNING)


def _registered_after(explanation: Json) -> Iterator[Json]:
    """Give the evidence without which the access would not be justified and that was not there then."""
    for role in ("used", "standing"):
        shown = [each for each in explanation["evidence"] if each[role]]
        if all(each["delay_s"] is not None for each in shown):
            yield from shown


def _policy(explanation: Json) -> list[RenderableType]:
    policy, clause, purpose = (explanation[name] for name in ("policy", "clause", "purpose"))
    if policy["version"] is None:
        return [Text("No policy version was in effect then.")]
    title = policy["title"] or "this version is not among the policy files here"
    parts: list[RenderableType] = [
        Text.assemble("version ", visible(policy["version"]), "  ", visible(title, "dim"))
    ]
    if clause is not None:
        parts += _quoted("clause", clause)
    elif purpose is not None:
        parts += _quoted("this purpose stands on", purpose)
    else:
        parts.append(Text("No clause stands behind this access.", style="yellow"))
    return parts


def _quoted(label: str, clause: Json) -> list[RenderableType]:
    heading = Text.assemble(f"{label} ", visible(clause["id"], "bold"), "  ", visible(clause["title"]))
    return [heading, *(Padding(visible(f"“{quote}”", "italic"), _INDENT) for quote in clause["quotes"])]


def _checks_table(explanation: Json) -> RenderableType:
    if not explanation["checks"]:
        return Text("None could be made.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    table.add_column("expected", overflow="fold", ratio=5)
    table.add_column("found", overflow="fold", ratio=4)
    table.add_column("evidence", overflow="fold", ratio=2)
    # Where the access is justified, what was not met was not needed: it alarms nobody.
    failed = ("no", "dim") if explanation["access"]["verdict"] == "justified" else ("NO", "bold red")
    for check in explanation["checks"]:
        mark, style = ("ok", "green") if check["passed"] else failed
        table.add_row(
            Text(mark, style=style),
            visible(shorten_times(check["expected"], check["found"])),
            visible(shorten_times(check["found"], check["expected"]), "" if check["passed"] else style),
            visible(check["evidence_ref"], "dim"),
        )
    return table


def _alternatives(explanation: Json) -> list[RenderableType]:
    delays = {shown["ref"]: shown["delay_s"] for shown in explanation["evidence"]}
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("had it declared", overflow="fold", no_wrap=True)
    table.add_column("clause", overflow="fold", ratio=1)
    table.add_column("evidence", overflow="fold", ratio=1)
    for each in explanation["alternatives"]:
        needed = EVIDENCE_NEEDED[each["way"]] if each["evidence_ref"] else "none needed"
        delay_s = delays.get(each["evidence_ref"])
        table.add_row(
            visible(each["purpose"], "bold"),
            lines(visible(each["clause"]), visible(each["title"], "dim")),
            lines(
                visible(each["evidence_ref"]),
                Text(needed, style="dim"),
                Text("" if delay_s is None else _after_the_access(delay_s), style=WARNING),
            ),
        )
    return [
        table,
        Text("It would have been justified so. The verdict stands: what counts is what was declared."),
    ]


def _after_the_access(delay_s: float) -> str:
    return f"registered {duration(delay_s)} AFTER the access"


def _evidence(explanation: Json) -> list[RenderableType]:
    as_of = explanation["as_of"] is not None
    would_do = {each["evidence_ref"] for each in explanation["alternatives"]}
    parts: list[RenderableType] = []
    for shown in explanation["evidence"]:
        role = _role(shown) or ("would have done" if shown["ref"] in would_do else "looked at")
        parts.append(Text.assemble(visible(shown["ref"], "bold"), "  ", (role, "dim")))
        told = _unknown(shown, as_of=as_of) if shown["record"] is None else _record(shown, as_of=as_of)
        parts.append(Padding(told, _INDENT))
    return parts


def _role(shown: Json) -> str:
    roles = [role for role in ("cited", "used") if shown[role]]
    if shown["standing"]:
        roles.append("says who the actor is")
    return " and ".join(roles)


def _unknown(shown: Json, *, as_of: bool) -> Text:
    if not shown["later"]:
        return Text("no register had told of it by then" if as_of else "no register has told of it", "red")
    first = second(shown["later"][0]["registered_at"])
    counted = ", not yet counted by this verdict" if as_of else ""
    return Text(f"no register had told of it; one did at {first}{counted}", "red")


def _record(shown: Json, *, as_of: bool) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in shown["record"].items():
        if name != "ref":
            table.add_row(name, visible(_value(value)))
    table.add_row("registered", visible(f"{second(shown['registered_at'])}, version {shown['version']}"))
    if shown["first_registered_at"] != shown["registered_at"]:
        table.add_row("first registered", visible(second(shown["first_registered_at"])))
    if shown["delay_s"] is not None:
        table.add_row("", Text(_after_the_access(shown["delay_s"]), style=WARNING))
    for label, text in _since_the_access(shown["before_access"]):
        table.add_row(label, text)
    if shown["later"]:
        when, told = _later(shown["later"], as_of=as_of)
        table.add_row(when, visible(told, "yellow"))
    return table


def _since_the_access(before: Json | None) -> Iterator[tuple[str, Text]]:
    """Say what the registers held when the access happened, where the verdict counts something newer."""
    if before is None:
        return
    yield (
        "at the access",
        visible(f"version {before['version']}, registered {second(before['registered_at'])}"),
    )
    for change in before["changes"]:
        told = f"{change['field']}: {_value(change['before'])} → {_value(change['after'])}"
        yield "changed to this", visible(told, WARNING)
    if not before["changes"]:
        yield "changed to this", Text("nothing: the register told the same again")


def _later(later: list[Json], *, as_of: bool) -> tuple[str, str]:
    last = second(later[-1]["registered_at"])
    count = "once, at" if len(later) == 1 else f"{len(later)} times, last at"
    if as_of:
        return "registered by then", f"{count} {last}, not yet counted by this verdict"
    return "changed since", f"{count} {last}"


def _value(value: object) -> str:
    if value is None or value == []:
        return "nothing"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return shorten_times(str(value))


def _history_table(history: list[Json]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("judged (UTC)", no_wrap=True)
    table.add_column("verdict\nreason, clause", overflow="fold", ratio=3)
    table.add_column("because", overflow="fold", ratio=4)
    table.add_column("evidence\nversion", overflow="fold")
    for verdict in history:
        late = ", late" if verdict["late"] else ""
        table.add_row(
            visible(second(verdict["judged_at"])),
            lines(
                visible(verdict["verdict"] + late, VERDICT_STYLES.get(verdict["verdict"], "")),
                visible(verdict["reason"]),
                visible(verdict["clause"]),
            ),
            _cause(verdict["cause"]),
            visible(verdict["evidence_version"]),
        )
    return table


def _cause(cause: Json) -> Text:
    """Name what caused a verdict; of many changes the newest."""
    shown = cause["changes"][-MOST_CAUSES:]
    more = len(cause["changes"]) - len(shown) + cause["more"]
    return lines(
        Text(CAUSES[cause["kind"]]),
        *(
            visible(f"{each['ref']} {CHANGES[each['change']]} {second(each['registered_at'])}", "dim")
            for each in shown
        ),
        Text(f"and {more} more" if more else "", style="dim"),
    )


def _origin(row: Json) -> Text:
    return visible(
        f"{row['position']}, received {second(row['received_at'])}, recorded {second(row['recorded_at'])} UTC"
    )


def _differences(explanation: Json) -> list[RenderableType]:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("field", "in the trail", "judged again"):
        table.add_column(name, overflow="fold")
    for difference in explanation["differences"]:
        table.add_row(*(visible(difference[name]) for name in ("field", "stored", "judged_again")))
    return [
        table,
        Text("A policy file or the evidence log is not what it was. Do not rely on either verdict."),
    ]


def _bullets(texts: list[str]) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    for text in texts:
        grid.add_row("-", visible(shorten_times(text)))
    return grid

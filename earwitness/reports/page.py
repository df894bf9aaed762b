"""A report as one page of HTML that stands alone: to be sent, printed and read aloud.

It loads nothing, runs nothing, and every text in it is escaped. Tables have captions and headings that a
screen reader tells, colour says nothing that words do not, and on paper headings repeat on each sheet.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final

from earwitness.reports.csv import worded
from earwitness.reports.document import document
from earwitness.reports.markup import Markup, element, joined
from earwitness.reports.style import STYLE
from earwitness.wording import DONE, REASONS, within

Report = Mapping[str, Any]

_TITLES: Final = {
    "customer": "Who touched the content of customer {}",
    "vendor": "What was done by {}, and given to it",
    "clause": "What was done under {}",
}
_OUTCOMES: Final = {
    "justified": "Justified",
    "unjustified": "Not justified",
    "pending": "Not decided yet",
    "indeterminate": "Cannot be decided",
}
_ACTORS: Final = {
    "employee": "Employee",
    "affiliate": "Affiliate",
    "vendor": "Vendor",
    "acquirer": "Acquirer",
    "application": "Application",
    "customer": "Customer",
    "service": "Automatic service",
}
_CONTENT: Final = {
    "call_recording": ("call recording", "call recordings"),
    "sms_content": ("text message", "text messages"),
    "ivr_content": ("recording of a voice menu", "recordings of voice menus"),
    "call_detail": ("call record", "call records"),
    "sms_detail": ("message record", "message records"),
    "account_detail": ("account record", "account records"),
}
_WIDE: Final = (
    "{} of this period touched many customers, or ones that the service could not tell: perhaps this one."
    " They are not counted here."
)
_WIDE_HIDDEN: Final = (
    "Accesses that touched many customers, or ones that the service could not tell, are beyond what this"
    " report was made from. This customer may be among them."
)
_NOTES: Final = (
    "An access is justified where a clause of the policy allows it, and evidence bears that out.",
    "Refused and failed attempts are listed and counted like others.",
    "A verdict can still change: evidence that comes late counts if it was in force at the time.",
    "All times are UTC. The number of a clause is its place in the policy version named above.",
)
_ATTEMPTS: Final = {"denied": "was refused to ", "failed": "tried and failed to "}


def as_html(report: Report) -> str:
    """Give the whole page."""
    title = _TITLES[report["kind"]].format(report["subject"])
    return document(title, STYLE, _heading(report, title), *_sections(report))


def _sections(report: Report) -> Iterable[Markup | None]:
    yield _figures(report)
    if report["total"]:
        yield _clauses(report)
        if report["unexplained"]:
            yield _unexplained(report)
        yield _consultations(report)
        yield _words(report)
    yield _notes(report)


def _heading(report: Report, title: str) -> Markup:
    facts = [
        ("Period", _period(report)),
        ("Made at", f"{_minute(report['made_at'])} UTC"),
        ("Judged by", _policies(report)),
        ("Complete", _completeness(report)),
        ("Still open", _pending(report)),
        ("Names", _names(report)),
        ("Seen", _seen(report)),
    ]
    listed = [
        element("div", element("dt", name), element("dd", words))
        for name, words in facts
        if words is not None
    ]
    return element(
        "header",
        element("p", "Record of access", class_="eyebrow"),
        element("h1", title),
        element("dl", *listed, class_="facts"),
    )


def _seen(report: Report) -> str | None:
    """Say what the report was made from, where that is not everything."""
    return within(report["scope"]) if report["scope"] else None


def _period(report: Report) -> str:
    begin = f"from {_minute(report['since'])}" if report["since"] else "from the beginning of the record"
    end = report["until"] or report["made_at"]
    return f"{begin} to {_minute(end)} (UTC)"


def _policies(report: Report) -> str | None:
    named = [
        policy["title"] or f"policy version {policy['version'] or 'none in effect'}"
        for policy in report["policies"]
    ]
    return "; ".join(dict.fromkeys(named)) or None


def _completeness(report: Report) -> str:
    known = report["completeness"]
    if known["complete"] is None:
        return "not checked: of the whole days of this period nothing was received"
    if known["complete"]:
        return (
            f"yes, for all that was received up to the end of {known['through']};"
            " later days are still arriving"
        )
    return f"not proven: not all that was received up to the end of {known['through']} is accounted for"


def _pending(report: Report) -> str:
    pending = report["pending"]
    if not pending["accesses"]:
        return "nothing"
    oldest = _minute(pending["oldest"])
    return f"{_number(pending['accesses'], 'access', 'accesses')} not decided, the oldest of {oldest}"


def _names(report: Report) -> str:
    if report["with_actors"]:
        return "persons are named: handle this page as what names them"
    return "persons are not named; the kind of actor and the organization are"


def _figures(report: Report) -> Markup:
    figures = [("Accesses in all", report["total"]), *_verdicts(report)]
    tiles = [
        element("div", element("dt", name), element("dd", f"{count:,}"), class_="figure")
        for name, count in figures
    ]
    none = None if report["total"] else element("p", "Nothing is recorded for this period.", class_="none")
    return joined(element("dl", *tiles, class_="figures"), none)


def _verdicts(report: Report) -> list[tuple[str, int]]:
    verdicts = report["verdicts"]
    return [
        (words, verdicts.get(verdict, 0))
        for verdict, words in _OUTCOMES.items()
        if verdicts.get(verdict) or verdict in ("justified", "unjustified")
    ]


def _clauses(report: Report) -> Markup:
    rows = [
        element(
            "tr",
            element("td", _or_dash(clause["number"]), class_="number"),
            element("th", *_clause(clause, report), scope="row"),
            element("td", f"{clause['accesses']:,}", class_="number"),
            element("td", _days(clause), class_="when"),
        )
        for clause in report["clauses"]
    ]
    headings = (("No.", "number"), ("Clause", ""), ("Accesses", "number"), ("First and last", "when"))
    if not rows:
        return element("section", element("h2", "Why"), element("p", "No clause covers any of them."))
    return element("section", element("h2", "Why"), _table("By clause of the policy", headings, [rows]))


def _clause(clause: Report, report: Report) -> Iterable[object]:
    broken = clause["verdict"] != "justified"
    yield element("span", "Broken: ", class_="open") if broken else None
    yield clause["title"] or clause["id"]
    version = f", version {clause['policy_version']}" if len(report["policies"]) > 1 else ""
    yield element("small", f"{clause['id']}{version}", class_="id")


def _days(clause: Report) -> str:
    first, last = clause["first"][:10], clause["last"][:10]
    return first if first == last else f"{first} to {last}"


def _unexplained(report: Report) -> Markup:
    rows = [
        element(
            "tr",
            element("th", _OUTCOMES.get(one["verdict"], one["verdict"]), scope="row", class_="open"),
            element("td", REASONS.get(one["reason"], one["reason"])),
            element("td", f"{one['accesses']:,}", class_="number"),
        )
        for one in report["unexplained"]
    ]
    headings = (("Verdict", ""), ("Why", ""), ("Accesses", "number"))
    title = "What no clause justifies"
    return element("section", element("h2", title), _table("By reason", headings, [rows]))


def _consultations(report: Report) -> Markup:
    headings = (
        ("Time (UTC)", "when"),
        ("Who", ""),
        ("Did what", ""),
        ("Purpose declared", ""),
        ("Clause, or why none", ""),
        ("Accesses", "number"),
    )
    days = groupby(worded(report), key=lambda row: row["day"])
    bodies = [[_day_row(day, len(headings)), *map(_consultation, rows)] for day, rows in days]
    left_out = report["left_out"]
    more = f"The newest are listed; {left_out:,} older accesses are counted above and not listed here."
    return element(
        "section",
        element("h2", "Each day"),
        element("p", more, class_="note") if left_out else None,
        _table("What happened alike on one day stands in one line, the newest day first", headings, bodies),
    )


def _day_row(day: str, columns: int) -> Markup:
    named = date.fromisoformat(day)
    words = f"{named:%A}, {named.day} {named:%B %Y}"
    return element("tr", element("th", words, colspan=str(columns), scope="rowgroup"), class_="day")


def _consultation(row: Report) -> Markup:
    first, last = row["first"][11:16], row["last"][11:16]
    return element(
        "tr",
        element("td", first if first == last else f"{first} to {last}", class_="when"),
        element("td", *_who(row)),
        element("td", _what(row)),
        element("td", (row["purpose"] or "none").replace("_", " ")),
        element("td", *_why(row)),
        element("td", f"{row['accesses']:,}", class_="number"),
    )


def _who(row: Report) -> Iterable[object]:
    yield _ACTORS.get(row["actor_type"], row["actor_type"])
    if row["organization"]:
        yield f" of {row['organization']}"
    if row.get("actor_id"):
        yield element("small", row["actor_id"], class_="id")


def _what(row: Report) -> str:
    one, many = _CONTENT.get(row["resource_type"], (row["resource_type"], row["resource_type"]))
    content = many if row["resources"] is None else _number(row["resources"], one, many)
    done, tried = DONE.get(row["action"], (row["action"], row["action"]))
    attempt = _ATTEMPTS.get(row["outcome"])
    to = f", for {row['recipient']}" if row["recipient"] else ""
    return f"{f'{attempt}{tried}' if attempt else done} {content}{to}"


def _why(row: Report) -> Iterable[object]:
    if row["verdict"] == "justified":
        number = f"{row['clause_number']}. " if row["clause_number"] else ""
        yield f"{number}{row['clause_title'] or row['clause']}"
        return
    yield element("span", _OUTCOMES.get(row["verdict"], row["verdict"]), class_="open")
    yield f": {REASONS.get(row['reason'], row['reason'])}"


def _words(report: Report) -> Markup | None:
    """Quote what the clauses stand on, each passage once, with the clauses that it carries."""
    carried: dict[str, list[str]] = {}
    for clause in report["clauses"]:
        for words in clause["quotes"]:
            carried.setdefault(words, []).append(str(clause["number"]))
    if not carried:
        return None
    quoted = [
        element("li", element("q", words), element("small", f"Clause {', '.join(dict.fromkeys(numbers))}"))
        for words, numbers in carried.items()
    ]
    return element("section", element("h2", "What the policy says"), element("ul", *quoted, class_="quoted"))


def _notes(report: Report) -> Markup:
    notes = list(_NOTES)
    wide = report["wide_count"]
    if wide is None:
        notes.insert(0, _WIDE_HIDDEN)
    elif wide:
        notes.insert(0, _WIDE.format(_number(wide, "further access", "further accesses")))
    items = [element("li", note) for note in notes]
    return element("section", element("h2", "How to read this"), element("ul", *items, class_="notes"))


def _table(caption: str, headings: Sequence[tuple[str, str]], bodies: Iterable[Sequence[Markup]]) -> Markup:
    cells = [
        element("th", words, scope="col", **({"class_": kind} if kind else {})) for words, kind in headings
    ]
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", *cells)),
            *(element("tbody", *rows) for rows in bodies),
        ),
        class_="scrolled",
        role="region",
        tabindex="0",
        aria_label=caption,
    )


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _or_dash(value: object) -> str:
    return "\N{EN DASH}" if value is None else str(value)


def _minute(text: str) -> str:
    return text[:16].replace("T", " ")

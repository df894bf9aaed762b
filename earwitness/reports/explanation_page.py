"""Why an access has its verdict, as a page: the facts of `earwitness explain`, for browser and paper."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from earwitness.reports.document import bullets, document, facts, section
from earwitness.reports.markup import Markup, element
from earwitness.reports.screen_style import SCREEN_STYLE
from earwitness.wording import (
    CAUSES,
    CHANGES,
    EVIDENCE_NEEDED,
    REASONS,
    duration,
    shorten_times,
    tell_access,
)

Json = Mapping[str, Any]

VERSIONS: Final = "Evidence version"

_VERDICTS: Final = {
    "justified": ("Justified", "fine"),
    "unjustified": ("Not justified", "open"),
    "pending": ("Not decided yet", "wait"),
    "indeterminate": ("Cannot be decided", "wait"),
}


def explanations_as_html(explanations: Iterable[Json], identifier: str) -> str:
    """Give the page of all accesses with one id: mostly one."""
    parts = [part for explanation in explanations for part in _explanation(explanation)]
    return document(f"Access {identifier}", SCREEN_STYLE, *parts)


def _explanation(explanation: Json) -> Iterator[Markup]:
    row = explanation["access"]
    words, kind = _VERDICTS[row["verdict"]]
    yield element(
        "header",
        element("p", "Why an access has its verdict", class_="eyebrow"),
        element("h1", element("span", words, class_=kind), f": {REASONS[row['reason']]}"),
        element("p", tell_access(row)),
        *_warnings(explanation),
        facts(
            ("Policy", _policy(explanation)),
            ("Clause", _clause(explanation)),
            ("Recorded", f"{row['position']}, received {_second(row['received_at'])} UTC"),
            ("Id", row["id"]),
        ),
    )
    yield from _sections(explanation)


def _sections(explanation: Json) -> Iterator[Markup]:
    if quotes := _quotes(explanation):
        yield section("What the policy says", *(element("blockquote", quote) for quote in quotes))
    yield section("Checks", _checks(explanation))
    if explanation["missing"]:
        together = ", all of this together" if len(explanation["missing"]) > 1 else ""
        wanted = map(shorten_times, explanation["missing"])
        yield section(f"What would have justified it{together}", bullets(*wanted))
    if explanation["alternatives"]:
        yield section("What it could have declared instead", *_alternatives(explanation))
    if explanation["evidence"]:
        yield section("Evidence, as this verdict knew it", *map(_evidence, explanation["evidence"]))
    yield section("History", _history(explanation["history"]))


def _warnings(explanation: Json) -> Iterator[Markup]:
    if explanation["differences"]:
        fields = ", ".join(each["field"] for each in explanation["differences"])
        yield element(
            "p",
            f"The trail and the judge disagree about {fields}: a policy file or the evidence log is not what"
            " it was. Do not rely on either verdict.",
            class_="fault",
        )
    if explanation["policy"]["note"]:
        yield element("p", explanation["policy"]["note"], class_="fault")
    if explanation["access"]["late"]:
        yield element(
            "p", "Evidence came, changed or was withdrawn after the access was first judged.", class_="warn"
        )
    for register in explanation["stale"]:
        overdue = f"The register {register['name']} was overdue when this was judged."
        yield element("p", overdue, class_="warn")


def _policy(explanation: Json) -> str:
    policy = explanation["policy"]
    if policy["version"] is None:
        return "no version was in effect then"
    return f"version {policy['version']}" + (f", {policy['title']}" if policy["title"] else "")


def _clause(explanation: Json) -> str | None:
    clause = explanation["clause"]
    if clause is not None:
        return f"{clause['title']} ({clause['id']})"
    purpose = explanation["purpose"]
    if purpose is not None:
        return f"none; the declared purpose stands on {purpose['title']} ({purpose['id']})"
    return "none stands behind this access"


def _quotes(explanation: Json) -> list[str]:
    clause = explanation["clause"] or explanation["purpose"]
    return list(clause["quotes"]) if clause else []


def _checks(explanation: Json) -> Markup:
    if not explanation["checks"]:
        return element("p", "None could be made.")
    needed = explanation["access"]["verdict"] != "justified"
    rows = [_check(check, needed=needed) for check in explanation["checks"]]
    return _table(("", "Expected", "Found", "Evidence"), rows)


def _check(check: Json, *, needed: bool) -> Markup:
    # Where the access is justified, what was not met was not needed: it alarms nobody.
    failed = element("span", "NO", class_="open") if needed else "no"
    alarms = {"class_": "failed"} if needed and not check["passed"] else {}
    return element(
        "tr",
        element("td", element("span", "ok", class_="fine") if check["passed"] else failed),
        element("td", shorten_times(check["expected"], check["found"])),
        element("td", shorten_times(check["found"], check["expected"])),
        element("td", check["evidence_ref"] or ""),
        **alarms,
    )


def _alternatives(explanation: Json) -> Iterator[Markup]:
    rows = [
        element(
            "tr",
            element("td", each["purpose"]),
            element("td", each["title"], element("small", each["clause"], class_="id")),
            element(
                "td", each["evidence_ref"] or "none needed", element("small", _needed(each), class_="id")
            ),
        )
        for each in explanation["alternatives"]
    ]
    yield _table(("Had it declared", "Clause", "Evidence"), rows)
    yield element(
        "p",
        "It would have been justified so. The verdict stands: what counts is what was declared.",
        class_="note",
    )


def _needed(alternative: Json) -> str:
    return EVIDENCE_NEEDED[alternative["way"]] if alternative["evidence_ref"] else ""


def _evidence(shown: Json) -> Markup:
    roles = [role for role in ("cited", "used") if shown[role]]
    roles += ["says who the actor is"] if shown["standing"] else []
    heading = element("p", element("strong", shown["ref"]), f" ({' and '.join(roles) or 'looked at'})")
    if shown["record"] is None:
        later = shown["later"]
        came = f"; one did at {_second(later[0]['registered_at'])} UTC" if later else ""
        return element("div", heading, element("p", f"no register had told of it{came}", class_="open"))
    told: list[tuple[str, object | None]] = [
        (name.replace("_", " "), _value(value)) for name, value in shown["record"].items() if name != "ref"
    ]
    told.append(("registered", f"{_second(shown['registered_at'])} UTC, version {shown['version']}"))
    if shown["delay_s"] is not None:
        told.append(("", f"{duration(shown['delay_s'])} AFTER the access"))
    if shown["later"]:
        last = _second(shown["later"][-1]["registered_at"])
        told.append(("changed since", f"{len(shown['later'])} times, last at {last} UTC"))
    return element("div", heading, facts(*told))


def _history(history: Iterable[Json]) -> Markup:
    rows = [
        element(
            "tr",
            element("td", _second(verdict["judged_at"]), class_="when"),
            element(
                "td",
                verdict["verdict"] + (", late" if verdict["late"] else ""),
                element("small", verdict["reason"], class_="id"),
            ),
            element("td", CAUSES[verdict["cause"]["kind"]], *map(_change, verdict["cause"]["changes"])),
            element("td", verdict["evidence_version"], class_="number"),
        )
        for verdict in history
    ]
    return _table(("Judged (UTC)", "Verdict", "Because", VERSIONS), rows)


def _change(change: Json) -> Markup:
    said = f"{change['ref']} {CHANGES[change['change']]} {_second(change['registered_at'])}"
    return element("small", said, class_="id")


def _table(heads: Iterable[str], rows: Iterable[Markup]) -> Markup:
    head = element("thead", element("tr", *map(_head, heads)))
    return element("div", element("table", head, element("tbody", *rows)), class_="scrolled")


def _head(words: str) -> Markup:
    return element("th", words, scope="col", **({"class_": "number"} if words == VERSIONS else {}))


def _value(value: object) -> str:
    if value is None or value == []:
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, list) else shorten_times(str(value))


def _second(text: str) -> str:
    return text[:19].replace("T", " ")

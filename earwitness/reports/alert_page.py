"""The page behind the link of a message: what happened, how bad it is, who was told, and what to do now."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from earwitness.reports.alert_words import (
    OUTCOMES,
    about,
    cited,
    detail,
    reasons,
    standing,
    stated,
    told,
    what_happened,
    who_was_told,
    why,
)
from earwitness.reports.document import bullets, document, facts, section
from earwitness.reports.markup import Markup, element
from earwitness.reports.screen_style import SCREEN_STYLE

Whole = Mapping[str, Any]

SEEN_AT_A_GLANCE: Final = 5
"""Accesses whose reasons need no summing up: each says its own."""

_VERDICT_CLASS: Final = {
    "justified": "fine",
    "unjustified": "open",
    "pending": "wait",
    "indeterminate": "wait",
}


def alert_as_html(whole: Whole) -> str:
    """Give the page of one alert, as the API tells of it."""
    alert = whole["alert"]
    return document(alert["title"], SCREEN_STYLE, _heading(whole), *_sections(whole))


def _heading(whole: Whole) -> Markup:
    alert = whole["alert"]
    badges = [
        element("span", f"severity {alert['severity']}", class_=f"badge {alert['severity']}"),
        element("span", alert["state"], class_="badge"),
    ]
    if alert["outcome"]:
        badges.append(element("span", alert["outcome"], class_="badge"))
    return element(
        "header",
        element("p", "Alert", class_="eyebrow"),
        element("h1", alert["title"]),
        element("p", *badges, class_="badges"),
        facts(
            ("About", about(alert["grouping"]) or None),
            ("Accesses", _count(alert)),
            ("Seen", detail(whole["entries"])),
            ("Raised", f"{_second(alert['raised_at'])} UTC, by the rule {alert['rule']}"),
            ("State", f"{alert['state']} since {_second(alert['state_since'])} UTC, by {alert['state_by']}"),
            ("Assigned to", alert["assignee"]),
            ("Outcome", _outcome(alert)),
            ("Id", alert["id"]),
        ),
    )


def _sections(whole: Whole) -> Iterator[Markup]:
    members, entries = whole["members"], whole["entries"]
    if members:
        yield section("What happened", *_accesses(whole))
        summed = reasons(members)
        if summed and len(members) > SEEN_AT_A_GLANCE:
            yield section("Why nothing justified them", bullets(*summed))
    if whole["rule"]:
        yield section("What this rule looks for", element("p", whole["rule"]["description"]))
    answers = [entry for entry in entries if entry["kind"] == "stated"]
    if answers:
        yield section(
            "What the actor says",
            element("p", "It proves nothing by itself: nobody excuses himself.", class_="note"),
            *map(_answer, answers),
        )
    yield section("Who was told", *_told(whole))
    yield section("What became of it", _history(entries))
    yield element("section", element("h2", "What to do next"), bullets(*_next(whole)), class_="next")


def _count(alert: Whole) -> str:
    when = ""
    if alert["first_at"]:
        when = f", from {_second(alert['first_at'])} to {_second(alert['last_at'])} UTC"
    return f"{alert['access_count']:,}{when}"


def _outcome(alert: Whole) -> str | None:
    if not alert["outcome"]:
        return None
    return f"{OUTCOMES.get(alert['outcome'], alert['outcome'])}: {alert['closing_note']}"


def _accesses(whole: Whole) -> Iterator[Markup]:
    yield element("ul", *map(_access, whole["members"]), class_="accesses")
    left = whole["alert"]["access_count"] - len(whole["members"])
    if left > 0:
        yield element("p", f"and {left:,} more, which `earwitness alerts show` writes as CSV", class_="note")


def _access(member: Whole) -> Markup:
    now = standing(member)
    link = element("a", "why, check by check", href=f"../accesses/{member['id']}")
    under = [
        element("span", now, class_=_VERDICT_CLASS.get(member["verdict"] or "", "")) if now else None,
        " \N{MIDDLE DOT} " if now and member["action"] else None,
        link if member["action"] else None,
        f" \N{MIDDLE DOT} {member['id']}",
    ]
    return element(
        "li",
        element("p", what_happened(member)),
        element("p", said) if (said := why(member)) else None,
        element("p", *under, class_="under"),
    )


def _answer(entry: Whole) -> Markup:
    return element("div", f"{_second(entry['at'])} UTC: {stated(entry)}", class_="said")


def _told(whole: Whole) -> Iterator[Markup]:
    rows = list(who_was_told(whole["deliveries"]))
    if rows:
        yield bullets(*(f"{channel}, {_second(at)} UTC: {became}" for channel, at, became in rows))
    else:
        yield element("p", "Nobody yet: no channel has taken a notice of it.", class_="wait")
    for silence in whole["silences"]:
        until = f"Silent until {_second(silence['expires_at'])} UTC, by {silence['created_by']}"
        yield element("p", f"{until}: {silence['reason']}", class_="warn")


def _history(entries: Iterable[Whole]) -> Markup:
    rows = [
        element(
            "tr",
            element("td", _second(entry["at"]), class_="when"),
            element("td", entry["done_by"]),
            element("td", told(entry)),
        )
        for entry in entries
    ]
    heads = [element("th", words, scope="col") for words in ("Time (UTC)", "Who", "What")]
    head = element("thead", element("tr", *heads))
    return element("div", element("table", head, element("tbody", *rows)), class_="scrolled")


def _next(whole: Whole) -> Iterator[object]:
    alert = whole["alert"]
    short = alert["id"][:8]
    if whole["rule"]:
        yield element("span", "read ", element("code", whole["rule"]["runbook"]))
    for ref in cited(whole["entries"]):
        yield element(
            "span", "look up what the actor cites: ", element("code", f"earwitness evidence get {ref}")
        )
    if "actor_id" in alert["grouping"]:
        yield element("code", f"earwitness actor {alert['grouping']['actor_id']} --since 30d")
    yield element("code", f"earwitness alerts show {short}")
    if alert["state"] == "open":
        yield element("code", f"earwitness alerts ack {short}")
    if alert["state"] == "closed":
        yield element("code", f"earwitness alerts reopen {short} --note TEXT")
    else:
        yield element("code", f"earwitness alerts close {short} --outcome true|explained|false --note TEXT")


def _second(text: str) -> str:
    return text[:19].replace("T", " ")

"""The page of a report holds nothing but what it says, whatever the names in it are."""

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.reports.csv import as_csv
from earwitness.reports.page import as_html

VOID = {"meta", "br", "col"}
NAMES = st.text("<>&\"'=/ scriptonload\u202e\x1b\n", max_size=30)


def a_report(**changes: Any) -> dict[str, Any]:
    when = "2026-11-03T10:00:00.000000Z"
    line = {
        "day": "2026-11-03",
        "first": when,
        "last": "2026-11-03T11:30:00.000000Z",
        "actor_type": "vendor",
        "organization": "smsco",
        "recipient": None,
        "action": "process",
        "resource_type": "sms_content",
        "outcome": "succeeded",
        "purpose": "process_sms",
        "verdict": "justified",
        "reason": "clause_met",
        "clause": "third-party.process-sms",
        "policy_version": "2013-02-07",
        "policy_digest": "d",
        "accesses": 2,
        "resources": 2,
        "customers": 1,
    }
    failed = line | {
        "verdict": "unjustified",
        "reason": "resource_not_needed",
        "clause": None,
        "outcome": "denied",
    }
    clause = {
        "number": 5,
        "id": "third-party.process-sms",
        "title": "A vendor may.",
        "quotes": ["as we said"],
        "policy_version": "2013-02-07",
        "verdict": "justified",
        "accesses": 2,
        "first": when,
        "last": when,
    }
    return {
        "kind": "customer",
        "subject": "acme",
        "since": None,
        "until": None,
        "scope": None,
        "made_at": when,
        "with_actors": False,
        "total": 4,
        "verdicts": {"justified": 2, "unjustified": 2},
        "pending": {"accesses": 0, "oldest": None},
        "wide_count": 0,
        "completeness": {"complete": True, "through": "2026-11-02", "missing": 0, "ledgered": 4, "held": 4},
        "policies": [{"version": "2013-02-07", "digest": "d", "title": "The policy", "accesses": 4}],
        "clauses": [clause],
        "unexplained": [{"verdict": "unjustified", "reason": "resource_not_needed", "accesses": 2}],
        "purposes": [{"purpose": "process_sms", "accesses": 4}],
        "consultations": [line, failed],
        "left_out": 0,
        **changes,
    }


class Read(HTMLParser):
    """Reads a page strictly: which elements it has, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@given(NAMES, NAMES, NAMES)
def test_no_name_becomes_markup(subject: str, organization: str, actor_id: str) -> None:
    """Whoever names an organization or a recording would else write the page that the customer opens."""
    plain = Read(as_html(a_report(with_actors=True)))
    found = a_report(subject=f"x{subject}", with_actors=True)
    for line in found["consultations"]:
        line |= {"organization": f"o{organization}", "actor_id": f"a{actor_id}", "recipient": f"r{subject}"}
    read = Read(as_html(found))
    assert set(read.elements) <= set(plain.elements) | {"small"}
    assert read.attributes <= plain.attributes | {"class"}
    assert "\x1b" not in read.text
    assert "\u202e" not in read.text


def test_the_page_stands_alone_and_runs_nothing() -> None:
    """It is sent by mail and opened years later."""
    read = Read(as_html(a_report()))
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(read.elements)
    assert not {"src", "href", "style", "onclick"} & read.attributes


def test_the_page_can_be_told_by_a_screen_reader() -> None:
    """Tables have captions and headings with a scope, and the page a language and a title."""
    page = as_html(a_report())
    read = Read(page)
    assert read.elements.count("caption") == read.elements.count("table") == read.elements.count("thead")
    assert '<html lang="en">' in page
    assert "<title>Who touched the content of customer acme</title>" in page
    assert page.count('scope="col"') == 13
    assert page.count("<h1>") == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "yes, for all that was received up to the end of 2026-11-02"),
        ({"completeness": {"complete": None, "through": "2026-11-02"}}, "not checked"),
        ({"completeness": {"complete": False, "through": "2026-11-02"}}, "not proven"),
        (
            {"pending": {"accesses": 1, "oldest": "2026-11-01T00:00:00Z"}},
            "1 access not decided, the oldest of",
        ),
        ({"wide_count": 2}, "2 further accesses of this period touched many customers"),
        ({"wide_count": None}, "This customer may be among them."),
        ({"left_out": 7}, "7 older accesses are counted above and not listed here"),
        ({"total": 0}, "Nothing is recorded for this period."),
        ({"with_actors": True}, "persons are named"),
        ({"scope": {"customers": ["acme"], "vendors": []}}, "only accesses of acme"),
        ({"kind": "vendor", "subject": "smsco"}, "What was done by smsco, and given to it"),
    ],
)
def test_the_page_says_how_far_it_can_be_relied_on(change: dict[str, Any], said: str) -> None:
    """A report without its limits would claim more than is known."""
    assert said in Read(as_html(a_report(**change))).text


def test_the_page_says_what_happened_in_words() -> None:
    """A customer knows no codes."""
    text = Read(as_html(a_report())).text
    for words in (
        "Tuesday, 3 November 2026",
        "10:00 to 11:30",
        "Vendor of smsco",
        "processed 2 text messages",
        "was refused to process 2 text messages",
        "5. A vendor may.",
        "This function does not need content of this type.",
        "as we said",
    ):
        assert words in text


def test_of_a_clause_the_things_touched_are_not_counted() -> None:
    """There may be millions of them; what kind they were is said."""
    found = a_report(kind="clause", subject="third-party.process-sms")
    for line in found["consultations"]:
        line |= {"resources": None, "customers": None}
    assert "processed text messages" in Read(as_html(found)).text
    assert all(line.endswith(",2,,\n") for line in list(as_csv(found))[1:])


def test_a_table_names_actors_only_where_the_report_does() -> None:
    """A column that is always empty would be asked about."""
    lines = list(as_csv(a_report()))
    assert len(lines) == 3
    assert "actor_id" not in lines[0]
    found = a_report(with_actors=True)
    for line in found["consultations"]:
        line["actor_id"] = "=HYPERLINK(1)"
    lines = list(as_csv(found))
    assert "actor_id" in lines[0]
    assert ",'=HYPERLINK(1)," in lines[1]

import csv
import io
import json

import pytest

from earwitness.query.rows import ROW_FIELDS
from tests.api.world import NASTY, World
from tests.cli.conftest import Run

pytestmark = pytest.mark.stack

FORMATS = ("table", "json", "jsonl", "csv")
UNKNOWN_ID = "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a"


def test_search_shows_a_table_whose_ids_lead_on(ask: Run, world: World) -> None:
    """Each access fits 110 columns and has the id that `explain` wants."""
    ran = ask("search", f"customer:{world.customer_id}", "-verdict:justified")
    assert ran.exit_code == 0
    assert world.unengaged["id"] in ran.out
    assert "resource_not_needed" in ran.out
    assert world.engaged["id"] not in ran.out
    assert max(len(line) for line in ran.out.splitlines()) <= 110
    assert "\x1b" not in ran.out, "colours are for terminals"
    assert ran.err.startswith("2 accesses from ")


def test_search_gives_programs_the_rows_and_nothing_else_on_stdout(ask: Run, world: World) -> None:
    """JSON lines, JSON and CSV hold the same rows; what is said of them goes to stderr."""
    query = f"customer:{world.customer_id}"
    lines = [json.loads(line) for line in ask("search", query, "--output", "jsonl").out.splitlines()]
    assert [row["id"] for row in lines] == [event["id"] for event in reversed(world.events)]
    assert json.loads(ask("search", query, "--output", "json").out) == lines
    table = list(csv.DictReader(io.StringIO(ask("search", query, "--output", "csv").out)))
    assert tuple(table[0]) == ROW_FIELDS
    assert json.loads(table[2]["evidence_used"]) == [world.contract]
    assert (table[2]["derived"], table[2]["item_count"], table[1]["item_count"]) == ("false", "0", "")


def test_search_goes_through_pages_up_to_its_limit(
    ask: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit above one page costs nothing but pages, and what is left out is said."""
    monkeypatch.setattr("earwitness.cli.search.PAGE_ROWS", 1)
    query = f"customer:{world.customer_id}"
    assert len(ask("search", query, "--output", "jsonl").out.splitlines()) == 3
    ran = ask("search", query, "--limit", "2", "--output", "jsonl")
    assert len(ran.out.splitlines()) == 2
    assert "there are more" in ran.err


def test_search_counts_by_fields(ask: Run, world: World) -> None:
    """How many of what, for people and for programs, with absent values named as such."""
    query = ("search", f"customer:{world.customer_id}", "--count-by", "verdict,clause")
    ran = ask(*query)
    assert ran.exit_code == 0
    assert ran.err.startswith("3 accesses from ")
    assert [line.split()[:2] for line in ran.out.splitlines() if line.startswith("none")] == [["none", "2"]]
    counted = list(csv.DictReader(io.StringIO(ask(*query, "--output", "csv").out)))
    assert {"field": "verdict", "value": "justified", "accesses": "1"} in counted
    lines = [json.loads(line) for line in ask(*query, "--output", "jsonl").out.splitlines()]
    assert {"field": "clause", "value": None, "accesses": 2} in lines
    assert json.loads(ask(*query, "--output", "json").out)["total"] == 3


def test_finding_nothing_is_no_fault(ask: Run) -> None:
    """Scripts that look for misuse hope for it."""
    ran = ask("search", "actor:nobody-of-this-name")
    assert (ran.exit_code, ran.out) == (0, "")
    assert ran.err.startswith("0 accesses from ")


def test_no_value_of_a_producer_reaches_the_terminal_as_control_characters(ask: Run, world: World) -> None:
    """A user agent could otherwise clear the screen, or write a verdict of its own over ours."""
    ran = ask("show", world.engaged["id"])
    assert "\\x1b[31m\\u202e" in ran.out
    assert not {"\x1b", "\u202e"} & set(ran.out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search", "actr:e-1"], "did you mean actor?"),
        (
            ["search", "actor:e-1", "-verdict:justifed"],
            "^^^^^^^^\ndid you mean justified?\ntry: actor:e-1 -verdict:justified",
        ),
        (["search", "--sinse", "7d"], "No such option: --sinse"),
        (["search", "--count-by", "vrdict"], "did you mean verdict?"),
        (["search", "--since", "tomorrow"], "'tomorrow' is no time; write"),
        (["search", "x" * 70_000], "too long to be sent"),
        (["show", "123"], "'123' is no id of an access"),
        (["sql", "DROP TABLE trail"], "only a SELECT can be asked"),
        (["dead-letters", "show", "nonsense"], "'nonsense' is no position"),
        (["dead-letters", "list", "--reason", "ugly"], "no reason of a dead letter"),
        (["dead-letters", "replay"], "name either positions or a --reason"),
    ],
)
def test_bad_use_exits_2_and_says_what_to_write(ask: Run, arguments: list[str], said: str) -> None:
    """Nothing on stdout: a pipe must not take the message for data."""
    ran = ask(*arguments)
    assert (ran.exit_code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", UNKNOWN_ID],
        ["explain", UNKNOWN_ID],
        ["dead-letters", "show", "access.events.v1/0/99999999"],
    ],
)
def test_what_is_not_there_exits_1(ask: Run, arguments: list[str]) -> None:
    """Something is wrong, but not the question."""
    ran = ask(*arguments)
    assert (ran.exit_code, ran.out) == (1, "")
    assert ran.err


def test_show_gives_every_field_of_one_access(ask: Run, world: World) -> None:
    """As JSON the row of the contract, one object."""
    row = json.loads(ask("show", world.engaged["id"], "--output", "json").out)
    assert tuple(row) == ROW_FIELDS
    assert (row["user_agent"], row["evidence_ref"]) == (NASTY, world.contract)


def test_explain_is_a_page_for_a_person(ask: Run, world: World) -> None:
    """Verdict, reason in words, the policy's own words, each check, evidence, what was missing."""
    ran = ask("explain", world.unengaged["id"])
    assert ran.exit_code == 0
    for part in (
        "UNJUSTIFIED  resource_not_needed",
        "This function does not need content of this type.",
        "listened to",
        "call_recording",
        "third-party.process-sms",
        "“Agents, Consultants and Related Third Parties",
        "NO",
        "What would have justified it",
        world.contract,
        "History",
    ):
        assert part in ran.out
    assert max(len(line) for line in ran.out.splitlines()) <= 110


def test_explain_tells_a_reference_that_leads_nowhere(ask: Run, world: World) -> None:
    """The cited evidence is shown as what it is: unknown."""
    assert "no register has told of it" in ask("explain", world.pending["id"]).out


def test_explain_gives_programs_all_of_it(ask: Run, world: World) -> None:
    """JSON holds the explanation, CSV its checks."""
    explanation = json.loads(ask("explain", world.engaged["id"], "--output", "json").out)
    assert explanation["clause"]["id"] == "third-party.process-sms"
    checks = list(csv.DictReader(io.StringIO(ask("explain", world.engaged["id"], "--output", "csv").out)))
    assert len(checks) == len(explanation["checks"])
    assert {check["passed"] for check in checks} == {"true"}


@pytest.mark.parametrize("output", FORMATS)
def test_sql_answers_in_every_format(ask: Run, world: World, output: str) -> None:
    """The same one row each time."""
    condition = f"customer_id = '{world.customer_id}'"
    query = f"SELECT customer_id AS customer, count() AS n FROM trail WHERE {condition} GROUP BY customer"  # noqa: S608
    ran = ask("sql", query, "--output", output)
    assert ran.exit_code == 0
    assert world.customer_id in ran.out
    if output == "json":
        assert json.loads(ran.out) == [{"customer": world.customer_id, "n": 3}]


def test_a_dead_letter_can_be_found_read_and_published_again(ask: Run, world: World) -> None:
    """Byte for byte: refused again for the same reason, it is a new dead letter with the same bytes."""

    def letters() -> list[dict[str, object]]:
        listed = ask(
            "dead-letters", "list", "--reason", "unknown_field", "--limit", "1000", "--output", "json"
        )
        return [letter for letter in json.loads(listed.out) if letter["fields"] == [world.customer_id]]

    position = str(letters()[0]["position"])
    shown = json.loads(ask("dead-letters", "show", position, "--output", "json").out)
    assert shown["value"].encode() == world.unreadable
    ran = ask("dead-letters", "replay", position, "access.events.v1/0/99999999")
    assert ran.out == f"{position}  unknown_field\n"
    assert "1 of 2 published again" in ran.err
    assert ran.exit_code == 1


def test_every_table_of_dead_letters_fits(ask: Run, world: World) -> None:
    """Their details are as long as producers make them."""
    ran = ask("dead-letters", "list", "--limit", "1000")
    assert world.customer_id in ran.out.replace("\n", "").replace(" ", "")
    assert max(len(line) for line in ran.out.splitlines()) <= 110


def test_report_customer_says_when_and_why_and_names_nobody(ask: Run, world: World) -> None:
    """For the person whose customer asks."""
    ran = ask("report", "customer", world.customer_id)
    for part in (
        world.customer_id,
        "3 accesses: ",
        "process_sms",
        "third-party.process-sms",
        world.organization,
    ):
        assert part in ran.out
    assert world.actor_id not in ran.out
    assert world.actor_id in ask("report", "customer", world.customer_id, "--with-actors").out
    assert json.loads(ask("report", "customer", world.customer_id, "--output", "json").out)["total"] == 3
    assert "Nobody touched it." in ask("report", "customer", "nobody-of-this-name").out


@pytest.mark.parametrize(
    ("output", "begin"), [("html", "<!doctype html>"), ("csv", "day,first"), ("jsonl", "{")]
)
def test_reports_come_in_forms_to_hand_on(ask: Run, world: World, output: str, begin: str) -> None:
    """A page for the customer, lines for programs."""
    ran = ask("report", "vendor", world.organization, "--output", output)
    assert ran.exit_code == 0
    assert ran.out.startswith(begin)
    assert world.actor_id not in ran.out


@pytest.mark.parametrize("kind", ["actor", "customer", "resource", "evidence uses"])
@pytest.mark.parametrize("output", FORMATS)
def test_one_thing_has_a_page_in_every_format(ask: Run, world: World, kind: str, output: str) -> None:
    """When first and last, how often, and its accesses; page by page up to the limit."""
    names = {
        "actor": world.actor_id,
        "customer": world.customer_id,
        "resource": world.engaged["resource_id"],
        "evidence uses": world.contract,
    }
    ran = ask(*kind.split(), names[kind], "--output", output, "--limit", "1")
    assert ran.exit_code == 0
    assert ("there are more" in ran.err) == (kind in ("actor", "customer"))
    if output == "json":
        assert json.loads(ran.out)["total"] == (3 if kind in ("actor", "customer") else 1)
    elif output == "table":
        assert "third-party.process-sms" in ran.out
    elif output == "csv":
        assert len(list(csv.DictReader(io.StringIO(ran.out, newline="")))) == 1
    else:
        assert len(ran.out.splitlines()) == 1


@pytest.mark.stack
def test_many_columns_are_shown_as_a_list(ask: Run) -> None:
    """Side by side they would be a few letters wide each."""
    shown = ask("sql", "SELECT * FROM trail LIMIT 2").out
    assert shown.count("evidence_used") == 2
    assert max(len(line) for line in shown.splitlines()) <= 110


@pytest.mark.stack
def test_a_time_that_ends_before_it_begins_is_said(ask: Run) -> None:
    """Else it finds nothing, and looks as if nothing was there."""
    ran = ask("actor", "e-1", "--since", "30d", "--until", "60d")
    assert ran.exit_code == 2
    assert "before it begins" in ran.err

"""`earwitness alerts`: what people at a terminal do with alerts."""

import csv
import io
import json
from datetime import timedelta

import click
import pytest

from earwitness.cli.alerts_completing import complete_open, complete_rule, complete_silence
from models.alerts import Entry, entry_id
from tests.api.alerts import a_delivery, a_member, alert_log, an_alert
from tests.api.world import NASTY, World
from tests.cli.conftest import Run
from tests.conftest import Stack

pytestmark = pytest.mark.stack


@pytest.fixture
def raised(stack: Stack, world: World) -> Entry:
    """An alert on two accesses of the world, of which a mail told at the second try."""
    raised = an_alert(world.actor_id, world.customer_id)
    stated = Entry(
        raised.alert_id,
        entry_id(raised.alert_id, "stated", "x"),
        raised.at + timedelta(seconds=9),
        "stated",
        f"actor:{world.actor_id}",
        text="cites ticket:T-9\nI was asked to",
    )
    with alert_log(stack) as log:
        log.write([raised, stated], [a_member(raised, world.unengaged), a_member(raised, world.pending)])
        log.deliver(
            [a_delivery(raised, status="failed", code=0, answer="no answer"), a_delivery(raised, attempt=2)]
        )
    return raised


def short(raised: Entry) -> str:
    return str(raised.alert_id)[:8]


def test_the_list_fits_a_terminal_and_names_what_matters(
    ask: Run, raised: Entry, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred columns: how bad, what, about whom, how many accesses, whose it is, since when."""
    monkeypatch.setenv("COLUMNS", "100")
    ran = ask("alerts", "list", "--actor", world.actor_id)
    assert ran.exit_code == 0
    assert max(map(len, ran.out.splitlines())) <= 100
    for said in (short(raised), "high", "An access that nothing justifies", world.customer_id, "open"):
        assert said in ran.out


def test_the_page_tells_the_whole_story_and_the_next_step(ask: Run, raised: Entry, world: World) -> None:
    """What happened, why nothing justified it, who was told, what the actor says, what to do."""
    said = " ".join(ask("alerts", "show", short(raised)).out.split())
    for part in (
        "listened to call_recording",
        "This function does not need content of this type.",
        "not decided yet now; it was not justified",
        "delivered at try 2: 250 2.0.0 Ok",
        f"{world.actor_id}: cites ticket:T-9; I was asked to",
        "docs/runbooks/alerts/unexplained-access.md",
        f"earwitness explain {world.unengaged['id']}",
        f"earwitness alerts ack {short(raised)}",
    ):
        assert part in said


def test_programs_get_an_alert_as_the_api_tells_it_and_its_accesses_as_rows(
    ask: Run, raised: Entry, world: World
) -> None:
    """JSON is the whole of it; CSV and JSON lines are the accesses."""
    whole = json.loads(ask("alerts", "show", short(raised), "--output", "json").out)
    assert (whole["alert"]["id"], len(whole["members"])) == (str(raised.alert_id), 2)
    rows = list(csv.DictReader(io.StringIO(ask("alerts", "show", short(raised), "--output", "csv").out)))
    assert [row["id"] for row in rows] == [world.unengaged["id"], world.pending["id"]]
    listed = ask("alerts", "list", "--actor", world.actor_id, "--output", "jsonl", "--limit", "1")
    assert len(listed.out.splitlines()) == 1
    assert "there are more" in ask("alerts", "list", "--limit", "1").err or listed.err


def test_an_alert_is_taken_handed_on_closed_and_reopened(ask: Run, raised: Entry) -> None:
    """Exit 1 and a sentence where a step makes no sense; 2 where it is not said what it was."""
    identifier = short(raised)
    assert ask("alerts", "ack", identifier).exit_code == 0
    twice = ask("alerts", "ack", identifier)
    assert (twice.exit_code, "it is acknowledged already" in twice.err) == (1, True)
    assert ask("alerts", "assign", identifier, "bea").exit_code == 0
    assert ask("alerts", "note", identifier, "looked").exit_code == 0
    assert ask("alerts", "close", identifier, "--outcome", "true").exit_code == 2
    closed = ask(
        "alerts", "close", identifier, "--outcome", "explained", "--note", "TCK-9", "--output", "json"
    )
    assert (json.loads(closed.out)["state"], json.loads(closed.out)["assignee"]) == ("closed", "bea")
    said = " ".join(ask("alerts", "show", identifier).out.split())
    assert "it had a good reason: TCK-9" in said
    assert f"earwitness alerts reopen {identifier}" in said
    assert ask("alerts", "reopen", identifier, "--note", "not that one").exit_code == 0
    refused = ask("alerts", "note", identifier, "call +1 500 555 0006")
    assert (refused.exit_code, "telephone number" in refused.err) == (2, True)


def test_an_unknown_alert_is_exit_1(ask: Run) -> None:
    """Where it would be handled, too."""
    for command in (("show",), ("ack",)):
        ran = ask("alerts", *command, "ffffffff")
        assert (ran.exit_code, "no alert has the id ffffffff" in ran.err) == (1, True)


def test_a_silence_is_made_shown_and_ended(ask: Run, raised: Entry, world: World) -> None:
    """The page of an alert that it holds back says so, and how to end it."""
    where = f"actor_id={world.actor_id}"
    made = ask(
        *("alerts", "silence", "--rule", "unexplained-access", "--where", where),
        *("--for", "2h", "--reason", "CHG-12", "--output", "json"),
    )
    identifier = json.loads(made.out)["id"][:8]
    assert identifier in ask("alerts", "silences").out
    assert f"earwitness alerts unsilence {identifier}" in " ".join(
        ask("alerts", "show", short(raised)).out.split()
    )
    assert ask("alerts", "unsilence", identifier).exit_code == 0
    assert ask("alerts", "unsilence", identifier).exit_code == 1
    assert ask("alerts", "silence", "--where", "x", "--for", "1h", "--reason", "y").exit_code == 2
    assert ask("alerts", "silence", "--where", where, "--for", "31d", "--reason", "y").exit_code == 2


def test_what_stands_in_an_alert_draws_nothing_strange(ask: Run, stack: Stack) -> None:
    """Ids are chosen by others: none may move the cursor or hide a line."""
    raised = an_alert(NASTY, NASTY, title=NASTY, text=NASTY)
    with alert_log(stack) as log:
        log.write([raised])
    for ran in (ask("alerts", "show", short(raised)), ask("alerts", "list", "--actor", NASTY)):
        assert ran.exit_code == 0
        assert not {"\x1b", "\u202e"} & set(ran.out)


def test_handling_is_shown_as_curl_and_not_done(ask: Run, raised: Entry) -> None:
    """With the body that would be sent."""
    ran = ask("alerts", "close", short(raised), "--outcome", "false", "--note", "a test", "--show-curl")
    assert '--data-raw \'{"outcome": "false", "note": "a test"}\'' in ran.out
    whole = json.loads(ask("alerts", "show", short(raised), "--output", "json").out)
    assert whole["alert"]["state"] == "open"


def test_rules_and_ids_are_completed(stack: Stack, raised: Entry) -> None:
    """Rules from their files; open alerts and silences from the API, and nothing where it is away."""
    parameter = click.Argument(["identifier"])
    context = click.Context(click.Command("show"))
    assert [each.value for each in complete_rule(context, parameter, "bulk")] == ["bulk-access"]
    context.params["data_dir"] = stack.data_dir
    assert short(raised) in [each.value for each in complete_open(context, parameter, short(raised)[:3])]
    assert complete_silence(context, parameter, "zz") == []
    context.params["data_dir"] = stack.data_dir / "nowhere"
    assert complete_open(context, parameter, "") == []

"""`--show-curl`: a line for a shell that asks the same, and does not show the token."""

import json
import os
import shlex
import shutil
import subprocess

import pytest

from earwitness.cli.curl import curl_line
from tests.api.world import NASTY, World
from tests.cli.conftest import Ran, Run
from tests.conftest import Stack

WITHOUT_CURL = shutil.which("curl") is None


def ask_the_shell(line: str, stack: Stack) -> str:
    """Run a line as a person would who copied it."""
    token = stack.settings("api").api.token.get_secret_value()
    environment = {"PATH": os.environ["PATH"], "EARWITNESS_API__TOKEN": token}
    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, env=environment)
    return ran.stdout


@pytest.mark.stack
@pytest.mark.skipif(WITHOUT_CURL, reason="curl is not installed")
def test_each_reading_command_prints_a_line_that_gives_the_same_answer(
    ask: Run, stack: Stack, world: World
) -> None:
    """What a command shows in JSON is in what curl gets."""
    identifier = world.unengaged["id"]
    commands = (
        (("search", f"customer:{world.customer_id}", "-verdict:justified", "--since", "2h"), "rows"),
        (("search", f"customer:{world.customer_id}", "--count-by", "verdict,clause"), "facets"),
        (("show", identifier), "accesses"),
        (("explain", identifier), "explanations"),
        (("sql", "SELECT verdict, count() FROM trail GROUP BY verdict"), "rows"),
        (("report", "customer", world.customer_id), "consultations"),
        (("customer", world.customer_id), "clauses"),
        (("evidence", "list", "--customer", world.customer_id), "items"),
        (("evidence", "get", world.contract), "versions"),
        (("registers", "list"), "registers"),
        (("dead-letters", "list", "--limit", "3"), "dead_letters"),
        (("searches", "list"), "searches"),
    )
    for command, part in commands:
        shown = ask(*command, "--show-curl")
        assert shown.exit_code == 0, shown.err
        answer = json.loads(ask_the_shell(shown.out, stack))
        assert part in answer, (command, answer)
        told = json.loads(ask(*command, "--output", "json").out)
        if part in {"facets", "consultations", "clauses"}:
            assert told[part] == answer[part]
        elif command[0] == "search":
            assert told == answer["rows"]
            assert told


@pytest.mark.stack
def test_the_token_is_not_shown_and_nothing_is_asked(ask: Run, stack: Stack, world: World) -> None:
    """A line is pasted into a chat; and showing a question is no reading."""
    marker = f"nobody-{world.customer_id}"
    ran = ask("search", f"actor:{marker}", "--show-curl")
    assert ran.out.startswith('curl -sS -H "Authorization: Bearer $EARWITNESS_API__TOKEN" --get')
    assert stack.settings("api").api.token.get_secret_value() not in ran.out + ran.err
    assert "secrets/api-token" in ran.err
    asked: Ran = ask(
        "sql", "SELECT query FROM activity WHERE action = 'search'", "--output", "jsonl", "--limit", "9999"
    )
    assert marker not in asked.out


@pytest.mark.parametrize(
    "text", [NASTY, "it's", "$HOME `id` $(id)", "a\nb", "100% & more=less +1", "-x", "@/etc/passwd"]
)
def test_no_value_breaks_out_of_its_quotes(text: str) -> None:
    """It comes from the trail as well: an id that somebody chose."""
    line = curl_line("GET", "http://127.0.0.1:1/api/v1/search", {"q": text}, None)
    words = shlex.split(line.replace("\\\n", ""))
    assert words[-2:] == ["--data-urlencode", f"q={text}"]
    body = shlex.split(curl_line("POST", "http://h", {}, {"query": text}).replace("\\\n", ""))[-1]
    assert json.loads(body) == {"query": text}


@pytest.mark.stack
@pytest.mark.skipif(WITHOUT_CURL, reason="curl is not installed")
def test_a_report_is_asked_for_in_its_format(ask: Run, stack: Stack, world: World) -> None:
    """Here it is laid out from JSON; by curl, the API does it."""
    command = ("report", "customer", world.customer_id, "--output", "csv")
    shown = ask(*command, "--show-curl")
    assert str(stack.data_dir / "secrets" / "api-token") in shown.err
    assert ask_the_shell(shown.out, stack).splitlines()[0] == ask(*command).out.splitlines()[0]


@pytest.mark.stack
def test_what_changes_something_can_be_shown_too(ask: Run) -> None:
    """And is not done then."""
    shown = ask("searches", "save", "never-kept", "actor:e-1", "--show-curl")
    assert "-X PUT" in shown.out
    assert "-X DELETE" in ask("searches", "delete", "never-kept", "--show-curl").out
    assert "never-kept" not in ask("searches", "list").out

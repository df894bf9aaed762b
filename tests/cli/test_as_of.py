"""`show` and `explain` of what was known at an instant, and of evidence that came afterwards."""

import csv
import io
import json

import pytest

from earwitness.query.rows import ROW_FIELDS
from models.fields import format_time
from tests.cli.conftest import Run
from tests.conftest import Stack
from tests.query.past import Past, write_past

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def past(stack: Stack) -> Past:
    return write_past(stack)


def test_show_gives_the_row_of_then_and_says_of_when(ask: Run, past: Past) -> None:
    """JSON is the row of the contract and `as_of`; without the option it is the row alone."""
    as_of = format_time(past.when_unjustified)
    row = json.loads(ask("show", past.id, "--as-of", as_of, "--output", "json").out)
    assert tuple(row) == ("as_of", *ROW_FIELDS)
    assert (row["as_of"], row["verdict"], row["late"]) == (as_of, "unjustified", False)
    assert "as_of" not in json.loads(ask("show", past.id, "--output", "json").out)
    (flat,) = csv.DictReader(io.StringIO(ask("show", past.id, "--as-of", as_of, "--output", "csv").out))
    assert (flat["as_of"], flat["verdict"]) == (as_of, "unjustified")
    assert as_of in ask("show", past.id, "--as-of", as_of).out


@pytest.mark.parametrize("command", ["show", "explain"])
def test_an_access_that_was_not_there_yet_exits_1(ask: Run, past: Past, command: str) -> None:
    """With when it came, on stderr; nothing on stdout that a pipe could take for the access."""
    ran = ask(command, past.id, "--as-of", format_time(past.before_the_access))
    assert (ran.exit_code, ran.out) == (1, "")
    assert f"the access {past.id} was not yet recorded at {format_time(past.before_the_access)}" in ran.err
    assert "it was received at " in ran.err


@pytest.mark.parametrize("command", ["show", "explain"])
def test_the_future_is_bad_use(ask: Run, past: Past, command: str) -> None:
    """Nobody can say what will be known."""
    ran = ask(command, past.id, "--as-of", "2299-01-01")
    assert (ran.exit_code, ran.out) == (2, "")
    assert "lies in the future" in ran.err


def test_an_explanation_of_then_says_so_first(ask: Run, past: Past) -> None:
    """Whoever prints it must not take it for what is known today."""
    ran = ask("explain", past.id, "--as-of", format_time(past.when_unjustified))
    assert ran.exit_code == 0
    first, _, rest = ran.out.partition("\n")
    assert first.startswith("AS KNOWN AT ")
    assert "UNJUSTIFIED  evidence_wrong_function" in rest
    assert "would have to list the function process_sms. It lists process_calls." in rest
    assert "AFTER the access" not in rest
    assert "LATE" not in rest


def test_evidence_that_came_after_the_access_is_told_at_the_top_and_beside_it(ask: Run, past: Past) -> None:
    """How late, what it said before, and who changed it."""
    ran = ask("explain", past.id)
    assert ran.exit_code == 0
    first, second, *rest = ran.out.splitlines()
    assert "JUSTIFIED  third-party.process-sms  LATE" in first
    assert f"{past.contract}, which justifies it, was changed 1 h AFTER the access." in second
    page = " ".join(" ".join(rest).split())
    assert "registered 1 h AFTER the access" in page
    assert "functions: process_calls → process_calls, process_sms" in page
    assert "recorded_by: nothing → legal-1" in page
    assert "The registers changed:" in page
    assert "changed since once, at " in page
    assert max(len(line) for line in ran.out.splitlines()) <= 110


def test_what_was_registered_by_then_and_not_yet_counted_is_told(ask: Run, past: Past) -> None:
    """The contract was withdrawn by then; the verdict of then rests on the version before."""
    ran = ask("explain", past.id, "--as-of", format_time(past.when_withdrawn))
    page = " ".join(ran.out.split())
    assert "registered by then once, at " in page
    assert "not yet counted by this verdict" in page

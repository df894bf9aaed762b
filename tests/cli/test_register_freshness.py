import json
from pathlib import Path
from uuid import uuid4

import click
import pytest

from earwitness.cli.register_freshness import stale_sentence, summary
from earwitness.cli.spans import Interval, in_words
from tests.cli.conftest import Run
from tests.devstack.builders import a_layout, supervised

A_MONTH_S = 31 * 86_400


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "less than 1 s"),
        (45, "45 s"),
        (60, "1 min"),
        (7_800, "2 h 10 min"),
        (86_400, "1 d"),
        (86_400 + 60, "1 d"),
        (3 * 86_400 + 4 * 3_600 + 59, "3 d 4 h"),
    ],
)
def test_a_span_is_told_by_its_two_largest_units(seconds: float, words: str) -> None:
    """Whether an outage lasts two hours or three is what counts, not the seconds of it."""
    assert in_words(seconds) == words


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7_200), ("1d", 86_400)])
def test_an_interval_is_written_with_its_unit(text: str, seconds: int) -> None:
    """A bare number would be minutes to one person and seconds to another."""
    assert Interval(A_MONTH_S).convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "15", "15 m", "0s", "-1h", "32d", "soon", "1.5h"])
def test_anything_else_is_no_interval(text: str) -> None:
    """An interval of years would switch the warning off without a word."""
    with pytest.raises(click.BadParameter, match="write 90s, 15m, 2h or 1d, at most 31 d"):
        Interval(A_MONTH_S).convert(text, None, None)


def test_a_stale_register_is_told_in_words_also_where_it_came_back_at_once() -> None:
    """A worker notices a beat a few seconds late: the row names a register that is not late any more."""
    register = {
        "name": "zendesk",
        "kinds": ["complaint"],
        "every_s": 900,
        "beat_at": "2026-03-02T12:00:00.000000Z",
        "overdue": True,
        "overdue_s": 7_800.0,
    }
    assert stale_sentence(register) == (
        "The register zendesk was overdue by 2 h 10 min when this was judged (last beat 2026-03-02 12:00:00"
        " UTC, one promised every 15 min): complaint records that it had not told of yet could not count."
    )
    assert stale_sentence(register | {"overdue": False, "overdue_s": 0.0}).startswith(
        "The register zendesk was overdue when this was judged: complaint records"
    )


def test_the_summary_counts_who_is_watched() -> None:
    """A retired register is no register that is well."""
    assert summary([]).startswith("no register beats")
    rows = [
        {"retired": False, "overdue": True},
        {"retired": False, "overdue": False},
        {"retired": True, "overdue": False},
    ]
    assert summary(rows) == "2 registers, 1 overdue, 1 retired"
    assert summary(rows[1:2]) == "1 register, none overdue"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["beat", "x", "--every", "1h"], "Missing option '--kinds'"),
        (["beat", "x", "--kinds", "complaint"], "Missing option '--every'"),
        (["beat", "x", "--kinds", "rumour", "--every", "1h"], "'rumour' is no kind of evidence: complaint"),
        (["beat", "x", "--kinds", "complaint", "--every", "soon"], "'soon' is no interval"),
        (["beat", "Zendesk", "--kinds", "complaint", "--every", "1h"], "'Zendesk' must be 1 to 64 of a-z"),
        (["beat", "../sql", "--kinds", "complaint", "--every", "1h"], "'../sql' must be 1 to 64 of a-z"),
        (["retire", "a b"], "'a b' must be 1 to 64 of a-z"),
    ],
)
def test_bad_use_says_what_to_write(run: Run, arguments: list[str], said: str) -> None:
    """Before anything is asked of a stack."""
    ran = run("registers", *arguments)
    assert ran.exit_code == 2
    assert said in ran.err


def test_status_says_that_it_does_not_know_rather_than_that_all_is_well(run: Run, tmp_path: Path) -> None:
    """An empty list would be read as: no register is overdue."""
    layout = a_layout(tmp_path)
    with supervised(layout):
        ran = run("status", "--data-dir", str(layout.root), "--output", "json")
    assert json.loads(ran.out)["registers"] is None
    assert "the registers could not be asked" in ran.err


@pytest.mark.stack
def test_a_register_beats_is_listed_and_retires(ask: Run) -> None:
    """The life of a register, as an operator sees it; a beat that says nothing new is silent."""
    name = f"register-{uuid4().hex[:8]}"
    beat = (
        "registers",
        "beat",
        name,
        "--kinds",
        "complaint,election",
        "--kinds",
        "complaint",
        "--every",
        "15m",
    )
    first, second = ask(*beat), ask(*beat)
    assert (first.exit_code, first.out, second.err) == (0, "", "")
    assert first.err == (
        f"{name} tells of complaint, election from now on; its next beat is due within 15 min\n"
    )
    (row,) = [line for line in ask("registers", "list").out.splitlines() if line.startswith(name)]
    assert row.split()[1:5] == ["complaint,", "election", "15", "min"]
    assert row.rstrip().endswith("ok")
    assert ask("registers", "retire", name).err == f"{name} is retired\n"
    assert ask("registers", "retire", name).err == f"{name} is retired already\n"
    listed = json.loads(ask("registers", "list", "--output", "json").out)
    assert [(each["retired"], each["overdue"]) for each in listed if each["name"] == name] == [(True, False)]


@pytest.mark.stack
def test_whoever_retires_what_there_is_not_sees_what_there_is(ask: Run) -> None:
    """A mistyped name must not look like a warning switched off."""
    ran = ask("registers", "retire", "zendsk-of-nobody")
    assert ran.exit_code == 2
    assert "there is no register 'zendsk-of-nobody'; those that ever beat: " in ran.err

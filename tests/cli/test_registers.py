"""`earwitness registers` on the real stack: what files tell, and what the registers hold afterwards."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from earwitness.cli.client import ApiClient
from earwitness.settings import ROOT
from models.fields import format_time
from tests.cli.conftest import Ran, Run
from tests.conftest import Stack

JUDGED_WITHIN_S = 60.0
TICKETS = """
ref_prefix = "{prefix}"
kind = "complaint"
skip = {{ status = "test" }}
[fields]
ref = {{ from = "id" }}
customer_ids = {{ from = "customer", split = ";" }}
valid_from = {{ from = "opened" }}
status = {{ from = "status", values = {{ open = "active", deleted = "withdrawn" }} }}
"""
STAFF = """
ref_prefix = "{prefix}"
kind = "employment"
[fields]
ref = {{ from = "id" }}
assignees = {{ from = "id" }}
teams = {{ from = "teams" }}
valid_from = {{ value = "2020-01-01T00:00:00Z" }}
"""
HEADER = "id,status,customer,opened"


@pytest.fixture
def prefix() -> str:
    """A prefix that no other test uses."""
    return f"t{uuid4().hex[:8]}:"


Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of lines, give its path."""

    def writing(name: str, *lines: object) -> str:
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (tmp_path / name).write_text("\n".join(texts) + "\n", encoding="utf-8")
        return str(tmp_path / name)

    return writing


@pytest.fixture
def mapping(tmp_path: Path, prefix: str) -> str:
    """The mapping of a file of tickets."""
    (tmp_path / "tickets.toml").write_text(TICKETS.format(prefix=prefix), encoding="utf-8")
    return str(tmp_path / "tickets.toml")


@pytest.fixture
def staff(tmp_path: Path, prefix: str) -> str:
    """The mapping of a directory."""
    (tmp_path / "staff.toml").write_text(STAFF.format(prefix=prefix), encoding="utf-8")
    return str(tmp_path / "staff.toml")


def ticket(number: int, *, status: str = "open", customer: str = "acme") -> str:
    return f"{number},{status},{customer},2026-01-31T09:30:00Z"


def told(ran: Ran) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ran.out)
    return found


def counts(ran: Ran) -> dict[str, int]:
    """What changed, without what did not occur."""
    words = ("new", "changed", "returned", "withdrawn", "unchanged", "refused", "passed_over")
    return {word: told(ran)[word] for word in words if told(ran)[word]}


def current(ask: Run, ref: str) -> dict[str, Any]:
    ran = ask("evidence", "get", ref, "--output", "json")
    assert ran.exit_code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)["current"]["record"]
    return found


@pytest.mark.stack
def test_a_load_tells_what_is_new_and_the_same_load_again_nothing(
    ask: Run, write: Write, mapping: str
) -> None:
    """Right after: a load returns once the registers show what it told."""
    file = write("t.csv", HEADER, *(ticket(number) for number in range(120)), ticket(120, status="test"))
    first = ask("registers", "load", file, "--mapping", mapping, "--output", "json")
    assert (first.exit_code, counts(first)) == (0, {"new": 120, "passed_over": 1})
    assert told(first)["acknowledged"] == 120
    again = ask("registers", "load", file, "--mapping", mapping, "--output", "json")
    assert (again.exit_code, counts(again)) == (0, {"unchanged": 120, "passed_over": 1})
    assert told(again)["acknowledged"] == 0


@pytest.mark.stack
def test_a_load_tells_what_changed_and_what_was_withdrawn(
    ask: Run, write: Write, mapping: str, prefix: str
) -> None:
    """For a person, with the refs; and only these are published."""
    ask("registers", "load", write("a.csv", HEADER, ticket(1), ticket(2), ticket(3)), "--mapping", mapping)
    file = write(
        "b.csv", HEADER, ticket(1), ticket(2, customer="globex"), ticket(3, status="deleted"), ticket(4)
    )
    ran = ask("registers", "load", file, "--mapping", mapping)
    assert ran.exit_code == 0, ran.err
    assert [line.split() for line in ran.out.splitlines()] == [
        ["1", "new", f"{prefix}4"],
        ["1", "changed", f"{prefix}2"],
        ["1", "withdrawn", f"{prefix}3"],
        ["1", "unchanged"],
        ["3", "of", "3", "acknowledged,", "and", "in", "the", "registers"],
    ]
    assert current(ask, f"{prefix}2").items() >= {"customer_ids": ["globex"], "origin": "import"}.items()
    assert current(ask, f"{prefix}3")["status"] == "withdrawn"


@pytest.mark.stack
def test_a_bad_row_is_named_and_costs_the_others_nothing(ask: Run, write: Write, mapping: str) -> None:
    """By file, line, field and what is wanted."""
    file = write(
        "t.csv",
        HEADER,
        ticket(1, status="odd"),
        "2,open",
        "3,open,acme,yesterday",
        ticket(4),
        ticket(5),
        ticket(5, customer="globex"),
    )
    ran = ask("registers", "load", file, "--mapping", mapping, "--output", "json")
    assert (ran.exit_code, counts(ran)) == (1, {"new": 1, "refused": 5})
    assert [line.removeprefix(file).split(": ")[:2] for line in ran.err.splitlines()] == [
        [":2", "status"],
        [":3", "row"],
        [":4", "valid_from"],
        [":6", "ref"],
        [":7", "ref"],
    ]
    assert told(ran)["errors"][3]["message"] == "is told of in another way in line 7; neither counts"


@pytest.mark.stack
def test_json_lines_are_read_by_their_paths(ask: Run, write: Write, tmp_path: Path, prefix: str) -> None:
    """From standard input too, where the mapping says what it is."""
    rules = TICKETS.format(prefix=prefix).replace('"customer"', '"org.id"')
    (tmp_path / "m.toml").write_text('format = "jsonl"\n' + rules, encoding="utf-8")
    rows = [
        {"id": 1, "status": "open", "org": {"id": "acme"}, "opened": "2026-01-31T09:30:00+01:00"},
        {"id": 2, "status": "open", "org": [], "opened": "2026-01-31T09:30:00Z"},
    ]
    file = write("rows.txt", *rows, "{")
    ran = ask("registers", "load", file, "--mapping", str(tmp_path / "m.toml"), "--output", "json")
    assert counts(ran) == {"new": 2, "refused": 1}
    assert (
        current(ask, f"{prefix}1").items()
        >= {
            "customer_ids": ["acme"],
            "valid_from": "2026-01-31T08:30:00Z",
        }.items()
    )


@pytest.mark.stack
def test_a_dry_run_changes_nothing(ask: Run, write: Write, mapping: str, prefix: str) -> None:
    """And says what a load would."""
    file = write("t.csv", HEADER, ticket(1))
    ran = ask("registers", "load", file, "--mapping", mapping, "--dry-run")
    assert (ran.exit_code, ran.out.splitlines()[-1]) == (0, "1 would be published")
    assert ask("evidence", "get", f"{prefix}1").exit_code == 1


@pytest.mark.stack
def test_each_write_is_on_record_with_who_did_it(
    ask: Run, write: Write, mapping: str, staff: str, prefix: str
) -> None:
    """Refs, customers and how many: whoever excuses an access by a ticket is asked where it came from."""
    file = write("t.csv", HEADER, ticket(1, customer="acme;globex"), ticket(2))
    ask("registers", "load", file, "--mapping", mapping)
    people = write("p.jsonl", {"id": "e-1"})
    ask("registers", "sync", people, "--mapping", staff)
    record = {
        "ref": f"{prefix}put",
        "kind": "complaint",
        "customer_ids": ["acme"],
        "valid_from": "2026-01-31T09:00:00Z",
    }
    put = write("e.jsonl", record, {**record, "kind": "rumour"})
    ask("evidence", "put", put)
    question = (
        "SELECT action, principal != '' AS named, query, customer_ids, row_count FROM activity"  # noqa: S608 - our prefix
        f" WHERE surface = 'cli' AND action LIKE 'evidence.%' AND query LIKE '%: {prefix}%' ORDER BY time"
    )
    rows = json.loads(ask("sql", question, "--output", "json").out)
    assert [list(row.values()) for row in rows] == [
        ["evidence.load", 1, f"{file}: {prefix}1 {prefix}2", ["acme", "globex"], 2],
        ["evidence.sync", 1, f"{people}: {prefix}e-1", [], 1],
        ["evidence.put", 1, f"{put}: {prefix}put", ["acme"], 1],
    ]


@pytest.mark.stack
def test_a_register_tells_no_more_than_it_may(
    ask: Run, write: Write, tmp_path: Path, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loads and syncs obey the same list as webhooks."""
    listed = write(
        "registers.toml",
        "[[registers]]",
        'name = "tickets"',
        'kinds = ["complaint"]',
        f'ref_prefixes = ["{prefix}a-"]',
    )
    monkeypatch.setenv("EARWITNESS_REGISTERS_FILE", listed)
    for name, kind, inner in (
        ("ok", "complaint", "a-"),
        ("kind", "legal_order", "a-"),
        ("ref", "complaint", "b-"),
    ):
        rules = TICKETS.format(prefix=f"{prefix}{inner}").replace("complaint", kind)
        mapping = write(f"{name}.toml", rules)
        ran = ask(
            "registers",
            "load",
            write("t.csv", HEADER, ticket(1)),
            "--mapping",
            mapping,
            "--register",
            "tickets",
        )
        assert ran.exit_code == (0 if name == "ok" else 1), ran.err
        if name != "ok":
            assert f": {name}: register tickets may tell" in ran.err
    ran = ask("registers", "load", "-", "--mapping", mapping, "--register", "typo")
    assert (ran.exit_code, "has no such register; it has tickets" in ran.err) == (2, True)


def an_event(actor: str, customer: str, ref: str, at: datetime) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "time": format_time(at),
        "source": "/services/recording-api",
        "actor_type": "employee",
        "actor_id": actor,
        "action": "listen",
        "resource_type": "call_recording",
        "resource_id": "rec-1",
        "customer_id": customer,
        "purpose": "resolve_complaint",
        "evidence_ref": ref,
    }


def reason_of(ask: Run, api: ApiClient, write: Write, event: dict[str, Any]) -> str:
    """Publish an access, and give the reason of the verdict that the worker stores."""
    assert ask("publish", write("event.jsonl", event)).exit_code == 0
    deadline = time.monotonic() + JUDGED_WITHIN_S
    while time.monotonic() < deadline:
        found = api.find("accesses", event["id"])
        if found is not None:
            return str(found["accesses"][0]["reason"])
        time.sleep(0.2)
    raise AssertionError("was not judged")


@pytest.mark.stack
def test_who_is_missing_from_the_directory_is_no_longer_employed(  # noqa: PLR0917 - fixtures
    ask: Run, stack: Stack, write: Write, mapping: str, staff: str, prefix: str
) -> None:
    """From the file on; and who comes back is employed again."""
    names = [f"{prefix}{number}" for number in range(6)]
    leaver, customer = names[5], f"c-{prefix}"
    ask("registers", "load", write("t.csv", HEADER, ticket(77, customer=customer)), "--mapping", mapping)
    everybody = write("all.jsonl", *({"id": name, "teams": ["b", "a"]} for name in names))
    remaining = write("rest.jsonl", *({"id": name, "teams": ["a", "b"]} for name in names[:5]))
    with ApiClient(stack.settings("api").api) as api:

        def reason(at: datetime) -> str:
            return reason_of(ask, api, write, an_event(leaver, customer, f"{prefix}77", at))

        first = ask("registers", "sync", everybody, "--mapping", staff, "--output", "json")
        assert (first.exit_code, counts(first)) == (0, {"new": 6})
        assert reason(datetime.now(UTC)) == "clause_met"
        second = ask("registers", "sync", remaining, "--mapping", staff, "--output", "json")
        assert counts(second) == {"withdrawn": 1, "unchanged": 5}
        assert current(ask, f"{prefix}{leaver}")["status"] == "withdrawn"
        assert reason(datetime.now(UTC)) == "actor_not_employed"
        assert reason(datetime.now(UTC) - timedelta(hours=1)) == "clause_met"
        again = ask("registers", "sync", remaining, "--mapping", staff, "--output", "json")
        assert counts(again) == {"unchanged": 5}
        back = ask("registers", "sync", everybody, "--mapping", staff, "--output", "json")
        assert counts(back) == {"returned": 1, "unchanged": 5}
        assert reason(datetime.now(UTC)) == "clause_met"


@pytest.mark.stack
def test_a_broken_file_withdraws_nobody(ask: Run, write: Write, staff: str) -> None:
    """Empty, cut at a line, cut within one: each looks like a company that let its people go."""
    people = [json.dumps({"id": f"e-{number}"}) for number in range(10)]

    def synced(*lines: str, more: tuple[str, ...] = ()) -> Ran:
        file = write("s.jsonl", *lines)
        return ask("registers", "sync", file, "--mapping", staff, "--output", "json", *more)

    assert counts(synced(*people)) == {"new": 10}
    empty = synced(more=("--allow-withdrawals", "10"))
    assert (empty.exit_code, "lists nobody" in empty.err, told(empty)["acknowledged"]) == (1, True, 0)
    halved = synced(*people[:5])
    assert halved.exit_code == 1
    assert "5 of 10 would be withdrawn, more than 20 %; if they have left" in halved.err
    cut = synced(*people[:9], people[9][:8])
    assert (cut.exit_code, counts(cut)) == (1, {"unchanged": 9, "refused": 1})
    assert "1 not withdrawn: a row that was refused may be one of them" in cut.err
    assert counts(synced(*people)) == {"unchanged": 10}
    strict = synced(*people[:9], more=("--most-percent", "5"))
    assert "1 of 10 would be withdrawn, more than 5 %" in strict.err
    allowed = synced(*people[:5], more=("--allow-withdrawals", "5"))
    assert (allowed.exit_code, counts(allowed)) == (0, {"withdrawn": 5, "unchanged": 5})


@pytest.mark.stack
def test_leavers_left_when_the_file_was_true(ask: Run, write: Write, staff: str, prefix: str) -> None:
    """A file of yesterday evening is synced this morning."""
    ask("registers", "sync", write("a.jsonl", {"id": "e-1"}, {"id": "e-2"}), "--mapping", staff)
    file = write("b.jsonl", {"id": "e-1"})
    more = ("--at", "2026-03-01T18:00:00Z", "--allow-withdrawals", "1")
    assert ask("registers", "sync", file, "--mapping", staff, *more).exit_code == 0
    assert current(ask, f"{prefix}e-2")["withdrawn_at"] == "2026-03-01T18:00:00Z"


class TestBadUse:
    """What is found out before any stack is asked."""

    def test_a_file_without_a_column_of_the_mapping(self, run: Run, write: Write, mapping: str) -> None:
        """Otherwise each of its rows would be refused for it."""
        ran = run("registers", "load", write("t.csv", "id,status,customer"), "--mapping", mapping)
        assert ran.exit_code == 2
        assert "has no column 'opened', which the mapping asks for; it has id, status, customer" in ran.err

    def test_a_file_of_no_known_format(self, run: Run, write: Write, mapping: str) -> None:
        """The ending tells, or the mapping."""
        ran = run("registers", "load", write("t.xlsx", ""), "--mapping", mapping)
        assert (ran.exit_code, "say format = 'csv' or 'jsonl' in the mapping" in ran.err) == (2, True)

    def test_a_mapping_with_faults(self, run: Run, write: Write) -> None:
        """Each with its key."""
        ran = run("registers", "load", "-", "--mapping", write("m.toml", "speed = 1"))
        assert ran.exit_code == 2
        assert "m.toml: speed: there is no such setting" in ran.err
        assert "m.toml: ref_prefix: is required" in ran.err

    @pytest.mark.parametrize(
        ("kind", "more", "wanted"),
        [
            ("complaint", (), "kind: must be one of engagement, affiliation, employment, service_account"),
            ("affiliation", ("--kind", "employment"), "kind: is affiliation, but --kind says employment"),
        ],
    )
    def test_a_directory_of_what_no_directory_lists(
        self, run: Run, write: Write, kind: str, more: tuple[str, ...], wanted: str
    ) -> None:
        """A ticket that is missing from a file was not withdrawn."""
        rules = STAFF.format(prefix="x:").replace("employment", kind)
        ran = run("registers", "sync", "-", "--mapping", write("m.toml", rules), *more)
        assert ran.exit_code == 2
        assert wanted in ran.err

    def test_a_register_without_a_file_of_registers(self, run: Run, mapping: str) -> None:
        """The setting that is missing is named."""
        ran = run("registers", "load", "-", "--mapping", mapping, "--register", "tickets")
        assert (ran.exit_code, "EARWITNESS_REGISTERS_FILE names one" in ran.err) == (2, True)

    @pytest.mark.parametrize(
        ("more", "wanted"),
        [
            (("--register", "hr-eu"), "staff.toml: ref_prefix: register hr-eu may tell of hr:eu:… only"),
            (
                (),
                "staff.toml: ref_prefix: a sync withdraws whoever is missing under hr:…, and register hr-eu",
            ),
        ],
    )
    def test_a_directory_of_more_than_its_file_lists(
        self,
        run: Run,
        write: Write,
        monkeypatch: pytest.MonkeyPatch,
        more: tuple[str, ...],
        wanted: str,
    ) -> None:
        """Whoever is under the prefix, and in the file of somebody else, would be withdrawn."""
        register = 'name = "hr-eu"', 'kinds = ["employment"]', 'ref_prefixes = ["hr:eu:"]'
        monkeypatch.setenv("EARWITNESS_REGISTERS_FILE", write("registers.toml", "[[registers]]", *register))
        staff = write("staff.toml", STAFF.format(prefix="hr:"))
        ran = run("registers", "sync", write("s.jsonl", {"id": "eu:1"}), "--mapping", staff, *more)
        assert ran.exit_code == 2
        assert wanted in ran.err

    @pytest.mark.parametrize("name", ["tickets", "staff"])
    def test_the_examples_in_the_help_are_there(self, name: str) -> None:
        """Whoever copies the command has the file."""
        assert (ROOT / f"examples/registers/{name}.toml").exists()

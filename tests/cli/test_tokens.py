"""`earwitness tokens` and `search --activity`, as an admin types them."""

import json
from uuid import uuid4

import pytest

from tests.api.holders import http
from tests.api.world import World
from tests.cli.conftest import Run
from tests.conftest import Stack

pytestmark = pytest.mark.stack


def test_a_token_is_created_used_found_in_the_activity_log_and_revoked(
    stack: Stack, run: Run, world: World
) -> None:
    """The whole life of one, by commands; the token alone goes to stdout, so that it can go to a file."""
    folder = ("--data-dir", str(stack.data_dir))
    made = run(
        "tokens", "create", "--role", "investigator", "--customer", world.customer_id, "--expires", "30d",
        "ann-of-cli", *folder,
    )  # fmt: skip
    secret = made.out.strip()
    assert (made.exit_code, secret[:3]) == (0, "ew_")
    assert "this is shown once" in made.err
    with http(stack, secret) as client:
        rows = client.get("/search", params={"q": f"customer:{world.customer_id}"}).json()["rows"]
    assert len(rows) == len(world.events)

    listed = run("tokens", "list", *folder)
    assert "ann-of-cli" in listed.out
    assert secret[-4:] in listed.out
    assert secret not in listed.out

    asked = run("search", "--activity", "principal:ann-of-cli", "--output", "json", *folder)
    (entry,) = json.loads(asked.out)
    assert (entry["action"], entry["customer_ids"], entry["row_count"]) == ("search", [world.customer_id], 3)

    assert run("tokens", "revoke", "ann-of-cli", *folder).exit_code == 0
    told = run("search", "--activity", "action:tokens.", "--output", "jsonl", *folder)
    actions = [json.loads(line)["action"] for line in told.out.splitlines() if "ann-of-cli" in line]
    assert actions == ["tokens.revoke", "tokens.create"]


def test_a_holder_whose_role_is_too_low_is_told_what_is_needed(
    stack: Stack, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From wherever he asks, by the two variables that he was given."""
    made = run("tokens", "create", "--role", "reader", "low", "--data-dir", str(stack.data_dir))
    monkeypatch.setenv("EARWITNESS_API__URL", stack.settings("api").api.url or "")
    monkeypatch.setenv("EARWITNESS_API__TOKEN", made.out.strip())
    assert run("search", "customer:acme").exit_code == 0
    refused = run("sql", "SELECT 1")
    assert refused.exit_code == 1
    assert "that needs auditor or admin" in refused.err
    run("tokens", "revoke", "low", "--data-dir", str(stack.data_dir))


def test_activity_is_searched_by_its_own_fields_alone(stack: Stack, run: Run) -> None:
    """A term of accesses would find nothing there, which would look as if nothing was asked."""
    for words in (["resource:r-1"], ["acme"], ["principal:a", "principal:b"], ["--count-by", "verdict"]):
        refused = run("search", "--activity", *words, "--data-dir", str(stack.data_dir))
        assert refused.exit_code == 2
        assert "activity" in refused.err


def test_who_read_about_a_customer_is_found_by_their_name(stack: Stack, run: Run) -> None:
    """In one word or in several, as the shell gives them; commas separate alternatives."""
    folder = ("--data-dir", str(stack.data_dir))
    customer = f"cus-{uuid4().hex[:8]}"
    assert run("report", "customer", customer, *folder).exit_code == 0
    asked = (f"customer:{customer} action:search,report. surface:cli,api", "--output", "json")
    (entry,) = json.loads(run("search", "--activity", *asked, *folder).out)
    assert (entry["action"], entry["customer_ids"]) == ("report.customer", [customer])
    shown = run("search", "--activity", f"customer:{customer}", "action:report.", "--limit", "1", *folder)
    assert customer in shown.out
    assert "1 entry since" in shown.err
    assert "--limit shows further" in shown.err
    assert run("search", "--activity", f"customer:{customer} principal:nobody", *folder).out == ""

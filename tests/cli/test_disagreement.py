"""`explain` where judging again gives another verdict than the trail holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from earwitness.api.app import create_app
from earwitness.api.sources import Explain
from earwitness.query.rows import ROW_COLUMNS
from earwitness.query.store import Answer
from tests.api.serving import TOKEN, CannedStore, Kept, serving, sources
from tests.cli.conftest import Run

ID = "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a"
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
STORED = {
    "id": UUID(ID),
    "actor_type": "employee",
    "actor_id": "e-1",
    "action": "listen",
    "outcome": "succeeded",
    "verdict": "justified",
    "reason": "clause_met",
    "evidence_used": [],
    "late": False,
    **dict.fromkeys(("time", "received_at", "judged_at", "recorded_at"), NOW),
}


def explaining(row: dict[str, Any], as_of: datetime | None = None) -> dict[str, Any]:
    return {
        "as_of": None,
        "access": row,
        "clause": None,
        "purpose": None,
        "policy": {"version": "2013-02-07", "digest": "d", "title": None, "known": False, "note": None},
        "checks": [],
        "missing": [],
        "alternatives": [],
        "evidence": [],
        "history": [],
        "differences": [{"field": "verdict", "stored": "justified", "judged_again": "unjustified"}],
    }


def gone(row: dict[str, Any], as_of: datetime | None = None) -> dict[str, Any]:
    policy = {"version": "2012-01-01", "digest": "d", "title": None, "known": False, "note": "It is gone."}
    return explaining(row, as_of) | {"policy": policy, "differences": []}


@contextmanager
def served(explain: Explain) -> Iterator[str]:
    """Serve one access that is explained so."""
    columns = tuple(ROW_COLUMNS.split(", "))
    answer = Answer(columns, columns, [tuple(STORED.get(name, "") for name in columns)])
    given = sources(CannedStore(answer), Kept())._replace(explain=explain)
    with serving(create_app(given, token=TOKEN, largest_page=10)) as url:
        yield url


def test_a_disagreement_comes_first_and_exits_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not happen; where it does, nobody may overlook it, neither a person nor a script."""
    with served(explaining) as api_url:
        monkeypatch.setenv("EARWITNESS_API__URL", api_url)
        monkeypatch.setenv("EARWITNESS_API__TOKEN", TOKEN)
        ran = run("explain", ID)
    assert ran.out.startswith("THE TRAIL AND THE JUDGE DISAGREE")
    assert "Do not rely on either verdict" in ran.out
    assert "another verdict than the trail holds" in ran.err
    assert ran.exit_code == 1


def test_a_policy_that_is_gone_exits_1_and_accuses_nobody_of_a_difference(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was judged again: a script must not take that for agreement, nor for a forged trail."""
    with served(gone) as api_url:
        monkeypatch.setenv("EARWITNESS_API__URL", api_url)
        monkeypatch.setenv("EARWITNESS_API__TOKEN", TOKEN)
        ran = run("explain", ID)
    assert ran.out.startswith("THE POLICY VERSION OF THIS VERDICT IS NOT HERE")
    assert "It is gone." in ran.out
    assert "policy version 2012-01-01 is not in the policy folder" in ran.err
    assert "another verdict" not in ran.err
    assert ran.exit_code == 1

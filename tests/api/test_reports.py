"""Reports of the real API: what was done, when, why and how often, and by whom only where that is asked."""

import csv
import io
from typing import Any

import pytest

from earwitness.cli.client import ApiClient
from models.errors import QueryRejected
from tests.api.serving import NOTHING, CannedStore, Kept, Purse, a_token, client_of
from tests.api.world import World

CLAUSE = "third-party.process-sms"


@pytest.mark.stack
def test_a_report_counts_by_clause_with_number_and_title(api: ApiClient, world: World) -> None:
    """In the words of the policy version that the verdicts name."""
    found = api.get("reports", "customer", world.customer_id)
    assert (found["total"], found["left_out"]) == (3, 0)
    assert found["verdicts"] == {"justified": 1, "pending": 1, "unjustified": 1}
    (clause,) = found["clauses"]
    assert (clause["id"], clause["number"], clause["accesses"]) == (CLAUSE, 5, 1)
    assert (
        clause["title"]
        == "A vendor engaged to process SMS may touch their content and details, and nothing else."
    )
    assert [policy["version"] for policy in found["policies"]] == ["2013-02-07"]
    assert found["pending"]["accesses"] == 1
    assert {(one["reason"], one["accesses"]) for one in found["unexplained"]} == {
        ("resource_not_needed", 1),
        ("evidence_not_found", 1),
    }


@pytest.mark.stack
def test_persons_are_named_only_where_that_is_asked(api: ApiClient, world: World) -> None:
    """A customer is owed what was done and by which organization, not the name of a clerk."""
    found = api.get("reports", "customer", world.customer_id)
    assert world.actor_id not in str(found)
    assert {row["organization"] for row in found["consultations"]} == {world.organization}
    named = api.get("reports", "customer", world.customer_id, with_actors="true")
    assert {row["actor_id"] for row in named["consultations"]} == {world.actor_id}


def test_who_may_not_be_told_is_refused_and_sees_nothing() -> None:
    """A reader learns what was done, and not by whom."""
    activity, purse = Kept(), Purse(a_token("ew_of-a-reader", role="reader"))
    with client_of(CannedStore(NOTHING), activity, "ew_of-a-reader", purse=purse) as client:
        refused = client.get("/api/v1/reports/customer/acme", params={"with_actors": "true"})
        allowed = client.get("/api/v1/reports/customer/acme")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert allowed.status_code == 200
    assert [kept.action for kept in activity.activities] == ["refused", "report.customer"]


@pytest.mark.stack
@pytest.mark.parametrize(("kind", "subject"), [("vendor", "organization"), ("clause", None)])
def test_vendors_and_clauses_are_reported_on_likewise(
    api: ApiClient, world: World, kind: str, subject: str | None
) -> None:
    """The last 30 days of them, where no other time is named."""
    found = api.get("reports", kind, getattr(world, subject) if subject else CLAUSE)
    assert found["since"] is not None
    told = sum(found["verdicts"].values()) if subject else found["verdicts"]["justified"]
    assert found["total"] == told >= (len(world.events) if subject else 1)
    (clause,) = found["clauses"]
    assert clause["id"] == CLAUSE


@pytest.mark.stack
def test_content_that_went_to_a_vendor_is_in_its_report(api: ApiClient, world: World) -> None:
    """Whoever sent it. Nothing went to this customer's id, which no organization has."""
    assert api.get("reports", "vendor", f"{world.organization}-of-nobody")["total"] == 0


@pytest.mark.stack
def test_a_report_is_of_its_period(api: ApiClient, world: World) -> None:
    """From its begin up to its end, which is not included; the wrong way round there is none."""
    bounds = {"since": world.engaged["time"], "until": world.unengaged["time"]}
    found = api.get("reports", "customer", world.customer_id, **bounds)
    assert (found["total"], found["verdicts"]) == (1, {"justified": 1})
    with pytest.raises(QueryRejected, match="before it begins"):
        api.get("reports", "customer", "acme", since=bounds["until"], until=bounds["since"])


@pytest.mark.stack
def test_csv_and_html_say_the_same(api: ApiClient, world: World) -> None:
    """The table has a line for each line of the report; the page stands alone."""
    found = api.get("reports", "customer", world.customer_id)
    with api.download("reports", "customer", world.customer_id, format="csv") as answer:
        table = list(csv.DictReader(io.StringIO(answer.read().decode(), newline="")))
    assert [row["accesses"] for row in table] == [str(row["accesses"]) for row in found["consultations"]]
    assert {row["clause_number"] for row in table if row["clause"]} == {"5"}
    with api.download("reports", "customer", world.customer_id, format="html") as answer:
        page = answer.read().decode()
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "5. A vendor engaged to process SMS" in page


def test_a_report_is_recorded_with_its_period_and_customer() -> None:
    """Before it is answered, and relative times as what they meant."""
    activity = Kept()
    with client_of(CannedStore(NOTHING), activity) as client:
        client.get("/api/v1/reports/customer/acme", params={"since": "2026-11-01", "with_actors": "true"})
        client.get("/api/v1/reports/vendor/smsco", params={"since": "2026-11-01", "until": "2026-11-02"})
    told = [(kept.action, kept.query, kept.customer_ids) for kept in activity.activities]
    begin, end = "2026-11-01T00:00:00.000000Z", "2026-11-02T00:00:00.000000Z"
    assert told == [
        ("report.customer", f"acme --since {begin} --with-actors", ("acme",)),
        ("report.vendor", f"smsco --since {begin} --until {end}", ()),
    ]


def test_no_other_kind_is_reported_on() -> None:
    """A closed list, so that a typing error is not an empty report."""
    with client_of(CannedStore(NOTHING), Kept()) as client:
        answer: Any = client.get("/api/v1/reports/actor/e-1")
    assert answer.status_code == 400


@pytest.mark.stack
def test_a_clause_that_no_policy_has_is_not_reported_on(api: ApiClient) -> None:
    """A slip of the pen would look like an all-clear."""
    with pytest.raises(QueryRejected) as refused:
        api.get("reports", "clause", "third-party.process-sns")
    assert refused.value.hint == f"did you mean {CLAUSE}?"
    with pytest.raises(QueryRejected, match="no policy version has a clause 0"):
        api.get("reports", "clause", "0")
    assert api.get("reports", "clause", CLAUSE, since="2020-01-01", until="2020-01-02")["total"] == 0


@pytest.mark.parametrize("subject", ["", "%20"])
def test_a_report_on_nothing_is_refused(subject: str) -> None:
    """An empty variable of a script would give an all-clear."""
    with client_of(CannedStore(NOTHING), Kept()) as client:
        answer = client.get(f"/api/v1/reports/vendor/{subject}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "query_rejected")

"""What an answer leaves out for who asks."""

import pytest

from earwitness.api.withholding import OF_THE_ACTOR, WITHHELD, within
from earwitness.query.rows import ROW_FIELDS
from earwitness.query.store import Answer
from models.tokens import ROLES, Role, Scope
from tests.api.serving import CannedStore, Kept, Purse, a_token, client_of

SECRET = "ew_of-a-test"
EXPLANATION = {
    "access": {"customer_id": "acme", "evidence_ref": "ticket:globex-1", "organization": "smsco"},
    "checks": [{"name": "customer", "expected": "acme", "found": "globex; initech"}],
    "evidence": [
        {
            "ref": "ticket:globex-1",
            "record": {"customer_ids": ["globex", "initech", "acme"], "organization": "otherco"},
            "changes": [{"field": "customer_ids", "before": ["umbrella"], "after": ["acme"]}],
            "versions": ["globex was added", "globex-2 is another"],
        }
    ],
}


class Groups(CannedStore):
    """Answers the question for groups, and no other."""

    def ask(self, sql: str, *args: object, **kwargs: object) -> Answer:
        if "uniqExact(resource_id)" in sql:
            return self.answer  # type: ignore[return-value] # it holds an answer
        return Answer((), (), ())


@pytest.mark.parametrize("role", ROLES)
def test_a_report_names_no_actor_to_a_reader(role: Role) -> None:
    """A customer is owed who looked by kind and purpose; the persons are for those who investigate."""
    columns = ("actor_type", "actor_id", "verdict", "accesses", "evidence_refs")
    store = Groups(Answer(columns, ("String",) * 5, [("employee", "e-1", "justified", 3, [])]))
    with client_of(store, Kept(), SECRET, purse=Purse(a_token(SECRET, role=role))) as client:
        report = client.get("/api/v1/reports/customer/acme").json()
    (group,) = report["groups"]
    assert (group["actor_type"], group["accesses"]) == ("employee", 3)
    assert group["actor_id"] == (None if role == "reader" else "e-1")
    assert report.get("actors_withheld", False) == (role == "reader")


def test_what_tells_of_a_person_is_a_field_of_a_row() -> None:
    """A name that changed would be withheld no more."""
    assert set(ROW_FIELDS) >= OF_THE_ACTOR


def test_an_explanation_names_no_customer_beyond_the_scope() -> None:
    """Its evidence may be about several; the access itself is within, and stays as it is."""
    shown = within(Scope(customers=("acme",)), EXPLANATION)
    assert shown["access"] == EXPLANATION["access"]
    assert shown["checks"][0]["found"] == f"{WITHHELD}; {WITHHELD}"
    assert shown["checks"][0]["expected"] == "acme"
    assert shown["evidence"][0]["record"]["customer_ids"] == [WITHHELD, WITHHELD, "acme"]
    assert shown["evidence"][0]["changes"][0]["before"] == [WITHHELD]
    assert shown["evidence"][0]["record"]["organization"] == "otherco"
    assert shown["evidence"][0]["versions"] == [f"{WITHHELD} was added", "globex-2 is another"]


def test_an_explanation_names_no_vendor_beyond_the_scope() -> None:
    """As with customers."""
    shown = within(Scope(vendors=("smsco",)), EXPLANATION)
    assert shown["evidence"][0]["record"]["organization"] == WITHHELD
    assert shown["evidence"][0]["record"]["customer_ids"] == ["globex", "initech", "acme"]

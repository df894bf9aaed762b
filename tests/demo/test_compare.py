import pytest

from earwitness.demo.compare import StoredVerdict, as_found, by_clause, by_reason, surprises
from earwitness.demo.labels import Label, LabelledAccess, derived, met, unjustified

COMPLAINT = "access.resolve-complaint"


def a_labelled(access_id: str, label: Label = met(COMPLAINT), kind: str = "own_ticket") -> LabelledAccess:  # noqa: B008
    """Build an access of which only the id, the kind and the label count."""
    return LabelledAccess({"id": access_id}, kind, label)


def a_row(access_id: str, label: Label = met(COMPLAINT)) -> StoredVerdict:  # noqa: B008
    """Build the row of the trail that such an access asks for."""
    return StoredVerdict(access_id, label.verdict, label.reason, label.clause or "")


def test_a_trail_that_says_what_the_labels_say_holds_no_surprise() -> None:
    """An empty clause in the trail is no clause in the label."""
    accesses = [a_labelled("a"), a_labelled("b", unjustified("evidence_not_cited"))]
    assert surprises(accesses, [a_row(access.id, access.label) for access in accesses]) == []


@pytest.mark.parametrize(
    "row",
    [
        StoredVerdict("a", "pending", "clause_met", COMPLAINT),
        StoredVerdict("a", "justified", "derived", COMPLAINT),
        StoredVerdict("a", "justified", "clause_met", "own-use"),
        StoredVerdict("a", "justified", "clause_met", ""),
    ],
)
def test_another_verdict_reason_or_clause_is_a_surprise(row: StoredVerdict) -> None:
    """Each of the three is promised, so each is compared."""
    (surprise,) = surprises([a_labelled("a")], [row])
    assert surprise.found == (row,)


def test_a_missing_and_a_doubled_access_are_surprises() -> None:
    """A trail that loses or repeats an access is not complete, however well it judges."""
    missing, doubled = surprises([a_labelled("a"), a_labelled("b")], [a_row("b"), a_row("b")])
    assert missing.describe() == (
        "a (own_ticket): expected justified, clause_met, access.resolve-complaint; found no row"
    )
    assert doubled.describe().endswith(
        "found justified, clause_met, access.resolve-complaint"
        " and justified, clause_met, access.resolve-complaint"
    )


def test_what_is_shown_is_what_the_trail_holds_and_not_the_label() -> None:
    """A demo that showed its own labels would show nothing of the stack."""
    (shown,) = as_found([a_labelled("a"), a_labelled("b")], [a_row("a", derived("own-use"))])
    assert shown == a_labelled("a", derived("own-use"))


def test_clauses_are_counted_with_what_was_derived() -> None:
    """How much is explained without being declared is what a person wants to know of each clause."""
    lines = by_clause(
        [
            a_labelled("a"),
            a_labelled("b", derived("customer.own-use")),
            a_labelled("c", met("customer.own-use")),
            a_labelled("d", unjustified("purpose_unknown")),
        ]
    )
    assert [(line.clause, line.total, line.derived_total) for line in lines] == [
        ("customer.own-use", 2, 1),
        (COMPLAINT, 1, 0),
    ]


def test_a_reason_is_shown_by_its_most_frequent_scene() -> None:
    """An odd case would mislead as the one example of a common reason."""
    reason = unjustified("actor_not_assigned")
    accesses = [a_labelled("a", reason, "odd"), *(a_labelled(name, reason, "usual") for name in "bc")]
    (line,) = by_reason([*accesses, a_labelled("d")])
    assert (line.reason, line.total, line.example.id) == ("actor_not_assigned", 3, "b")

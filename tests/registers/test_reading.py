from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.registers.reading import RowRefused
from tests.registers.builders import a_mapping, a_register, a_row, read, record, refusal


def test_a_row_becomes_a_record() -> None:
    """Its ref carries the prefix of its register; what the mapping leaves out has its default."""
    found = record(a_mapping(), a_row())
    assert (found.ref, found.kind, found.customer_ids) == ("ticket:T-1", "complaint", ("acme",))
    assert (found.valid_from, found.origin) == (datetime(2026, 1, 31, 9, 30, tzinfo=UTC), "import")


@pytest.mark.parametrize(
    ("path", "row", "found"),
    [
        ("a.b", {"a": {"b": "x"}}, ("x",)),
        ("a.b", {"a.b": "x"}, ("x",)),
        ("a.b", {"a": [{"b": "x"}, {"b": ["y", None]}, {}]}, ("x", "y")),
        ("a", {"a": 12}, ("12",)),
        ("a", {"a": " x "}, ("x",)),
        ("a[id=7].value", {"a": [{"id": 7, "value": "x"}, {"id": 8, "value": "y"}]}, ("x",)),
        ("a[id=9].value", {"a": [{"id": 7, "value": "x"}]}, ()),
        ("a.b", {"a": "text"}, ()),
        ("a.b", {}, ()),
    ],
)
def test_a_path_finds_what_stands_there(path: str, row: dict[str, Any], found: tuple[str, ...]) -> None:
    """Exports nest; ids are numbers in one system and text in the other."""
    assert record(a_mapping({"teams": {"from": path}}), a_row() | row).teams == found


def test_a_path_that_ends_in_an_object_is_a_fault() -> None:
    """Its text would be braces and quotation marks."""
    ((field, wanted),) = refusal(a_mapping({"organization": {"from": "org"}}), a_row(org={"id": 1}))
    assert field == "organization"
    assert "must go on to one of its keys" in wanted


def test_several_values_for_one_field_are_a_fault() -> None:
    """None of them is the first by right."""
    faults = refusal(a_mapping({"organization": {"from": "orgs"}}), a_row(orgs=["a", "b"]))
    assert faults == [("organization", "orgs holds 2 values; one is wanted")]


def test_a_template_joins_what_it_names() -> None:
    """The number of a ticket may be unique in its project only."""
    mapping = a_mapping({"ref": {"template": "{project}-{id}"}})
    assert record(mapping, a_row(project="SUP")).ref == "ticket:SUP-T-1"


def test_a_template_with_a_name_that_is_empty_gives_nothing() -> None:
    """`ticket:-T-1` would be the ref of another thing."""
    assert refusal(a_mapping({"ref": {"template": "{project}-{id}"}}), a_row()) == [
        ("ref", "the row has none")
    ]


def test_a_list_is_split_and_comes_in_order_without_repetition() -> None:
    """In which order a directory names people says nothing, and must not make a new version."""
    mapping = a_mapping({"customer_ids": {"from": "customer", "split": ";"}})
    assert record(mapping, a_row(customer="globex; acme;;globex")).customer_ids == ("acme", "globex")


@pytest.mark.parametrize(
    ("text", "status"), [("open", "active"), ("DELETED", "withdrawn"), ("new", "active")]
)
def test_a_value_means_what_the_mapping_says(text: str, status: str) -> None:
    """In whatever case; `otherwise` is for the rest."""
    rule = {"from": "s", "values": {"Open": "active", "deleted": "withdrawn"}, "otherwise": "active"}
    assert record(a_mapping({"status": rule}), a_row(s=text)).status == status


def test_a_value_that_the_mapping_does_not_know_is_a_fault() -> None:
    """A new status of the ticket system must not silently keep a ticket open."""
    faults = refusal(a_mapping({"status": {"from": "s", "values": {"open": "active"}}}), a_row(s="merged"))
    assert faults == [("status", "the mapping's values do not say what 'merged' stands for")]


@pytest.mark.parametrize(
    ("rule", "text", "instant"),
    [
        ({}, "2026-07-01T10:00:00+02:00", "2026-07-01T08:00:00Z"),
        ({"time": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}, "01.07.2026 10:00", "2026-07-01T08:00:00Z"),
        ({"time": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}, "01.12.2026 10:00", "2026-12-01T09:00:00Z"),
        ({"time": "%Y-%m-%dT%H:%M:%S.%f%z"}, "2021-01-20T15:58:12.797+1100", "2021-01-20T04:58:12.797Z"),
        ({"time": "unix_ms"}, 1642152961827, "2022-01-14T09:36:01.827Z"),
        ({"time": "unix"}, "1642152961", "2022-01-14T09:36:01Z"),
        ({"time": "%Y-%m-%d", "zone": "Europe/Berlin", "plus_days": 1}, "2026-03-29", "2026-03-29T22:00:00Z"),
    ],
)
def test_a_time_is_read_as_its_source_writes_it(rule: dict[str, Any], text: object, instant: str) -> None:
    """A day is as long as the clocks of its zone make it: 29 March 2026 has 23 hours in Berlin."""
    found = record(a_mapping({"valid_from": {"from": "opened", **rule}}), a_row(opened=text))
    assert found.valid_from == datetime.fromisoformat(instant)


@pytest.mark.parametrize(("field", "instant"), [("valid_from", "01:30"), ("valid_to", "00:30")])
def test_an_hour_that_comes_twice_never_makes_evidence_cover_more(field: str, instant: str) -> None:
    """On 25 October 2026 half past two comes twice in Berlin: begin at the later, end at the earlier."""
    rule = {"from": "t", "time": "%Y-%m-%d %H:%M", "zone": "Europe/Berlin"}
    found = record(a_mapping({field: rule}), a_row(t="2026-10-25 02:30"))
    assert getattr(found, field) == datetime.fromisoformat(f"2026-10-25T{instant}:00Z")


def test_an_hour_that_never_was_is_a_fault() -> None:
    """On 29 March 2026 the clocks of Berlin went from two to three."""
    rule = {"from": "opened", "time": "%Y-%m-%d %H:%M", "zone": "Europe/Berlin"}
    faults = refusal(a_mapping({"valid_from": rule}), a_row(opened="2026-03-29 02:30"))
    assert faults == [("valid_from", "is an hour that the clocks of Europe/Berlin skipped")]


def test_a_rule_counts_only_where_its_condition_holds() -> None:
    """A ticket that is solved ends when it was last touched; an open one has no end."""
    rule = {"from": "updated", "when": {"status": ["solved", "closed"]}}
    mapping = a_mapping({"valid_to": rule})
    updated = "2026-02-01T00:00:00Z"
    assert record(mapping, a_row(status="open", updated=updated)).valid_to is None
    assert record(mapping, a_row(status="SOLVED", updated=updated)).valid_to == datetime(
        2026, 2, 1, tzinfo=UTC
    )


def test_of_several_rules_the_first_that_gives_something_counts() -> None:
    """A customer's number stands in one of two columns, as history has it."""
    mapping = a_mapping({"customer_ids": [{"from": "customer"}, {"from": "legacy"}, {"value": "unknown"}]})
    assert record(mapping, a_row(customer="", legacy="c-9")).customer_ids == ("c-9",)
    assert record(mapping, a_row(customer="")).customer_ids == ("unknown",)


@pytest.mark.parametrize(
    ("filters", "row", "passed"),
    [
        ({"skip": {"type": ["test", "spam"]}}, {"type": "Spam"}, True),
        ({"skip": {"type": "spam"}}, {"type": "incident"}, False),
        ({"skip": [{"type": "x"}, {"customer": ""}]}, {"customer": ""}, True),
        ({"skip": {"type": "spam", "team": "a"}}, {"type": "spam", "team": "b"}, False),
        ({"only": {"type": "incident"}}, {"type": "incident"}, False),
        ({"only": {"type": "incident"}}, {}, True),
    ],
)
def test_rows_that_are_no_evidence_are_passed_over(
    filters: dict[str, Any],
    row: dict[str, Any],
    passed: bool,  # noqa: FBT001
) -> None:
    """They are no fault of the file."""
    assert (read(a_mapping(**filters), a_row() | row) is None) == passed


def test_every_fault_of_a_row_is_named() -> None:
    """By field, with what is wanted, so that the source can be mended in one go."""
    mapping = a_mapping({"status": {"from": "s", "values": {"open": "active"}}})
    faults = refusal(mapping, a_row(id="", opened="yesterday", s="odd"))
    assert [field for field, _ in faults] == ["valid_from", "status", "ref"]


@pytest.mark.parametrize(
    ("changes", "row", "field"),
    [
        ({"kind": None, "fields": {"kind": {"from": "k"}}}, {"k": "rumour"}, "kind"),
        ({"fields": {"valid_to": {"from": "closed"}}}, {"closed": "2026-01-31T09:29:59Z"}, "valid_to"),
        ({"kind": "election"}, {"customer": ""}, "customer_ids"),
        ({"kind": "employment", "fields": {"aliases": {"from": "mail"}}}, {"mail": "a@x"}, "aliases"),
        ({"fields": {"customer_ids": {"from": "customer"}}}, {"customer": "+15005550006"}, "customer_ids.0"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(
    changes: dict[str, Any], row: dict[str, Any], field: str
) -> None:
    """By the rules of the contract, and the field that broke one."""
    assert [place for place, _ in refusal(a_mapping(**changes), a_row() | row)] == [field]


@pytest.mark.parametrize(
    ("changes", "field", "wanted"),
    [
        ({"kind": "legal_order"}, "kind", "register tickets may tell complaint only, not legal_order"),
        ({"ref_prefix": "order:"}, "ref", "register tickets may tell of ticket:… only"),
    ],
)
def test_a_register_tells_what_it_is_allowed_to(changes: dict[str, Any], field: str, wanted: str) -> None:
    """A ticket system can never write a legal order, nor touch what another register told."""
    assert refusal(a_mapping(**changes), a_row(), a_register()) == [(field, wanted)]


def test_a_fault_shows_no_more_of_a_value_than_helps() -> None:
    """Rows hold what people wrote."""
    ((_, wanted),) = refusal(
        a_mapping({"status": {"from": "s", "values": {"a": "active"}}}), a_row(s="x" * 500)
    )
    assert len(wanted) < 150


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "customer", "opened", "a", "b"]), inner, max_size=4)
    ),
)


@given(row=st.dictionaries(st.sampled_from(["id", "customer", "opened", "a"]), _JSON))
def test_any_row_is_read_passed_over_or_refused(row: dict[str, Any]) -> None:
    """Whatever a ticket system sends: one row must not cost the others."""
    mapping = a_mapping(
        {"teams": {"from": "a.b"}, "valid_to": {"from": "a", "time": "unix_ms"}}, skip={"a": "x"}
    )
    with suppress(RowRefused):
        read(mapping, row)

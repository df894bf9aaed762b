import pytest

from earwitness.registers.mapping import parse_mapping
from earwitness.settings import ROOT
from models.errors import ConfigurationError

LOAD_ORIGINS = ("import", "register", "manual", "actor_statement")


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        parse_mapping(text.encode(), "m.toml", origins=LOAD_ORIGINS)
    return list(refused.value.faults)


@pytest.mark.parametrize("name", ["tickets.toml", "staff.toml"])
def test_the_examples_are_mappings(name: str) -> None:
    """Whoever begins copies one of them."""
    text = (ROOT / "examples/registers" / name).read_bytes()
    assert parse_mapping(text, name, origins=LOAD_ORIGINS).fields


def test_every_fault_is_named_at_once_with_its_key_and_what_is_wanted() -> None:
    """A mapping is mended in one go, not fault after fault."""
    found = faults(
        """
        ref_prefix = ""
        kind = "rumour"
        speed = 3
        skip = {}
        [fields]
        ref = { from = "id", template = "{id}" }
        customer_ids = { from = "a..b" }
        valid_from = { from = "opened", time = "%Y-%m-%d" }
        valid_to = { from = "closed", zone = "Europe/Atlantis" }
        withdrawn_at = { from = "gone", time = "soon" }
        purposes = { template = "no names" }
        customers = { from = "c" }
        """
    )
    told = "\n".join(found)
    for place, wanted in {
        "m.toml: ref_prefix": "at least 1 character",
        "m.toml: kind": "'complaint'",
        "m.toml: speed": "there is no such setting",
        "m.toml: skip[0]": "at least 1 item",
        "m.toml: fields.ref[0]": "exactly one of from, template and value",
        "m.toml: fields.customer_ids[0].from": "is no path",
        "m.toml: fields.valid_from[0]": "name the zone",
        "m.toml: fields.valid_to[0].zone": "'Europe/Atlantis' is no time zone",
        "m.toml: fields.withdrawn_at[0].time": "must be rfc3339, unix, unix_ms, or a format",
        "m.toml: fields.purposes[0].template": "must name columns or keys in braces",
        "m.toml: fields.customers": "an evidence record has no such field",
    }.items():
        assert any(line.startswith(f"{place}: ") and wanted in line for line in found), (place, told)


def test_a_field_that_evidence_does_not_have_is_named() -> None:
    """`customers` for `customer_ids` would make tickets that cover nobody."""
    (fault,) = faults(
        'ref_prefix = "t:"\nkind = "complaint"\n[fields]\nref = {from="id"}\ncustomers = {from="c"}'
    )
    assert fault.startswith(
        "m.toml: fields.customers: an evidence record has no such field; it has ref, kind,"
    )


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ('kind = { from = "k", split = "," }', "kind: split is for lists only"),
        ('status = { from = "s", zone = "UTC" }', "status: time, zone and plus_days are for times only"),
        ('organization = { value = ["a", "b"] }', "organization: one value is wanted"),
        ('status = { value = "active", default = "active" }', "goes with none of values"),
        ('status = { from = "s", otherwise = "active" }', "otherwise goes with values only"),
    ],
)
def test_a_setting_that_has_no_meaning_there_is_named(rule: str, wanted: str) -> None:
    """Ignored without a word, it would mean something to its author and nothing to us."""
    (fault,) = faults(f'ref_prefix = "t:"\n[fields]\nref = {{from="id"}}\nvalid_from = {{from="o"}}\n{rule}')
    assert wanted in fault


def test_what_a_record_needs_the_mapping_needs() -> None:
    """Otherwise each of a hundred thousand rows would be refused for it."""
    assert faults('ref_prefix = "t:"\n[fields]\nref = {from="id"}') == [
        "m.toml: fields.valid_from: is required",
        "m.toml: fields.kind: is required",
    ]


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        ('{ from = "how" }', "a row must not choose its own origin"),
        ('{ value = "webhook" }', "may be actor_statement, import, manual, register here"),
        ('{ from = "how", values = { form = "webhook" } }', "may be actor_statement"),
    ],
)
def test_no_row_chooses_its_own_origin(origin: str, wanted: str) -> None:
    """What an actor states proves nothing; a row could claim to be more than that."""
    (fault,) = faults(
        f'ref_prefix="t:"\nkind="complaint"\n[fields]\nref={{from="id"}}\nvalid_from={{from="o"}}\norigin={origin}'
    )
    assert fault.startswith("m.toml: fields.origin: ")
    assert wanted in fault


def test_what_is_not_toml_is_said_to_be() -> None:
    """With the place, as the parser gives it."""
    (fault,) = faults("ref_prefix =")
    assert fault.startswith("m.toml: is not TOML: ")

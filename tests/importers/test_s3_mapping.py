import pytest

from models.errors import ConfigurationError
from tests.importers.s3_logs import MAPPING_TEXT, a_mapping


def faults_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        a_mapping(text)
    return caught.value.faults


def test_a_mapping_is_read_with_its_rules_in_their_order() -> None:
    """The first rule that matches counts, so order is meaning."""
    mapping = a_mapping()
    assert [rule.actor_type for rule in mapping.requesters] == ["employee", "vendor", "service", "service"]
    assert mapping.source == "/imports/s3/recordings"


def test_every_fault_of_a_mapping_is_named_at_once() -> None:
    """Whoever writes a mapping should not have to run it once per mistake."""
    faults = faults_of(
        """
        source = "not a uri"
        colour = "red"
        [[resources]]
        bucket = "b"
        key = '(?P<customer_id>c'
        resource_type = "tape"
        [[requesters]]
        match = 'x'
        actor_type = "robot"
        [operations]
        "REST.GET.OBJECT" = "borrow"
        """
    )
    assert [fault.split(": ")[1] for fault in faults] == [
        "source",
        "resources[0].key",
        "resources[0].resource_type",
        "requesters[0].actor_type",
        "operations.REST.GET.OBJECT",
        "colour",
    ]
    assert all(fault.startswith("mapping.toml: ") for fault in faults)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("(?P<customer_id>[^/]+)/", "[^/]+/", "key names no customer"),
        ("(?P<customer_id>[^/]+)/", "(?P<customer>[^/]+)/", "key has the group customer; possible are"),
        ('actor_team = "support"', 'actor_id = "e-1"', "actor_id is both fixed and a group of match"),
        ("(?P<organization>[a-z]+)", "[a-z]+", "organization is required where actor_type is vendor"),
        ('"/imports/s3/recordings"', '"/imports/s3 recordings"', "must be a URI reference"),
        ('actor_id = "anonymous"', 'actor_id = "+15005550006"', "looks like a telephone number"),
        ("[ignore]", "[ignored]", "there is no such setting"),
        ("[ignore]", "[ignore]\nkeys = ['(']", "is not a regular expression"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_before_any_line_is_read(
    before: str, after: str, fault: str
) -> None:
    """A mapping that quietly maps nothing, or the wrong thing, would leave accesses out."""
    assert before in MAPPING_TEXT
    assert any(fault in told for told in faults_of(MAPPING_TEXT.replace(before, after, 1)))


@pytest.mark.parametrize("text", ["source = ", "\x00", "[[resources]", "source = " + "1" * 5_000])
def test_what_is_not_toml_is_said_to_be_so(text: str) -> None:
    """With the place, as the TOML reader gives it."""
    assert "is not TOML" in faults_of(text)[0]


def test_an_empty_mapping_names_what_every_mapping_needs() -> None:
    """The first thing that a newcomer tries."""
    assert [fault.split(": ")[1] for fault in faults_of("")] == ["source", "resources", "requesters"]

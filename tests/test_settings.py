from pathlib import Path

import pytest

from earwitness.settings import load
from models.errors import ConfigurationError


@pytest.mark.parametrize("address", ["", "foo", "foo:abc", "foo:0", "foo:99999", "a:1,b", "a b:1"])
def test_an_address_that_is_none_is_a_setting_to_mend(address: str) -> None:
    """Found out at the first connection, it would look like an outage."""
    with pytest.raises(ConfigurationError, match=r"EARWITNESS_KAFKA__BOOTSTRAP.*host:port"):
        load({"EARWITNESS_KAFKA__BOOTSTRAP": address})


@pytest.mark.parametrize("address", ["kafka:9092", "10.0.0.1:9092", "[::1]:9092", "a:1,b:2"])
def test_one_or_several_addresses_are_taken(address: str) -> None:
    """A cluster is named by more than one of its brokers."""
    assert load({"EARWITNESS_KAFKA__BOOTSTRAP": address}).kafka.bootstrap == address


def test_the_file_of_registers_is_named_not_read_as_a_secret() -> None:
    """Other settings that end in _FILE hold the value of a secret; this one is a file's name."""
    assert load({"EARWITNESS_REGISTERS_FILE": "/etc/registers.toml"}).registers_file == Path(
        "/etc/registers.toml"
    )


def test_every_faulty_setting_is_named_at_once() -> None:
    """Not one at every start."""
    environ = {"EARWITNESS_KAFKA__BOOTSTRAP": "foo", "EARWITNESS_API__PORT": "x", "EARWITNESS_TYPO": "1"}
    with pytest.raises(ConfigurationError) as refusal:
        load(environ)
    assert len(refusal.value.faults) == 3

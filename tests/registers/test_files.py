from pathlib import Path

import pytest

from earwitness.register_files import read_hooks, read_register, read_registers
from earwitness.registers.config import parse_registers
from earwitness.settings import ROOT
from models.errors import ConfigurationError

A_REGISTER = '[[registers]]\nname = "tickets"\nkinds = ["complaint"]\nref_prefixes = ["ticket:"]\n'
A_WEBHOOK = '[registers.webhook]\nflavour = "zendesk"\nmapping = "m.toml"\nsecret_file = "secret"\n'
A_MAPPING = (
    'ref_prefix = "ticket:"\nkind = "complaint"\nfields = {ref = {from = "id"}, valid_from = {from = "at"}}\n'
)


def a_folder(folder: Path, **files: str) -> Path:
    whole = {"registers.toml": A_REGISTER + A_WEBHOOK, "m.toml": A_MAPPING, "secret": "0123456789abcdef\n"}
    for name, text in (whole | {name.replace("__", "."): text for name, text in files.items()}).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "registers.toml"


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        parse_registers(text.encode(), "r.toml")
    return list(refused.value.faults)


def test_the_example_is_a_file_of_registers() -> None:
    """With a mapping beside it for each webhook."""
    found = read_registers(ROOT / "examples/registers.toml")
    assert [register.name for register in found.registers] == ["zendesk", "jira", "consents", "staff"]
    hooks = [register.webhook for register in found.registers if register.webhook is not None]
    assert all(hook.mapping.exists() for hook in hooks)


def test_every_fault_is_named_at_once() -> None:
    """By its key, with what is wanted."""
    found = faults(
        '[[registers]]\nname = "A b"\nkinds = []\nref_prefixes = [""]\nheartbeat_every_s = 0\nspeed = 1\n'
        '[registers.webhook]\nflavour = "fax"\nreplay_window_s = 0\n'
    )
    assert [fault.split(": ")[1] for fault in found] == [
        "registers[0].name",
        "registers[0].kinds",
        "registers[0].ref_prefixes[0]",
        "registers[0].heartbeat_every_s",
        "registers[0].webhook.flavour",
        "registers[0].webhook.mapping",
        "registers[0].webhook.secret_file",
        "registers[0].webhook.replay_window_s",
        "registers[0].speed",
    ]


@pytest.mark.parametrize("value", ["1" * 5_000, "[" * 50_000])
def test_what_is_too_long_or_too_deep_to_read_is_no_toml(value: str) -> None:
    """It is told like every other fault."""
    (fault,) = faults(f"registers = {value}")
    assert fault.startswith("r.toml: is not TOML: ")


def test_each_register_has_a_name_of_its_own() -> None:
    """Its name is in the path of its webhook and in what is on record."""
    assert faults(A_REGISTER * 2) == [
        "r.toml: registers: tickets stands there twice; each register has a name of its own"
    ]


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    """Wherever the API is started."""
    hook = read_hooks(read_registers(a_folder(tmp_path)))["tickets"]
    assert (hook.secret, hook.settings.replay_window_s) == (b"0123456789abcdef", 300)
    assert hook.settings.mapping == tmp_path / "m.toml"


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"secret": "short"}, "secret: holds 5 bytes; 16 are the least"),
        ({"m__toml": "speed = 1"}, "m.toml: speed: there is no such setting"),
        ({"m__toml": A_MAPPING.replace("fields", "nothing")}, "m.toml: nothing: there is no such setting"),
        ({"registers__toml": A_REGISTER + A_WEBHOOK.replace("m.toml", "n.toml")}, "n.toml: cannot be read"),
        (
            {
                "registers__toml": A_REGISTER + A_WEBHOOK + 'pseudonym_key_file = "m.toml"\n',
                "m__toml": "short",
            },
            "m.toml: is not TOML",
        ),
    ],
)
def test_a_webhook_that_cannot_be_set_up_is_named(tmp_path: Path, files: dict[str, str], wanted: str) -> None:
    """With its register; the API does not start."""
    with pytest.raises(ConfigurationError) as refused:
        read_hooks(read_registers(a_folder(tmp_path, **files)))
    assert any(fault.startswith("register tickets: ") and wanted in fault for fault in refused.value.faults)


def test_numbers_are_hidden_where_a_key_is_named(tmp_path: Path) -> None:
    """A ticket system that knows its customers by telephone number."""
    mapping = A_MAPPING.replace("}\n", ', customer_ids = {from = "phone"}}\n', 1)
    key = 'pseudonym_key_file = "key"\n'
    file = a_folder(tmp_path, registers__toml=A_REGISTER + A_WEBHOOK + key, m__toml=mapping, key="k" * 16)
    hook = read_hooks(read_registers(file))["tickets"]
    record = hook.reader.read({"id": "1", "at": "2026-01-31T09:00:00Z", "phone": "+15005550006"})
    assert record is not None
    assert record.customer_ids[0].startswith("tel-")


def test_no_file_is_no_register(tmp_path: Path) -> None:
    """And one that is named must be there."""
    assert read_registers(None).registers == ()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_registers(tmp_path / "missing.toml")


def test_a_register_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    """A typo would else be a register that may tell nothing."""
    with pytest.raises(ConfigurationError, match="has no such register; it has tickets"):
        read_register(a_folder(tmp_path), "ticket")

"""The file of registers and the mappings and secrets that it names, read from the disk."""

from pathlib import Path
from typing import Final

from earwitness_sdk import BadSettings, Pseudonyms

from earwitness.registers.config import Register, Registers, WebhookSettings, parse_registers
from earwitness.registers.hooks import HOOK_ORIGINS, Hook
from earwitness.registers.mapping import parse_mapping
from earwitness.registers.reading import Hide, Reader
from models.errors import ConfigurationError

LARGEST_FILE_BYTES: Final = 5_000_000
SHORTEST_SECRET_BYTES: Final = 16


def read_file(path: Path) -> bytes:
    """Read a small file. Raises `ConfigurationError`."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read: {error.strerror}"]) from error
    if len(text) > LARGEST_FILE_BYTES:
        raise ConfigurationError([f"{path}: is larger than {LARGEST_FILE_BYTES} bytes"])
    return text


def read_registers(path: Path | None) -> Registers:
    """Read the file of registers, none where there is no such file to read. Raises `ConfigurationError`.

    The paths in it count from its own folder.
    """
    if path is None:
        return Registers()
    found = parse_registers(read_file(path), str(path))
    folder = path.resolve().parent
    return Registers(registers=tuple(_placed(register, folder) for register in found.registers))


def read_register(path: Path | None, name: str) -> Register:
    """Find one register. Raises `ConfigurationError` that names those there are."""
    if path is None:
        raise ConfigurationError(
            [f"--register {name}: there is no file of registers; EARWITNESS_REGISTERS_FILE names one"]
        )
    registers = read_registers(path)
    found = registers.named(name)
    if found is None:
        known = ", ".join(register.name for register in registers.registers) or "none"
        raise ConfigurationError([f"--register {name}: {path} has no such register; it has {known}"])
    return found


def read_hooks(registers: Registers) -> dict[str, Hook]:
    """Read the mappings and secrets of all webhooks.

    Raises `ConfigurationError` that names the faults of every one of them.
    """
    hooks: dict[str, Hook] = {}
    faults: list[str] = []
    for register in registers.registers:
        try:
            if register.webhook is not None:
                hooks[register.name] = _hook(register, register.webhook)
        except ConfigurationError as error:
            faults += [f"register {register.name}: {fault}" for fault in error.faults]
    if faults:
        raise ConfigurationError(faults)
    return hooks


def _hook(register: Register, settings: WebhookSettings) -> Hook:
    mapping = parse_mapping(read_file(settings.mapping), str(settings.mapping), origins=HOOK_ORIGINS)
    secret = read_file(settings.secret_file).strip()
    if len(secret) < SHORTEST_SECRET_BYTES:
        raise ConfigurationError(
            [f"{settings.secret_file}: holds {len(secret)} bytes; {SHORTEST_SECRET_BYTES} are the least"]
        )
    defaults = {"origin": "webhook", "recorded_by": register.name}
    return Hook(register, settings, Reader(mapping, defaults, register, _hide(settings)), secret)


def _hide(settings: WebhookSettings) -> Hide | None:
    if settings.pseudonym_key_file is None:
        return None
    try:
        return Pseudonyms(read_file(settings.pseudonym_key_file).strip()).applied
    except BadSettings as error:
        raise ConfigurationError([f"{settings.pseudonym_key_file}: {error}"]) from error


def _placed(register: Register, folder: Path) -> Register:
    if register.webhook is None:
        return register
    named = {
        name: getattr(register.webhook, name) for name in ("mapping", "secret_file", "pseudonym_key_file")
    }
    paths = {name: None if path is None else folder / path for name, path in named.items()}
    return register.model_copy(update={"webhook": register.webhook.model_copy(update=paths)})

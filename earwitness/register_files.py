"""The file of registers and the mappings and secrets that it names, read from the disk."""

from pathlib import Path
from typing import Final

from earwitness.registers.config import Register, Registers, parse_registers
from models.errors import ConfigurationError

LARGEST_FILE_BYTES: Final = 5_000_000


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


def _placed(register: Register, folder: Path) -> Register:
    if register.webhook is None:
        return register
    paths = {name: folder / getattr(register.webhook, name) for name in ("mapping", "secret_file")}
    return register.model_copy(update={"webhook": register.webhook.model_copy(update=paths)})

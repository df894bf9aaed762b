"""Which registers there are, and what each of them may tell: a TOML file, read once at start.

examples/registers.toml is one, with every setting explained.
"""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, field_validator

from earwitness.registers.toml import Part, parse
from models.evidence import EvidenceKind, EvidenceRecord
from models.fields import EvidenceRef
from models.registers import MOST_REGISTERS, IntervalS, RegisterName

DEFAULT_REPLAY_WINDOW_S: Final = 300
LONGEST_REPLAY_WINDOW_S: Final = 86_400

Flavour = Literal["zendesk", "jira", "earwitness"]
"""How a webhook proves who sends it: the two products' own ways, and ours for anything else."""


def _path(value: object) -> object:
    return Path(value) if isinstance(value, str) and value else value


_File = Annotated[Path, BeforeValidator(_path)]


class WebhookSettings(Part):
    """How a ticket system reaches us. Paths count from the folder of the file that names them."""

    flavour: Flavour
    mapping: _File
    secret_file: _File
    replay_window_s: Annotated[int, Field(ge=1, le=LONGEST_REPLAY_WINDOW_S)] = DEFAULT_REPLAY_WINDOW_S
    """How far the time of a delivery may lie from ours, and how long one is remembered."""
    pseudonym_key_file: _File | None = None
    """The key by which telephone numbers are replaced; the same for accesses and evidence."""


class Register(Part):
    """One source of evidence and its allow-list: what is not named here it can never tell."""

    name: RegisterName
    kinds: Annotated[tuple[EvidenceKind, ...], Field(min_length=1, strict=False)]
    ref_prefixes: Annotated[tuple[EvidenceRef, ...], Field(min_length=1, strict=False)]
    heartbeat_every_s: IntervalS | None = None
    """How often it must have told us something, or said that there is nothing. None: nobody waits for it."""
    webhook: WebhookSettings | None = None

    def objection_to(self, record: EvidenceRecord) -> tuple[str, str] | None:
        """Name the field, and what is wanted there, by which a record goes beyond the allow-list."""
        return self.objection_to_any(record.kind, record.ref)

    def objection_to_any(self, kind: EvidenceKind, ref_prefix: str) -> tuple[str, str] | None:
        """Name the field by which a record of a kind, whose ref begins so, can go beyond the allow-list."""
        if kind not in self.kinds:
            return "kind", f"register {self.name} may tell {', '.join(self.kinds)} only, not {kind}"
        if not ref_prefix.startswith(self.ref_prefixes):
            return "ref", f"register {self.name} may tell of {_joined(self.ref_prefixes)} only"
        return None


class Registers(Part):
    """All registers of an installation."""

    registers: Annotated[tuple[Register, ...], Field(max_length=MOST_REGISTERS, strict=False)] = ()

    @field_validator("registers")
    @classmethod
    def _each_name_once(cls, value: tuple[Register, ...]) -> tuple[Register, ...]:
        names = [register.name for register in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            msg = f"{', '.join(twice)} stands there twice; each register has a name of its own"
            raise ValueError(msg)
        return value

    def named(self, name: str) -> Register | None:
        """Give the register of that name."""
        return next((register for register in self.registers if register.name == name), None)


def parse_registers(text: bytes, name: str) -> Registers:
    """Read the file of registers; `name` is what to call it in errors.

    Raises ConfigurationError that names every fault at once.
    """
    return parse(Registers, text, name)


def _joined(prefixes: tuple[str, ...]) -> str:
    return ", ".join(f"{prefix}…" for prefix in prefixes)

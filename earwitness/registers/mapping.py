"""The mapping: what the columns or keys of another system mean as an evidence record.

A TOML file, read once. docs/registers.md explains every setting; examples/registers/ holds some.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from earwitness.registers.paths import steps_of
from earwitness.registers.times import RFC_3339, UNIX, UNIX_MS
from earwitness.registers.toml import Part, parse
from models.errors import ConfigurationError
from models.evidence import EvidenceKind, EvidenceRecord
from models.fields import EvidenceRef

LISTS: Final = frozenset(
    (
        "customer_ids",
        "resource_types",
        "resource_ids",
        "assignees",
        "functions",
        "purposes",
        "teams",
        "aliases",
    )
)
TIMES: Final = frozenset(("valid_from", "valid_to", "withdrawn_at", "recorded_at"))
ENDS: Final = frozenset(("valid_to", "withdrawn_at"))

MOST_RULES: Final = 1_000
MOST_DAYS: Final = 3_660
PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


def _check_path(path: str) -> str:
    steps_of(path)
    return path


def _check_template(text: str) -> str:
    names: list[str] = PLACEHOLDER.findall(text)
    if not names or re.search(r"[{}]", PLACEHOLDER.sub("", text)):
        msg = "must name columns or keys in braces, as {project}-{id}"
        raise ValueError(msg)
    for name in names:
        steps_of(name)
    return text


def _check_time(form: str) -> str:
    if form not in (RFC_3339, UNIX, UNIX_MS) and "%" not in form:
        msg = f"must be {RFC_3339}, {UNIX}, {UNIX_MS}, or a format as %d.%m.%Y %H:%M"
        raise ValueError(msg)
    return form


def _check_zone(name: object) -> object:
    if not isinstance(name, str):
        return name
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"{name!r} is no time zone, as Europe/Berlin or UTC"
        raise ValueError(msg) from error


def _as_list(value: object) -> object:
    return [value] if isinstance(value, dict) else value


def _as_texts(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _check_field(name: str) -> str:
    if name not in EvidenceRecord.model_fields:
        msg = f"an evidence record has no such field; it has {', '.join(EvidenceRecord.model_fields)}"
        raise ValueError(msg)
    return name


_Field = Annotated[str, AfterValidator(_check_field)]
_Path = Annotated[str, AfterValidator(_check_path)]
_Texts = Annotated[tuple[str, ...], BeforeValidator(_as_texts), Field(max_length=MOST_RULES, strict=False)]
Condition = dict[_Path, _Texts]
"""Holds where each named value is one of those listed, in whatever case; `""` is an absent one."""


class FieldRule(Part):
    """Where one field comes from: `from` a column or path, a `template` of several, or a fixed `value`."""

    source: Annotated[_Path | None, Field(alias="from")] = None
    template: Annotated[str, AfterValidator(_check_template)] | None = None
    value: _Texts | None = None
    values: Annotated[dict[str, str], Field(default_factory=dict)]
    """What each value of the source stands for, in whatever case."""
    otherwise: str | None = None
    """What a value stands for that is not among `values`; without it such a row is refused."""
    default: str | None = None
    """What an empty source stands for; without it the field is absent."""
    split: Annotated[str, Field(min_length=1)] | None = None
    time: Annotated[str, AfterValidator(_check_time)] = RFC_3339
    zone: Annotated[ZoneInfo, BeforeValidator(_check_zone)] | None = None
    plus_days: Annotated[int, Field(ge=0, le=MOST_DAYS)] = 0
    """Added to a time: 1 makes the last day of something the day after it, when it is over."""
    when: Annotated[Condition, Field(default_factory=dict)]

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        given = [self.source, self.template, self.value]
        if sum(origin is not None for origin in given) != 1:
            msg = "wants exactly one of from, template and value"
            raise ValueError(msg)
        if self.value is not None and (self.values or self.otherwise or self.default or self.split):
            msg = "a fixed value goes with none of values, otherwise, default and split"
            raise ValueError(msg)
        if self.otherwise is not None and not self.values:
            msg = "otherwise goes with values only"
            raise ValueError(msg)
        local = "%" in self.time and "%z" not in self.time
        if local and self.zone is None:
            msg = f"the format {self.time} says no offset: name the zone, as zone = 'Europe/Berlin'"
            raise ValueError(msg)
        return self

    @property
    def paths(self) -> list[str]:
        """Every column or path that it needs."""
        named = [self.source] if self.source else PLACEHOLDER.findall(self.template or "")
        return [*named, *self.when]

    @property
    def results(self) -> set[str] | None:
        """What it can give, where that does not hang on the row; None where it does."""
        if self.value is not None:
            return set(self.value)
        if not self.values:
            return None
        return {*self.values.values(), *(text for text in (self.otherwise, self.default) if text is not None)}


_Rules = Annotated[
    tuple[FieldRule, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=MOST_RULES, strict=False)
]


class RegisterMapping(Part):
    """What one row becomes. Of several rules for a field the first that applies and gives something counts.

    Every ref begins with `ref_prefix`; `fields.ref` gives the rest. Rows that meet a condition of
    `skip`, or not all of `only`, are passed over.
    """

    ref_prefix: Annotated[EvidenceRef, Field(min_length=1)]
    kind: EvidenceKind | None = None
    format: Literal["csv", "jsonl"] | None = None
    """None: by the file's ending."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    only: Annotated[Condition, Field(default_factory=dict)]
    skip: Annotated[
        tuple[Annotated[Condition, Field(min_length=1)], ...],
        BeforeValidator(_as_list),
        Field(max_length=MOST_RULES, strict=False),
    ] = ()
    fields: dict[_Field, _Rules]

    @field_validator("fields")
    @classmethod
    def _mean_something_there(
        cls, value: dict[str, tuple[FieldRule, ...]]
    ) -> dict[str, tuple[FieldRule, ...]]:
        faults = [
            f"{name}: {fault}"
            for name, rules in value.items()
            for rule in rules
            for fault in _misplaced(name, rule)
        ]
        if "ref" not in value:
            faults.append("ref: is required; it gives what follows ref_prefix")
        if faults:
            raise ValueError("; ".join(faults))
        return value

    @model_validator(mode="after")
    def _has_one_kind(self) -> Self:
        if self.kind is not None and "kind" in self.fields:
            msg = "kind is both fixed and a field; keep one"
            raise ValueError(msg)
        return self

    @property
    def paths(self) -> set[str]:
        """Every column or path that a row is asked for."""
        conditions = [self.only, *self.skip]
        named = {path for condition in conditions for path in condition}
        return named | {path for rules in self.fields.values() for rule in rules for path in rule.paths}


def parse_mapping(
    text: bytes, name: str, *, wanted: Iterable[str] = ("valid_from", "kind"), origins: Iterable[str] = ()
) -> RegisterMapping:
    """Read a mapping that tells the `wanted` fields, and in `origin` nothing but `origins`.

    `name` is what to call it in errors. Raises ConfigurationError that names every fault at once.
    """
    mapping = parse(RegisterMapping, text, name)
    faults = [
        f"{name}: fields.{field}: is required"
        for field in wanted
        if field not in mapping.fields and getattr(mapping, field, None) is None
    ]
    faults += [f"{name}: fields.origin: {fault}" for fault in _origin_faults(mapping, frozenset(origins))]
    if faults:
        raise ConfigurationError(faults)
    return mapping


def _misplaced(field: str, rule: FieldRule) -> Iterable[str]:
    timed = rule.time != RFC_3339 or rule.zone is not None or rule.plus_days
    if field not in TIMES and timed:
        yield "time, zone and plus_days are for times only"
    if field not in LISTS and rule.split is not None:
        yield "split is for lists only"
    if field not in LISTS and rule.value is not None and len(rule.value) != 1:
        yield "one value is wanted"


def _origin_faults(mapping: RegisterMapping, allowed: frozenset[str]) -> Iterable[str]:
    for rule in mapping.fields.get("origin", ()):
        results = rule.results
        if results is None:
            yield "must be a value, or have values: a row must not choose its own origin"
        elif not results <= allowed:
            yield f"may be {', '.join(sorted(allowed))} here"

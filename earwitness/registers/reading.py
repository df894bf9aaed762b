"""From one row to one evidence record, or to every reason why not."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from earwitness.registers.config import Register
from earwitness.registers.mapping import (
    ENDS,
    LISTS,
    PLACEHOLDER,
    TIMES,
    Condition,
    FieldRule,
    RegisterMapping,
)
from earwitness.registers.paths import Row, Unusable, text_at, texts_at
from earwitness.registers.times import plus_days, read_time
from models.evidence import EvidenceRecord, contradiction_in

Hide = Callable[[Mapping[str, object]], dict[str, object]]
"""Puts pseudonyms in the place of telephone numbers, as the SDK does."""

LONGEST_SHOWN: Final = 60


class RowRefused(Exception):
    """A row gives no record. `faults` holds (field, what is wanted) for each fault."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{field}: {wanted}" for field, wanted in faults))


class NotAllowed(RowRefused):
    """A row gives a record that its register may not tell."""


class Reader(NamedTuple):
    """Makes records of rows.

    `defaults` are the fields that the mapping may leave out. With `register`, nothing beyond its
    allow-list is made.
    """

    mapping: RegisterMapping
    defaults: Mapping[str, Any]
    register: Register | None = None
    hide: Hide | None = None

    def read(self, row: Row) -> EvidenceRecord | None:
        """Give the record of a row, None where the mapping passes over it.

        Raises `RowRefused`, or `NotAllowed` for what goes beyond the allow-list.

        Lists come in order and without repetition: in which order a source names people says nothing.
        """
        try:
            if self._passes_over(row):
                return None
        except Unusable as error:
            raise RowRefused([("skip", str(error))]) from error
        record = _checked(self._found_in(row))
        contradiction = contradiction_in(record)
        if contradiction is not None:
            raise RowRefused([contradiction])
        objection = None if self.register is None else self.register.objection_to(record)
        if objection is not None:
            raise NotAllowed([objection])
        return record

    def _passes_over(self, row: Row) -> bool:
        mapping = self.mapping
        return not holds(mapping.only, row) or any(holds(condition, row) for condition in mapping.skip)

    def _found_in(self, row: Row) -> dict[str, object]:
        fields: dict[str, object] = dict(self.defaults)
        if self.mapping.kind is not None:
            fields["kind"] = self.mapping.kind
        faults: list[tuple[str, str]] = []
        for name, rules in self.mapping.fields.items():
            try:
                value = _first(name, rules, row)
            except Unusable as error:
                faults.append((name, str(error)))
                continue
            if value is not None:
                fields[name] = value
        if "ref" in fields:
            fields["ref"] = f"{self.mapping.ref_prefix}{fields['ref']}"
        elif not any(name == "ref" for name, _ in faults):
            faults.append(("ref", "the row has none"))
        if faults:
            raise RowRefused(faults)
        return fields if self.hide is None else self.hide(fields)


def holds(condition: Condition, row: Row) -> bool:
    """Say whether each value that a condition names is one of those that it lists. Raises `Unusable`."""
    return not condition or all(
        {text.casefold() for text in texts_at(row, path) or [""]} & {text.casefold() for text in listed}
        for path, listed in condition.items()
    )


def normal(record: EvidenceRecord) -> EvidenceRecord:
    """Give the record with its lists in order and without repetition: it says the same."""
    unsorted = {name: value for name in LISTS if len(value := getattr(record, name)) > 1}
    if not unsorted:
        return record
    return record.model_copy(update={name: tuple(sorted(set(value))) for name, value in unsorted.items()})


def _first(name: str, rules: tuple[FieldRule, ...], row: Row) -> object:
    for rule in rules:
        if holds(rule.when, row):
            value = _given(name, rule, row)
            if value:
                return value
    return None


def _given(name: str, rule: FieldRule, row: Row) -> object:
    if name in LISTS:
        return [_meant(text, rule) for text in _parts(rule, row)]
    text = _meant(_one(rule, row), rule)
    return _instant(name, rule, text) if text and name in TIMES else text


def _parts(rule: FieldRule, row: Row) -> list[str]:
    if rule.value is not None:
        return list(rule.value)
    found = texts_at(row, rule.source) if rule.source else [text for text in [_filled(rule, row)] if text]
    if rule.split is not None:
        found = [part.strip() for text in found for part in text.split(rule.split) if part.strip()]
    return found or ([""] if rule.default else [])


def _one(rule: FieldRule, row: Row) -> str:
    if rule.value is not None:
        return rule.value[0]
    return text_at(row, rule.source) if rule.source else _filled(rule, row)


def _filled(rule: FieldRule, row: Row) -> str:
    """Give the template with its names replaced; empty where one of them is."""
    template = rule.template or ""
    found = {name: text_at(row, name) for name in PLACEHOLDER.findall(template)}
    return PLACEHOLDER.sub(lambda match: found[match[1]], template) if all(found.values()) else ""


def _meant(text: str, rule: FieldRule) -> str:
    if not text:
        return rule.default or ""
    if not rule.values:
        return text
    meanings = {value.casefold(): meaning for value, meaning in rule.values.items()}
    meaning = meanings.get(text.casefold(), rule.otherwise)
    if meaning is None:
        raise Unusable(f"the mapping's values do not say what {text[:LONGEST_SHOWN]!r} stands for")
    return meaning


def _instant(name: str, rule: FieldRule, text: str) -> datetime:
    instant = read_time(text, rule.time, rule.zone, "end" if name in ENDS else "begin")
    return plus_days(instant, rule.plus_days, rule.zone) if rule.plus_days else instant


def _checked(fields: Mapping[str, object]) -> EvidenceRecord:
    try:
        return normal(EvidenceRecord.model_validate(fields))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise RowRefused([(_place(fault["loc"]), _wanted(fault)) for fault in faults]) from error


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "row"


def _wanted(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "missing":
        return "is required, and the row has none"
    return str(fault["msg"]).removeprefix("Value error, ")

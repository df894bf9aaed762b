"""The rules in a folder, all of them sound, or an error that names every fault."""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from earwitness.alerts.rules import AccessCondition, BehaviourCondition, Rule
from earwitness.query.language.parser import parse
from earwitness.query.language.times import names_a_time
from earwitness.query.statement import check_statement
from models.errors import QueryRejected, RulesInvalid

MOST_RULES: Final = 200
LARGEST_FILE_BYTES: Final = 256 * 1024
BOUNDS: Final = ("since", "until")


def load_rules(folder: Path) -> tuple[Rule, ...]:
    """Read every `*.toml` of a folder, in the order of their names.

    Raises `RulesInvalid` with every fault of every file: keep the last good set.
    """
    try:
        paths = sorted(folder.glob("*.toml"))
    except OSError as error:
        raise RulesInvalid([f"{folder}: {error}"]) from error
    if not paths:
        raise RulesInvalid([f"{folder}: holds no rules; they are files named *.toml"])
    if len(paths) > MOST_RULES:
        raise RulesInvalid([f"{folder}: holds {len(paths)} rules; at most {MOST_RULES} are read"])
    rules: list[Rule] = []
    faults: list[str] = []
    for path in paths:
        try:
            rules.append(load_rule(path))
        except RulesInvalid as error:
            faults += error.faults
    faults += _shared(rules)
    if faults:
        raise RulesInvalid(faults)
    return tuple(rules)


def load_rule(path: Path) -> Rule:
    """Read one file. Raises `RulesInvalid`."""
    try:
        written = path.read_bytes()
    except OSError as error:
        raise RulesInvalid([f"{path}: {error.strerror or error}"]) from error
    return read_rule(written, path.name, stem=path.stem)


def read_rule(written: bytes, name: str, stem: str | None = None) -> Rule:
    """Read a rule from the bytes of its file, which is called `name`. Raises `RulesInvalid`."""
    if len(written) > LARGEST_FILE_BYTES:
        raise RulesInvalid([f"{name}: is larger than {LARGEST_FILE_BYTES} bytes"])
    try:
        fields = tomllib.loads(written.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulesInvalid([f"{name}: is no TOML: {error}"]) from error
    fields["digest"] = hashlib.sha256(written).hexdigest()[:16]
    try:
        rule = Rule.model_validate(fields)
    except ValidationError as error:
        raise RulesInvalid([f"{name}: {fault}" for fault in _said(error)]) from error
    faults = [f"{name}: {fault}" for fault in _faults(rule, stem)]
    if faults:
        raise RulesInvalid(faults)
    return rule


def _said(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in fault["loc"])
        yield f"{where or 'the rule'}: {fault['msg'].removeprefix('Value error, ')}"


def _faults(rule: Rule, stem: str | None) -> Iterator[str]:
    if stem is not None and stem != rule.id:
        yield f"id is {rule.id!r}; a file is named after the id of its rule"
    if isinstance(rule.condition, AccessCondition):
        yield from _faults_of_query(rule.condition)
    elif isinstance(rule.condition, BehaviourCondition):
        yield from _faults_of_sql(rule.condition)


def _faults_of_query(condition: AccessCondition) -> Iterator[str]:
    try:
        query = parse(condition.query)
    except QueryRejected as error:
        yield f"condition.query: {error}"
        return
    if names_a_time(query):
        yield "condition.query: names a time; a rule looks at each verdict once, when it is given"


def _faults_of_sql(condition: BehaviourCondition) -> Iterator[str]:
    try:
        check_statement(condition.sql)
    except QueryRejected as error:
        yield f"condition.sql: {error}"
    for bound in BOUNDS:
        if f"{{{bound}:" not in condition.sql:
            yield (
                f"condition.sql: does not use {{{bound}:DateTime64(6, 'UTC')}}, so it would read the trail"
                " without a limit"
            )
        if bound in condition.tunables:
            yield f"condition.tunables.{bound}: is a bound of the window, and no tunable"
    for name in condition.tunables:
        if f"{{{name}:" not in condition.sql:
            yield f"condition.tunables.{name}: the statement does not use it"


def _shared(rules: Sequence[Rule]) -> list[str]:
    def twice(values: Iterator[Any]) -> list[Any]:
        return [value for value, count in Counter(values).items() if count > 1]

    codes = twice(rule.code for rule in rules)
    return [f"{code}: several rules have this code" for code in codes]

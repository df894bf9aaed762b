"""Whether a schema still accepts all that its predecessor accepted.

A producer that was right yesterday must be right today. So fields, variants and values may be
added; taking one away, or asking for more, needs a new version at the end of the schema's `$id`.
"""

from typing import Any, Final

Schema = dict[str, Any]

_UPPER_LIMITS: Final = ("maxLength", "maximum", "maxItems")
_LOWER_LIMITS: Final = ("minLength", "minimum", "minItems")
_RULES: Final = ("pattern", "format", "not", "const")


def breaks(old: Schema, new: Schema) -> list[str]:
    """Name every way in which `new` refuses what `old` accepted; none where its version grew."""
    if version_of(new) > version_of(old):
        return []
    before, after = old["properties"], new["properties"]
    faults = [f"{name}: is gone" for name in before if name not in after]
    faults += [f"{name}: is required now" for name in sorted(set(new["required"]) - set(old["required"]))]
    if new["allOf"] != old["allOf"]:
        faults.append("allOf: a rule about several fields changed")
    for name in before:
        if name in after:
            faults += _narrowings(before[name], after[name], name)
    return faults


def version_of(schema: Schema) -> int:
    """Read the version at the end of a schema's `$id`."""
    return int(schema["$id"].rpartition(":")[2])


def _narrowings(old: Schema, new: Schema, path: str) -> list[str]:
    faults: list[str] = []
    accepted = {variant["type"]: variant for variant in _variants(new)}
    for before in _variants(old):
        after = accepted.get(before["type"])
        if after is None:
            faults.append(f"{path}: takes no {before['type']} any more")
        else:
            faults += _narrowings_of_one_type(before, after, path)
    return faults


def _variants(schema: Schema) -> list[Schema]:
    variants: list[Schema] = schema.get("anyOf", [schema])
    return variants


def _narrowings_of_one_type(old: Schema, new: Schema, path: str) -> list[str]:
    faults = [f"{path}: {value!r} is refused now" for value in _lost_values(old, new)]
    faults += [
        f"{path}: {limit} is {new[limit]} now, was {old.get(limit, 'unlimited')}"
        for limit in _UPPER_LIMITS
        if limit in new and new[limit] < old.get(limit, float("inf"))
    ]
    faults += [
        f"{path}: {limit} is {new[limit]} now, was {old.get(limit, 0)}"
        for limit in _LOWER_LIMITS
        if new.get(limit, 0) > old.get(limit, 0)
    ]
    faults += [f"{path}: {rule} changed" for rule in _RULES if rule in new and new[rule] != old.get(rule)]
    if "items" in new:
        faults += _narrowings(old["items"], new["items"], f"{path}[]")
    return faults


def _lost_values(old: Schema, new: Schema) -> list[Any]:
    if "enum" not in new:
        return []
    return [value for value in old.get("enum", ["any other text"]) if value not in new["enum"]]

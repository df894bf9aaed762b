"""JSON Schemas of what travels on the topics, for producers in other languages.

pydantic says each field's type and limits; the rules that a model keeps in validators, and those
that stand beside it (`contradiction_in`), are added here. tests/reference holds both to the same answers.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from models import topics
from models.access import OUTSIDERS, AccessEvent
from models.evidence import KINDS_OF_A_CUSTOMER_S_WILL, KINDS_WITH_ALIASES, EvidenceRecord

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_TELEPHONE_NUMBER: Final = r"^\+[0-9]{8,15}$"
_NO_NUMBER: Final[Schema] = {"not": {"pattern": _TELEPHONE_NUMBER}}
_ONE_ID: Final[Schema] = {"not": {"anyOf": [{"pattern": _TELEPHONE_NUMBER}, {"const": "*"}]}}
_ONE: Final[Schema] = {"not": {"const": "*"}}
_UUID: Final[Schema] = {"pattern": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"}
_TIME: Final[Schema] = {
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]+)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})$"
}
_URI: Final[Schema] = {
    "format": "uri-reference",
    "pattern": r"^([A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$",
}

_ACCESS_RULES: Final[Mapping[str, Schema]] = {
    "id": _UUID,
    "time": _TIME,
    "source": _URI,
    "actor_id": _ONE_ID,
    "resource_id": _ONE_ID,
    "customer_id": _NO_NUMBER,
    "organization": _ONE,
    "recipient": _ONE_ID,
}
_EVIDENCE_RULES: Final[Mapping[str, Schema]] = {
    "customer_ids": _ONE_ID,
    "resource_ids": _ONE_ID,
    "assignees": _ONE_ID,
    "aliases": _ONE_ID,
    "organization": _ONE,
    "valid_from": _TIME,
    "valid_to": _TIME,
    "withdrawn_at": _TIME,
    "recorded_by": _ONE_ID,
    "recorded_at": _TIME,
}
_OUTSIDERS_NAME_THEIR_ORGANIZATION: Final[Schema] = {
    "if": {"properties": {"actor_type": {"enum": sorted(OUTSIDERS)}}},
    "then": {"required": ["organization"], "properties": {"organization": {"type": "string"}}},
}
_ALIASES_ARE_OF_ONE_ACTOR: Final[Schema] = {
    "if": {
        "required": ["aliases"],
        "properties": {
            "kind": {"enum": sorted(KINDS_WITH_ALIASES)},
            "aliases": {"type": "array", "minItems": 1},
        },
    },
    "then": {"required": ["assignees"], "properties": {"assignees": {"type": "array", "minItems": 1}}},
}
_ONLY_THE_WITHDRAWN_WERE_WITHDRAWN: Final[Schema] = {
    "if": {"required": ["withdrawn_at"], "properties": {"withdrawn_at": {"type": "string"}}},
    "then": {"required": ["status"], "properties": {"status": {"const": "withdrawn"}}},
}
_A_WILL_IS_SOMEBODY_S: Final[Schema] = {
    "if": {"properties": {"kind": {"enum": sorted(KINDS_OF_A_CUSTOMER_S_WILL)}}},
    "then": {
        "required": ["customer_ids"],
        "properties": {"customer_ids": {"type": "array", "minItems": 1}},
    },
}


def access_event_schema() -> Schema:
    """Give the JSON Schema of one access event."""
    rules = [_OUTSIDERS_NAME_THEIR_ORGANIZATION]
    return _schema(AccessEvent, topics.ACCESS_SCHEMA, _ACCESS_RULES, rules)


def evidence_record_schema() -> Schema:
    """Give the JSON Schema of one evidence record, as whoever takes evidence in wants it."""
    rules = [_ALIASES_ARE_OF_ONE_ACTOR, _ONLY_THE_WITHDRAWN_WERE_WITHDRAWN, _A_WILL_IS_SOMEBODY_S]
    return _schema(EvidenceRecord, topics.EVIDENCE_SCHEMA, _EVIDENCE_RULES, rules)


def _schema(
    model: type[BaseModel], schema_id: str, added: Mapping[str, Schema], rules: list[Schema]
) -> Schema:
    made = model.model_json_schema()
    required = made["required"]
    properties = {
        name: _field(field, added.get(name, {}), name in required)
        for name, field in made["properties"].items()
    }
    return {
        "$schema": DIALECT,
        "$id": schema_id,
        "title": made["title"],
        "description": made["description"].split("\n\n")[0],
        "type": "object",
        "properties": properties,
        "required": required,
        "allOf": rules,
        "additionalProperties": False,
    }


def _field(field: Schema, added: Schema, required: bool) -> Schema:  # noqa: FBT001 - it is no mode
    """Join a field's type, its added rule and, where it may be left out, the null that means the same."""
    variants = [variant for variant in field.get("anyOf", [field]) if variant.get("type") != "null"]
    kind = {name: value for name, value in variants[0].items() if name not in ("title", "default")}
    if kind.get("type") == "array":
        kind["items"] = kind["items"] | added
    else:
        kind |= added
    if required:
        return kind
    default = {"default": field["default"]} if field.get("default") is not None else {}
    return {"anyOf": [kind, {"type": "null"}], **default}

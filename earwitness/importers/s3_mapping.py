"""The mapping: what a bucket's keys, its requesters and its operations mean to this company.

A TOML file, read once; examples/s3-mapping.toml is one, with every setting explained.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from models.access import OUTSIDERS, Action, ActorType, ResourceType
from models.errors import ConfigurationError
from models.fields import ActorId, CustomerId, Name, Organization, ResourceId, Source

DEFAULT_ACTIONS: Final[Mapping[str, Action]] = {
    "REST.GET.OBJECT": "download",
    "REST.SELECT.OBJECT": "read",
    "REST.COPY.OBJECT_GET": "download",
    "REST.COPY.PART_GET": "download",
    "WEBSITE.GET.OBJECT": "download",
    "REST.PUT.OBJECT": "update",
    "REST.POST.OBJECT": "update",
    "REST.COPY.OBJECT": "update",
    "REST.PUT.PART": "update",
    "REST.COPY.PART": "update",
    "REST.POST.UPLOAD": "update",
    "REST.DELETE.OBJECT": "delete",
    "BATCH.DELETE.OBJECT": "delete",
    "S3.EXPIRE.OBJECT": "delete",
    "S3.CREATE.DELETEMARKER": "delete",
    "REST.GET.BUCKET": "list",
    "REST.GET.BUCKETVERSIONS": "list",
}
"""What an operation does to content, unless the mapping says otherwise."""

MOST_RULES: Final = 10_000
"""Most entries in one list of a mapping."""

_SUBJECTS_WITHOUT_CONTENT: Final = frozenset(
    (
        "ACCELERATE", "ACL", "ANALYTICS", "BUCKETPOLICY", "CORS", "ENCRYPTION", "INTELLIGENT_TIERING",
        "INVENTORY", "LEGAL_HOLD", "LIFECYCLE", "LOCATION", "LOGGING_STATUS", "METRICS",
        "MULTI_OBJECT_DELETE", "NOTIFICATION", "OBJECT_ATTRIBUTES", "OBJECT_LOCK_CONFIGURATION",
        "OBJECT_TAGGING", "OWNERSHIP_CONTROLS", "POLICY_STATUS", "PUBLIC_ACCESS_BLOCK", "REPLICATION",
        "REQUEST_PAYMENT", "RETENTION", "TAGGING", "UPLOADS", "VERSIONING", "WEBSITE",
    )
)  # fmt: skip
_PREFIXES_WITHOUT_CONTENT: Final = ("REST.HEAD.", "REST.OPTIONS.", "WEBSITE.HEAD.", "S3.TRANSITION")


def touches_no_content(operation: str) -> bool:
    """Whether an operation is known to show, change and remove no content.

    A delete of many objects counts as such: each of them has a BATCH.DELETE.OBJECT record too.
    """
    subject = operation.rpartition(".")[2]
    return subject in _SUBJECTS_WITHOUT_CONTENT or operation.startswith(_PREFIXES_WITHOUT_CONTENT)


def _compile(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return re.compile(value)
    except re.error as error:
        msg = f"is not a regular expression: {error}"
        raise ValueError(msg) from error


_Pattern = Annotated[re.Pattern[str], BeforeValidator(_compile)]
_Patterns = Annotated[tuple[_Pattern, ...], Field(max_length=MOST_RULES, strict=False)]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]
_Texts = Annotated[tuple[_Text, ...], Field(max_length=MOST_RULES, strict=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ResourceRule(_Part):
    """Which resource and customer the keys of a bucket name.

    `key` must match a whole key; its groups `customer_id` and `resource_id` give the ids, unless
    fixed here; without a resource's id the key itself is the id. A rule without `key` is for
    requests about the bucket as a whole, such as listing it: the resource is then the bucket and
    the customer `*`, unless fixed here.
    """

    bucket: _Text
    key: _Pattern | None = None
    resource_type: ResourceType
    resource_id: ResourceId | None = None
    customer_id: CustomerId | None = None

    @model_validator(mode="after")
    def _each_id_has_one_origin(self) -> Self:
        _check_groups("key", self.key, self, ("customer_id", "resource_id"))
        grouped = self.key is not None and "customer_id" in self.key.groupindex
        if self.key is not None and self.customer_id is None and not grouped:
            msg = "key names no customer: give it a group (?P<customer_id>…), or set customer_id"
            raise ValueError(msg)
        return self


class RequesterRule(_Part):
    """Which actor a requester is.

    `match` must match a whole requester; its groups `actor_id`, `organization` and `actor_team`
    give those, unless fixed here; without an actor's id the requester itself is the id.
    """

    match: _Pattern
    actor_type: ActorType
    actor_id: ActorId | None = None
    organization: Organization | None = None
    actor_team: Name | None = None

    @model_validator(mode="after")
    def _each_name_has_one_origin(self) -> Self:
        _check_groups("match", self.match, self, ("actor_id", "organization", "actor_team"))
        named = self.organization is not None or "organization" in self.match.groupindex
        if self.actor_type in OUTSIDERS and not named:
            msg = f"organization is required where actor_type is {self.actor_type}"
            raise ValueError(msg)
        return self


class Ignore(_Part):
    """What is left out on purpose: counted, and no fault of the log."""

    operations: _Texts = ()
    buckets: _Texts = ()
    keys: _Patterns = ()
    requesters: _Patterns = ()


class S3Mapping(_Part):
    """A whole mapping. The first rule that matches counts."""

    source: Source
    resources: Annotated[tuple[ResourceRule, ...], Field(min_length=1, max_length=MOST_RULES, strict=False)]
    requesters: Annotated[tuple[RequesterRule, ...], Field(min_length=1, max_length=MOST_RULES, strict=False)]
    operations: dict[_Text, Action] = {}
    ignore: Ignore = Ignore()


def parse_mapping(text: bytes, name: str) -> S3Mapping:
    """Read a mapping; `name` is what to call it in errors.

    Raises ConfigurationError that names every fault at once.
    """
    try:
        return S3Mapping.model_validate(tomllib.loads(text.decode("utf-8")))
    except ValidationError as error:
        faults = [fault for fault in error.errors() if not _follows(fault, error)]
        raise ConfigurationError([f"{name}: {_describe(fault)}" for fault in faults]) from error
    except (ValueError, RecursionError) as error:  # endless digits and brackets are no TOMLDecodeError
        raise ConfigurationError([f"{name}: is not TOML: {error}"]) from error


def _check_groups(
    field: str, pattern: re.Pattern[str] | None, rule: BaseModel, known: tuple[str, ...]
) -> None:
    groups = pattern.groupindex if pattern else {}
    strange = sorted(set(groups) - set(known))
    if strange:
        msg = f"{field} has the group {', '.join(strange)}; possible are {', '.join(known)}"
        raise ValueError(msg)
    twice = [group for group in groups if getattr(rule, group) is not None]
    if twice:
        msg = f"{', '.join(twice)} is both fixed and a group of {field}; keep one"
        raise ValueError(msg)


def _follows(fault: Mapping[str, Any], error: ValidationError) -> bool:
    """Whether a list is called too short only because its faulty entries were not counted."""
    place = fault["loc"]
    return fault["type"] == "too_short" and any(
        other["loc"][: len(place)] == place != other["loc"] for other in error.errors()
    )


def _describe(fault: Mapping[str, Any]) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{place.lstrip('.')}: there is no such setting"
    message = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else fault["msg"]
    return f"{place.lstrip('.')}: {message}"

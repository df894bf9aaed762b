"""An alert rule: a head that says what to do, a condition, and the cases that prove it.

A rule is a TOML file in `alert_rules/`. Its condition is a query of one access, in the language of
`search`, or a SELECT on the views that finds behaviour within a window.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from earwitness.alerts.spans import Span
from earwitness.query.language.fields import FIELDS
from models.alerts import Severity

MOST_CASES: Final = 100
MOST_ROWS_OF_A_CASE: Final = 20_000
LONGEST_WINDOW: Final = timedelta(days=92)

_FROZEN: Final = ConfigDict(frozen=True, extra="forbid")

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,63}$")]
Code = Annotated[str, Field(pattern=r"^ALR-[0-9]{3}$")]
Tunable = Annotated[int, Field(ge=0)] | float | str
ScratchTable = Literal[
    "trail", "judged_again", "activity", "dead_letters", "registers", "evidence", "findings"
]


class Grouping(BaseModel):
    """What belongs to one alert: hits that agree in `by`, until `dedup` after the first of them.

    `threshold` is how many accesses within `window` it takes.
    """

    model_config = _FROZEN

    by: Annotated[tuple[str, ...], Field(min_length=1, max_length=4)]
    threshold: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    window: Span
    dedup: Span


Beside = Literal["either", "a_complaint", "no_complaint"]


class AccessCondition(BaseModel):
    """Fires for each verdict, other than `justified`, of an access that meets a query.

    `beside` narrows it to accesses whose customer has a complaint that was open at the time, or had been
    within the day before, as far as the registers knew when the verdict was given; or to the others.
    Beside a complaint a missing reference is mostly a slip.
    """

    model_config = _FROZEN

    kind: Literal["access"]
    query: Annotated[str, Field(min_length=1, max_length=2_000)]
    beside: Beside = "either"


class BehaviourCondition(BaseModel):
    """Fires for each row of a SELECT, asked again `every` so often.

    It has the parameters `since` and `until` (the window, of the instants of receipt), and the `tunables`
    under their names. Its rows have the columns of the grouping, and `access_count`, `first_at`, `last_at`,
    `members` (Array(Tuple(String, UUID)): source and id of some of the accesses) and `detail` (what was
    seen and what was expected, in words).
    """

    model_config = _FROZEN

    kind: Literal["behaviour"]
    every: Span
    sql: Annotated[str, Field(min_length=1, max_length=20_000)]
    tunables: Mapping[str, Tunable] = {}


class FindingCondition(BaseModel):
    """Fires for each finding of these kinds: for what tells of no single verdict."""

    model_config = _FROZEN

    kind: Literal["finding"]
    kinds: Annotated[tuple[Literal["id_conflict", "inconsistent"], ...], Field(min_length=1)]
    reasons: tuple[str, ...] = ()


FINDING_FIELDS: Final = frozenset({"kind", "reason", "source", "actor_id", "customer_id", "resource_id"})
"""By what findings can be grouped."""

Condition = AccessCondition | BehaviourCondition | FindingCondition


class CaseRows(BaseModel):
    """Rows of one table: what they all hold, how many there are, and over how long they are spread.

    In a text value `{n}` is the number of the row, from 1. Those of `judged_again` are accesses that got the
    verdict `then` an hour after their first.
    """

    model_config = _FROZEN

    table: ScratchTable = "trail"
    repeat: Annotated[int, Field(ge=1, le=MOST_ROWS_OF_A_CASE)] = 1
    ago: Span | None = None
    spread: Span | None = None
    row: Mapping[str, Any]


class Case(BaseModel):
    """A small world in which the rule must fire so many times, or must not (0)."""

    model_config = _FROZEN

    name: Annotated[str, Field(min_length=3, max_length=200)]
    alerts: Annotated[int, Field(ge=0, le=1_000)]
    at: AwareDatetime
    rows: Annotated[tuple[CaseRows, ...], Field(min_length=1, max_length=50)]


class Rule(BaseModel):
    """One rule as its file says it. `digest` tells one wording of it from another."""

    model_config = _FROZEN

    id: Id
    code: Code
    title: Annotated[str, Field(min_length=5, max_length=120)]
    description: Annotated[str, Field(min_length=20, max_length=2_000)]
    severity: Severity
    runbook: Annotated[str, Field(pattern=r"^docs/runbooks/[a-z0-9/-]+\.md$")]
    notify: bool = True
    """Whether channels are told. An alert of a rule that does not notify is on the list all the same."""
    channels: tuple[str, ...] = ()
    """Names of the only channels that are told; none named: those that take its severity."""
    ask_actor: bool = False
    grouping: Grouping
    condition: Annotated[Condition, Field(discriminator="kind")]
    cases: Annotated[tuple[Case, ...], Field(alias="case", max_length=MOST_CASES)] = ()
    digest: str = ""

    @model_validator(mode="after")
    def _is_whole(self) -> "Rule":
        counts = [case.alerts for case in self.cases]
        if not any(counts) or all(counts):
            msg = "a rule carries at least one case in which it must fire, and one in which it must not"
            raise ValueError(msg)
        if self.grouping.window > LONGEST_WINDOW:
            msg = f"grouping.window is longer than {LONGEST_WINDOW.days} days"
            raise ValueError(msg)
        known = _groupable(self.condition)
        if known is not None and (unknown := sorted(set(self.grouping.by) - known)):
            msg = f"grouping.by: there is no {', '.join(unknown)} to group by"
            raise ValueError(msg)
        return self

    def window_before(self, until: datetime) -> tuple[datetime, datetime]:
        """Give the window that ends at an instant."""
        return until - self.grouping.window, until


def _groupable(condition: Condition) -> frozenset[str] | None:
    """Name the fields to group by; None where the statement names its own."""
    if isinstance(condition, AccessCondition):
        return frozenset(name for name, field in FIELDS.items() if field.kind in {"text", "choice"})
    return FINDING_FIELDS if isinstance(condition, FindingCondition) else None

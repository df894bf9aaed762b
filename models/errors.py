"""What can go wrong, named by what the caller must do.

PipelineError
├── ConfigurationError   do not start; exit 2
├── MalformedEvent       dead letter with its reason and bytes; never retry
├── SinkUnavailable      keep the offset, back off, write again
├── SinkRejected         stop: asking again will not help
│   └── RowsRejected     dead-letter the rows at fault, write the rest
├── BrokerUnavailable    keep the events, back off, publish again
├── PolicyInvalid        keep the last good policy, alert
├── ChannelUnavailable   tell it again later
├── ChannelRejected      say so loudly; try seldom where somebody may mend the receiver, else give up
├── RulesInvalid         keep the last good alert rules, and say so
├── IntegrityBroken      stop and page; never repair by code
├── RangeLost            another worker owns the partition now: drop the batch, it is read again
├── ReplayFailed         nothing was changed; mend what it names and replay again
├── QueryRejected        exit 2 or HTTP 400; the message is for the person who asked
└── StackUnavailable     say which part, where it was looked for, and what to do
"""

from collections.abc import Sequence

__all__ = [
    "BrokerUnavailable",
    "ChannelRejected",
    "ChannelUnavailable",
    "ConfigurationError",
    "IntegrityBroken",
    "MalformedEvent",
    "PipelineError",
    "PolicyInvalid",
    "QueryRejected",
    "QuotaExceeded",
    "RangeLost",
    "ReplayFailed",
    "RowsRejected",
    "RulesInvalid",
    "SinkRejected",
    "SinkUnavailable",
    "StackUnavailable",
]


class PipelineError(Exception):
    """The root of every error that earwitness raises on purpose."""


class ConfigurationError(PipelineError):
    """Settings or their surroundings are wrong. Do not start; `faults` names every one of them."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class MalformedEvent(PipelineError):
    """A record cannot be accepted. Dead-letter it with `reason` and its bytes; never retry."""

    def __init__(self, reason: str, detail: str, fields: Sequence[str] = ()) -> None:
        self.reason = reason
        self.detail = detail
        self.fields = tuple(fields)
        super().__init__(f"{reason}: {detail}")


class SinkUnavailable(PipelineError):
    """The store did not answer, or its answer was lost. Keep the offset and write the same again."""

    def __init__(self, detail: str, retry_after_s: float = 1.0) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class SinkRejected(PipelineError):
    """The store refuses, and will however often it is asked. Stop, and say why."""


class RowsRejected(SinkRejected):
    """The store will never take these rows for what some of them hold; it stored none of them."""


class BrokerUnavailable(PipelineError):
    """Kafka did not acknowledge in time. Nothing was lost: publish again."""


class PolicyInvalid(PipelineError):
    """A policy file cannot be used. Keep the last good one; `faults` names every fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class ChannelUnavailable(PipelineError):
    """A channel did not take a notice for now. Try again, after `retry_after_s` where it said so."""

    def __init__(
        self, detail: str, code: int = 0, answer: str = "", retry_after_s: float | None = None
    ) -> None:
        self.code = code
        self.answer = answer
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class ChannelRejected(PipelineError):
    """A channel refused this notice. A person has to mend something: say so, and try seldom.

    Without a `code` nobody was asked, and nobody can be over this channel: give it up, loudly.
    """

    def __init__(self, detail: str, code: int = 0, answer: str = "") -> None:
        self.code = code
        self.answer = answer
        super().__init__(detail)


class RulesInvalid(PipelineError):
    """Alert rules cannot be used. Keep the last good ones; `faults` names every fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class IntegrityBroken(PipelineError):
    """What is stored contradicts what was written. Stop and page; code must not repair it."""


class RangeLost(PipelineError):
    """The partition changed hands while its batch was under way. Drop the batch: it is read again."""


class ReplayFailed(PipelineError):
    """Part of a history could not be judged, so its counts would be wrong. Nothing was changed."""


class QueryRejected(PipelineError):
    """A question that cannot be answered as asked. `message` says what and where, `hint` what to change."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}; {hint}" if hint else message)


class QuotaExceeded(QueryRejected):
    """The questions of one scope used up what an hour allows. Ask again after `retry_after_s`."""

    retry_after_s = 60
    """How often it is worth trying: the hour may end at any time."""

    def __init__(self) -> None:
        super().__init__(
            "this hour's quota of questions for this role and scope is used up",
            "ask again when the hour is over, or ask for less at once",
        )


class StackUnavailable(PipelineError):
    """A part of the stack is not there. The message says which, where, and what to do."""

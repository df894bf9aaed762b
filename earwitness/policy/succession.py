"""Whether a set of policy versions may take the place of another: what was judged by stays as it was."""

from collections.abc import Iterator
from datetime import datetime

from earwitness.policy.compiled import Policy
from earwitness.policy.versions import PolicySet
from models.fields import format_time


def faults_of_succession(before: PolicySet, after: PolicySet, now: datetime) -> list[str]:
    """Name each version of `before` that `after` changed, or lost although it is, or was, in effect at `now`.

    A version whose time has not come may be taken back.
    """
    faults: list[str] = []
    for old in before.policies:
        new = after.version(old.version)
        if new is None and old.effective_from <= now:
            faults.append(
                f"version {old.version} is gone, but is in effect from {format_time(old.effective_from)};"
                " accesses were judged by it: put its file back"
            )
        elif new is not None and new.digest != old.digest:
            faults.append(changed_version(new, old.digest))
    return faults


def changed_version(found: Policy, known_digest: str) -> str:
    """Say that a known version has another digest, and what to do."""
    return (
        f"version {found.version} has digest {found.digest}, but is known by {known_digest};"
        " a version never changes: put its file back as it was, and write the change as a new version"
        " with a later effective_from"
    )


def backdated(before: PolicySet, after: PolicySet, now: datetime) -> Iterator[Policy]:
    """Give the versions of `after` that `before` does not hold and that are in effect already."""
    for new in after.policies:
        if before.version(new.version) is None and new.effective_from <= now:
            yield new

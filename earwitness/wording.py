"""The codes of the contract in words, for those who read a page and not a table."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d{6})?Z")

DONE: Final = {
    "listen": ("listened to", "listen to"),
    "download": ("downloaded", "download"),
    "read": ("read", "read"),
    "list": ("listed", "list"),
    "search": ("searched", "search"),
    "export": ("exported", "export"),
    "share": ("shared", "share"),
    "transcribe": ("transcribed", "transcribe"),
    "update": ("updated", "update"),
    "delete": ("deleted", "delete"),
    "process": ("processed", "process"),
}
"""What was done with the content, and what was tried, for each action."""

REASONS: Final = {
    "clause_met": "The declared purpose is one the policy allows, and the evidence bears it out.",
    "derived": "Too little was declared, but evidence in the registers explains the access.",
    "no_policy_in_effect": "No version of the policy was in effect then, so nothing could be decided.",
    "purpose_unknown": "The policy knows no such purpose.",
    "actor_not_permitted": "The policy does not allow this purpose to this kind of actor.",
    "evidence_not_found": "No register has told of the evidence that was cited.",
    "outside_transfer": "Content left for an organization outside that no evidence for this access names.",
    "purpose_not_declared": "No purpose was declared, and no evidence explains the access.",
    "evidence_not_cited": "The purpose needs evidence; none was cited, and none explains the access.",
    "account_not_registered": "No register knows this service account.",
    "evidence_wrong_kind": "The evidence is of another kind than this purpose needs.",
    "evidence_self_recorded": "The actor stated or entered the evidence; nobody excuses himself.",
    "evidence_wrong_purpose": "The evidence does not list this purpose.",
    "evidence_without_scope": "The evidence names no customer, resource or person: a blank cheque.",
    "evidence_wrong_organization": "The evidence is about another organization than the actor's.",
    "evidence_wrong_function": "The evidence is not for this function.",
    "resource_not_needed": "This function does not need content of this type.",
    "action_not_needed": "This function does not need this action.",
    "evidence_wrong_customer": "The evidence does not cover this customer.",
    "evidence_wrong_resource": "The evidence does not cover this resource.",
    "evidence_not_in_force": "The evidence was not in force when the access happened.",
    "evidence_withdrawn": "The evidence had been withdrawn when the access happened.",
    "actor_not_assigned": "The evidence is assigned to others.",
    "actor_not_employed": "No employment of this actor was in force when the access happened.",
    "affiliation_not_in_force": "No affiliation of this organization was in force when the access happened.",
    "judge_error": "The judge failed on this access, so nothing could be decided.",
}
"""Each reason as a sentence."""


CAUSES: Final = {
    "first": "It was judged for the first time.",
    "evidence": "The registers changed:",
    "grace_ended": "The time to wait for the evidence was over.",
    "policy": "Another policy version counts.",
    "unknown": "No change is known that concerns this access.",
}
"""What caused a verdict, for each kind of cause."""

CHANGES: Final = {"new": "became known", "changed": "was changed", "withdrawn": "was withdrawn"}
"""What happened to a piece of evidence, before the time at which it did."""

EVIDENCE_NEEDED: Final = {
    "cited": "the evidence that it cites",
    "derived": "nothing cited: it explains the access of itself",
    "if_cited": "had it cited this, which the registers held",
}
"""How the evidence of an alternative would have counted."""

_SPANS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def tell_access(row: Mapping[str, Any]) -> str:
    """Tell an access, a row of the trail or of an alert, in one sentence."""
    organization = f" of {row['organization']}" if row["organization"] else ""
    team = f" (team {row['actor_team']})" if row.get("actor_team") else ""
    done, tried = DONE[row["action"]]
    verb = done if row["outcome"] == "succeeded" else f"tried to {tried}"
    customer = "many or unknown customers" if row["customer_id"] == "*" else f"customer {row['customer_id']}"
    when = row["time"][:19].replace("T", " ")
    return (
        f"On {when} UTC, {row['actor_type']} {row['actor_id']}{organization}{team}"
        f" {verb} {row['resource_type']} {row['resource_id']} of {customer}{_circumstances(row)}."
        f" Reported by {row['source']}."
    )


def _circumstances(row: Mapping[str, Any]) -> str:
    outcome = "" if row["outcome"] == "succeeded" else f" ({row['outcome']})"
    recipient = f" (the content goes to {row['recipient']})" if row["recipient"] else ""
    purpose = f", declaring {row['purpose']}" if row["purpose"] else ", declaring no purpose"
    cited = f" and citing {row['evidence_ref']}" if row["evidence_ref"] else " and citing no evidence"
    return f"{outcome}{recipient}{purpose}{cited}"


def duration(seconds: float) -> str:
    """Say how long in its two largest units, as `3 h 12 min`; what is below a second in milliseconds."""
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    rest = int(seconds)
    parts: list[str] = []
    for name, length in _SPANS:
        count, rest = divmod(rest, length)
        if count or parts:
            parts.append(f"{count} {name}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 "))


def shorten_times(text: str, beside: str = "") -> str:
    """Show the instants in a text to the second, as `2026-01-31 09:30:00`.

    In full where two of them, in the text or in what is read beside it, would then look alike: a reader
    must see by what an access missed the end of its evidence.
    """
    instants = {found.group() for found in _INSTANT.finditer(f"{text} {beside}")}
    alike = len({instant[:19] for instant in instants}) < len(instants)
    return _INSTANT.sub(r"\1 \2\3" if alike else r"\1 \2", text)


def within(scope: Mapping[str, Sequence[str]]) -> str:
    """Say of whose accesses alone something tells: `customers` and `vendors` of a token, one may be empty."""
    whose = [
        f"{of} {', '.join(scope[name])}"
        for name, of in (("customers", "of"), ("vendors", "by"))
        if scope[name]
    ]
    return f"only accesses {' '.join(whose)}: what others did, or had done to theirs, is beyond this token"

"""What is said of alerts in words, on a terminal and on a page."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from earwitness.wording import REASONS, tell_access
from models.verdict import JUSTIFIED

Row = Mapping[str, Any]

OUTCOMES: Final = {
    "true": "it was misuse",
    "explained": "it had a good reason",
    "false": "it was nothing",
}
CITES: Final = "cites "
"""How the first line of an answer begins that names evidence."""

_NAMED: Final = {"customer_id": "customer", "organization": "organization", "source": "source"}
_VERDICTS: Final = {
    "justified": "justified",
    "unjustified": "not justified",
    "pending": "not decided yet",
    "indeterminate": "not decidable",
}


def about(grouping: Mapping[str, str]) -> str:
    """Say what the accesses of an alert have in common."""
    rest = dict(grouping)
    actor_type, actor_id = rest.pop("actor_type", ""), rest.pop("actor_id", "")
    actor = f"{actor_type or 'actor'} {actor_id}" if actor_id else actor_type
    named = [f"{_NAMED.get(name, name.replace('_', ' '))} {value}" for name, value in rest.items()]
    return ", ".join(filter(None, (actor, *named)))


def told(entry: Row) -> str:
    """Say what an entry tells, without who did it and when."""
    kind, text = entry["kind"], entry["text"] or ""
    said = {
        "assigned": f"assigned to {entry['assignee']}",
        "closed": f"closed, {entry['outcome']} ({OUTCOMES.get(entry['outcome'], '')}): {text}",
        "asked": f"asked the actor about {text}",
        "stated": f"answered: {stated(entry)}",
        "silenced": f"nobody was told: {text or 'a silence held it back'}",
    }
    return said.get(kind) or (f"{kind}: {text}" if text else str(kind))


def stated(entry: Row) -> str:
    """Give what an actor answered, in one line."""
    return "; ".join(filter(None, (entry["text"] or "").splitlines()))


def detail(entries: Sequence[Row]) -> str | None:
    """Give what the rule saw, where it says more than its title."""
    return next((entry["text"] for entry in entries if entry["kind"] == "raised"), None)


def cited(entries: Sequence[Row]) -> list[str]:
    """Name the evidence that actors cited in their answers."""
    first_lines = [(entry["text"] or "").split("\n")[0] for entry in entries if entry["kind"] == "stated"]
    return [line.removeprefix(CITES) for line in first_lines if line.startswith(CITES)]


def what_happened(member: Row) -> str:
    """Tell one access of an alert."""
    if member["action"] is None:
        who = f" of {member['actor_id']}" if member["actor_id"] else ""
        kind = (member["verdict_then"] or "seen").replace("_", " ")
        return f"{kind}{who}, reported by {member['source']}."
    return tell_access(member)


def why(member: Row) -> str:
    """Say why nothing justified an access when it came to belong to the alert; empty where something did.

    A rule on behaviour looks at justified accesses too: there the alert is about how many they are.
    """
    if member["verdict_then"] == JUSTIFIED:
        return ""
    reason = member["reason_then"] or ""
    return REASONS.get(reason, reason.replace("_", " "))


def reasons(members: Iterable[Row]) -> list[str]:
    """Sum up why nothing justified these accesses, the most frequent reason first."""
    counted = Counter(filter(None, map(why, members)))
    total = f"{counted.total():,}"
    told = [(reason, f" ({count:,} of {total})") for reason, count in counted.most_common()]
    return [reason + (share if len(told) > 1 else "") for reason, share in told]


def standing(member: Row) -> str:
    """Say which verdict an access has now, and had then where that was another one."""
    if member["verdict"] is None:
        return ""
    now = _VERDICTS[member["verdict"]]
    if member["verdict"] == member["verdict_then"]:
        return now
    return f"{now} now; it was {_VERDICTS.get(member['verdict_then'], member['verdict_then'])}"


def who_was_told(deliveries: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    """Give each notice and channel: the channel, when it last tried, and what became of it."""
    tries = Counter((each["notice_id"], each["channel"]) for each in deliveries)
    last = {(each["notice_id"], each["channel"]): each for each in deliveries}
    for key, delivery in last.items():
        count = "" if tries[key] == 1 else f" at try {tries[key]}"
        answer = " ".join(filter(None, (str(delivery["code"] or ""), delivery["answer"])))
        became = f"{delivery['status'].replace('_', ' ')}{count}"
        yield delivery["channel"], delivery["at"], f"{became}: {answer}" if answer else became

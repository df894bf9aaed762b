"""The pages that an actor sees who was asked about an access. They name nobody and no customer."""

from typing import Final, NamedTuple

from earwitness.alerts.words import LONGEST_TEXT
from earwitness.reports.document import document, facts
from earwitness.reports.markup import Markup, element
from earwitness.reports.screen_style import SCREEN_STYLE
from earwitness.wording import DONE

LONGEST_REF: Final = 256
_CONTENT: Final = {
    "call_recording": "a call recording",
    "sms_content": "a text message",
    "ivr_content": "a recording of a voice menu",
    "call_detail": "call records",
    "sms_detail": "message records",
    "account_detail": "an account record",
}


class Asked(NamedTuple):
    """What the page shows of the access; the rest its actor knows."""

    time: str
    action: str
    resource_type: str
    outcome: str

    @property
    def done(self) -> str:
        """Say what was done, or tried."""
        done, tried = DONE[self.action]
        return done if self.outcome == "succeeded" else f"tried to {tried}"


class Draft(NamedTuple):
    """What was typed so far, and what is wrong with it."""

    ref: str = ""
    text: str = ""
    fault: str = ""


def question_page(asked: Asked, draft: Draft) -> str:
    """Ask for evidence, or for an explanation."""
    return document(
        "A question about an access of yours",
        SCREEN_STYLE,
        element("p", "A question to you", class_="eyebrow"),
        element("h1", "Why did you need this access?"),
        element(
            "p",
            "No clause of the privacy policy explains an access under your name so far. Often a ticket was"
            " not cited. You can answer once; whoever looks into it reads your answer.",
        ),
        facts(
            ("When", f"{asked.time[:19].replace('T', ' ')} UTC"),
            ("What", f"{asked.done} {_CONTENT[asked.resource_type]}"),
        ),
        element("p", draft.fault, class_="fault", role="alert") if draft.fault else None,
        _form(draft),
    )


def _form(draft: Draft) -> Markup:
    return element(
        "form",
        element(
            "label", "Evidence ", element("small", "a ticket, order or contract, as ticket:TCK-1"), for_="ref"
        ),
        element(
            "input", id="ref", name="ref", value=draft.ref, maxlength=str(LONGEST_REF), autocomplete="off"
        ),
        element(
            "label",
            "Explanation ",
            element("small", f"at most {LONGEST_TEXT:,} characters; no content and no telephone numbers"),
            for_="text",
        ),
        element("textarea", draft.text, id="text", name="text", maxlength=str(LONGEST_TEXT)),
        element("button", "Send the answer", type="submit"),
        element(
            "p",
            "Your answer is kept with your name and cannot be changed. By itself it does not justify the"
            " access: a register has to bear it out. If you did not make this access, say so.",
            class_="note",
        ),
        method="post",
    )


def message_page(title: str, *sentences: str) -> str:
    """Say one thing to a person."""
    return document(
        title,
        SCREEN_STYLE,
        element("h1", title),
        *(element("p", sentence) for sentence in sentences if sentence),
    )

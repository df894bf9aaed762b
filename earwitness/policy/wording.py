"""Whether a policy version accounts for every word of the text that it stands on."""

from collections.abc import Iterator

from models.policy import PolicyDocument


def faults_of_wording(document: PolicyDocument, text: str) -> list[str]:
    """Name each quote that the text does not hold, and what of the text no quote holds.

    A lawyer who reads clauses and passages has then read the whole text, and nothing else.
    """
    faults = [
        f"{place}: quotes words that the text does not hold: {_begin(quote)}"
        for place, quote in _quotes(document)
        if quote not in text
    ]
    rest = text
    for _, quote in sorted(_quotes(document), key=lambda placed: len(placed[1]), reverse=True):
        rest = rest.replace(quote, "\n")
    faults += [
        f"the text says what neither a clause nor a passage quotes: {_begin(line.strip())}"
        for line in rest.splitlines()
        if line.strip()
    ]
    return faults


def _quotes(document: PolicyDocument) -> Iterator[tuple[str, str]]:
    for clause in document.clauses:
        yield from ((clause.id, quote) for quote in clause.quotes)
    yield from ((document.forbid.id, quote) for quote in document.forbid.quotes)
    for standing in document.standing:
        yield from ((f"standing {standing.evidence}", quote) for quote in standing.quotes)
    for number, passage in enumerate(document.passages, start=1):
        yield from ((f"passage {number}", quote) for quote in passage.quotes)


def _begin(words: str) -> str:
    return words if len(words) <= 100 else f"{words[:100]}…"

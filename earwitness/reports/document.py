"""A whole page of HTML: it loads nothing, runs nothing, and no search engine keeps it."""

from earwitness.reports.markup import Markup, element


def document(title: str, style: str, *parts: object) -> str:
    """Give a page with these parts; `style` is CSS of ours."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="robots", content="noindex"),
        element("title", title),
        Markup(f"<style>{style}</style>"),
    )
    body = element("body", element("main", *parts))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def facts(*told: tuple[str, object | None]) -> Markup:
    """List names with what is said of each; what is None is left out."""
    listed = [
        element("div", element("dt", name), element("dd", words)) for name, words in told if words is not None
    ]
    return element("dl", *listed, class_="facts")


def section(title: str, *parts: object) -> Markup:
    """Give a part of a page under a heading."""
    return element("section", element("h2", title), *parts)


def bullets(*items: object) -> Markup:
    """List things one under the other."""
    return element("ul", *(element("li", item) for item in items), class_="plain")

"""`earwitness search --count-by`: how many accesses a query finds, by the values of fields."""

from collections.abc import Iterator
from typing import Any, Final

from rich.table import Table

from earwitness.cli.output import (
    VERDICT_STYLES,
    OutputFormat,
    console,
    second,
    tell,
    visible,
    write_json,
    write_rows,
)

MOST_VALUES_SHOWN: Final = 20
"""Values of one field that are asked for by a person; a program asks for all that may be."""

COLUMNS: Final = ("field", "value", "accesses")
_WIDEST_BAR: Final = 24

Json = dict[str, Any]


def show_counts(found: Json, output: OutputFormat) -> None:
    """Show how many accesses there are by each field."""
    if output == "table":
        for facet in found["facets"] if found["total"] else ():
            console().print(_facet_table(facet))
    elif output == "json":
        write_json(found)
    else:
        write_rows(_rows(found), COLUMNS, output)
    begin = f"from {second(found['since'])}" if found["since"] else "from the beginning of the trail"
    end = f" to {second(found['until'])}" if found["until"] else ""
    accesses = "access" if found["total"] == 1 else "accesses"
    tell(f"{found['total']} {accesses} {begin}{end} UTC")


def _rows(found: Json) -> Iterator[Json]:
    for facet in found["facets"]:
        for counted in facet["values"]:
            yield {"field": facet["field"], **counted}


def _facet_table(facet: Json) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(visible(facet["field"]), overflow="fold")
    table.add_column("accesses", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    largest = max((counted["accesses"] for counted in facet["values"]), default=1)
    for counted in facet["values"]:
        style = VERDICT_STYLES.get(str(counted["value"]), "")
        bar = "#" * round(counted["accesses"] / largest * _WIDEST_BAR)
        value = "none" if counted["value"] is None else counted["value"]
        table.add_row(visible(value, style), f"{counted['accesses']:,}", visible(bar, style or "dim"))
    if (more := facet["distinct"] - len(facet["values"])) > 0:
        table.add_row(visible(f"and {more:,} more values", "dim"), "", "")
    table.add_row("", "", "")
    return table

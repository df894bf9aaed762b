"""Telling a person on stderr what the demo is at, and how long each step took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

Report = Callable[[str], None]
"""Takes a few words on how far a step has come."""


class Progress:
    """A list of steps that grows on `console`; the present one moves where the console is a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, doing: str) -> Iterator[Report]:
        """Show `doing` while the block runs, and afterwards how long it took."""
        began_s = time.monotonic()
        with self._console.status(f"{doing} …") as status:
            yield lambda words: status.update(f"{doing} … {words}")
        took_s = time.monotonic() - began_s
        self._console.print(f"  [green]✓[/green] {doing} [dim]({took_s:.1f} s)[/dim]", highlight=False)

    def note(self, words: str) -> None:
        """Say something on a line of its own."""
        self._console.print(f"    {words}", style="dim", highlight=False, markup=False)

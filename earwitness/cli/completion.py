"""`earwitness completion`: the script by which a shell completes commands, options and queries."""

from typing import Final

import click
from click.shell_completion import get_completion_class

PROGRAM: Final = "earwitness"
VARIABLE: Final = "_EARWITNESS_COMPLETE"
SHELLS: Final = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      earwitness completion bash > ~/.local/share/bash-completion/completions/earwitness
      earwitness completion zsh > ~/.zfunc/_earwitness          with fpath+=~/.zfunc before compinit
      earwitness completion fish > ~/.config/fish/completions/earwitness.fish
      source <(earwitness completion bash)                      in this shell alone

    It completes commands, options and, in `search`, the fields of a query and the values of those that have
    few. No stack is asked.
    """
    context = click.get_current_context().find_root()
    found = get_completion_class(shell)
    if found is None:
        msg = f"click knows no shell {shell}"
        raise LookupError(msg)
    click.echo(found(context.command, {}, PROGRAM, VARIABLE).source())

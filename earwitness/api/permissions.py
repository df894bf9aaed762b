"""Who may know what: the one place where it is decided which person's deeds a reader may see by name."""

from fastapi import Request


def may_name_actors(_request: Request) -> bool:
    """Say whether whoever asks may be told which person it was.

    The one token of a stack reads everything, so whoever holds it may.
    """
    return True

"""Run a command that ends when its parent does: `python tether.py PARENT_PID COMMAND …`.

The kernel does it on Linux. Elsewhere the next `up` or `down` finds what a killed supervisor left.
It is run as a file, without our packages, so it may import the standard library only.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()

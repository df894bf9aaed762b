"""Start a command that outlives its parent: `python detach.py LOG COMMAND …` prints its process id.

It gets a session of its own and, as this process ends at once, no parent that must wait for it. It is
run as a file, without our packages, so it may import the standard library only.
"""

import os
import subprocess
import sys


def main() -> None:
    """Start the command with its output appended to the log."""
    log, command = sys.argv[1], sys.argv[2:]
    with open(log, "ab") as file:  # noqa: PTH123 - starts faster without pathlib
        started = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    sys.stdout.write(f"{started.pid}\n")
    sys.stdout.flush()
    os._exit(0)  # not waited for, on purpose


if __name__ == "__main__":
    main()

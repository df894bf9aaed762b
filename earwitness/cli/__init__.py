"""The commands. Every process of ours starts here, so here it is seen to that it runs our code."""

import sys

from earwitness.guard import strangers

if faults := strangers():
    # Before any import of `models`: a stranger's would fail without saying why.
    sys.stderr.write("earwitness cannot start:\n" + "".join(f"  {fault}\n" for fault in faults))
    sys.exit(2)

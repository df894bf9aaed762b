"""earwitness: every access to protected content, with the clause and evidence that justify it."""

import os

# Read by clickhouse-driver when it is imported: it would make a table of all days from 1900 to 2299, which
# is 25 MB and 0.2 s in every process (measured).
os.environ.setdefault("CLICKHOUSE_DRIVER_LASY_DATE_LUT", "1")

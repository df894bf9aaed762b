"""What a query may hold at most. Each limit is far above what people type, and below what costs anything."""

from typing import Final

LONGEST_QUERY: Final = 8_192
"""Characters."""

MOST_TERMS: Final = 64
MOST_VALUES: Final = 1_000
"""Values of one term."""

DEEPEST_NESTING: Final = 8
"""Parentheses within parentheses."""

MOST_FREE_TEXTS: Final = 4
"""Each is looked for in eight columns of every row of the time asked for: no index helps."""

SHORTEST_FREE_TEXT: Final = 3
LONGEST_FREE_TEXT: Final = 256
"""As long as the longest id."""

LARGEST_NUMBER: Final = 2**63 - 1

LONGEST_AGO_DAYS: Final = 36_525
"""A hundred years; nothing was recorded before."""

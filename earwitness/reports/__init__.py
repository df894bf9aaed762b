"""Reports as people are handed them: from JSON to a page, or to rows of CSV. Pure: no clock, I/O or store."""

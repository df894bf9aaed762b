"""Named questions to the trail, with typed answers; the query language; the judge's reasons, again."""

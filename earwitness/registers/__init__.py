"""Where evidence comes from: rows and tickets of other systems made into evidence records. Pure."""

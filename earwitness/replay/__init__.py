"""A replay: history judged under another policy version, in several processes, without touching the trail."""

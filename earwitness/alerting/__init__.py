"""Alerts at work: raising them, telling people, asking actors, and trying rules on history."""

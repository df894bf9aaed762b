"""Channels: the ways by which people, and other systems, are told of alerts."""

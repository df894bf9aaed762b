"""Durable homes of what the streams produce."""

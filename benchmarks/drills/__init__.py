"""Drills: outages, upgrades and a restore on a real stack, each of which must lose and double nothing."""

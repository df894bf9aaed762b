"""Benchmarks: ratios between contenders in one run, never absolute promises."""

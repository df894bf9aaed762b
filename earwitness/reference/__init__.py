"""The pages and files that are made from the code, so that they cannot say anything else.

`python -m earwitness.reference` writes them; with `--check` it only says which are stale.
"""

"""Runs what docs/results.md tells, and writes it: `python -m tests.results`."""

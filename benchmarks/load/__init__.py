"""Benchmark of many users who ask at once: `./run bench load`."""

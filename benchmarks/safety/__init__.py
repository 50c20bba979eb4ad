"""Benchmark of the safety checks: `./run bench safety`."""

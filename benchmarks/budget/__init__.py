"""Benchmark of the reading budget: `./run bench budget`."""

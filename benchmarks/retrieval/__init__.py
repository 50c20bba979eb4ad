"""Benchmark of search: `./run bench retrieval`."""

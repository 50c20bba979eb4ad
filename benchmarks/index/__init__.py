"""Benchmark of the search index: `./run bench index`."""

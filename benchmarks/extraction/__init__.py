"""Benchmark of text extraction from files: `./run bench extraction`."""

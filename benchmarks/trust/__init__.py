"""Benchmark of how trustworthy answers are: `./run bench trust`."""

"""Benchmark of the time that a turn adds to the model's own: `./run bench turn`."""

"""Benchmark of the pictogram painter: `./run bench pictures`."""

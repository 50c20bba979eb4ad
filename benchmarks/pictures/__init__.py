"""Measurement of the built-in painter: `./run bench pictures`."""

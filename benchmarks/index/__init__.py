"""Measurement of the vector index: `./run bench index`."""

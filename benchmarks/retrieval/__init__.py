"""Measurement of search: `./run bench retrieval`."""

"""Measurement of how far an answer may be trusted: `./run bench trust`."""

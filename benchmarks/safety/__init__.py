"""Measurement of the text checks: `./run bench safety`."""

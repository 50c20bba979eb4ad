"""Measurement of reading of files: `./run bench extraction`."""

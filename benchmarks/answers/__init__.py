"""Measurement of how well the packaged models answer: `./run bench answers`."""

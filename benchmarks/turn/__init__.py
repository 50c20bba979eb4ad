"""Measurement of the way from a question to the model: `./run bench turn`."""

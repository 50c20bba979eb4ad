"""Benchmark of answer quality with the packaged models: `./run bench answers`."""

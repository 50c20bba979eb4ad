"""Training of the relevance of a passage: `./run train relevance`."""

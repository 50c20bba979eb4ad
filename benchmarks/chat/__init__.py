"""Benchmark of a chat, from the question to the last word: `./run bench chat`."""

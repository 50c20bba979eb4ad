"""Readers: which passage answers a question, and where in it the answer stands."""

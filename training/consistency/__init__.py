"""Teach the packaged encoder whether a source says what a claim says.

`edits` changes sentences, `pairs` makes claims and sources of open texts, `train` teaches and writes the weights.
"""

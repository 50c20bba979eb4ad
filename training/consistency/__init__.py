"""Training of the packaged NLI model: whether a source supports a claim.

`edits` changes sentences, `pairs` makes claims and sources from open texts, `train` trains and writes the weights.
"""

"""Training of the packaged NLI model: whether a source supports a claim.

`edits` changes sentences, `pairs` makes claims and sources from open texts, `train` trains and writes the weights.
`judged` makes pairs of sentences that people judged, `train_judged` goes on training with them.
"""

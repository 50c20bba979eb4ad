"""Training of the tagger of personal data: `./run train pii_tagger`."""

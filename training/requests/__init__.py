"""Training of the classifier of requests for a whole document: `./run train requests`."""

"""Training of the classifier of small talk: `./run train small_talk`."""

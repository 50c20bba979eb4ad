"""Training of the text classifier of the gate: `./run train text_classifier`."""

"""Training of the gate's text classifiers: `./run train text_classifier`."""

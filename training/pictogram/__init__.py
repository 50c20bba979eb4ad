"""Training of the built-in painter: `./run train pictogram`."""

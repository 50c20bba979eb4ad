"""Training of the pictogram painter: `./run train pictogram`."""

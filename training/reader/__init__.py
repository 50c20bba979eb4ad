"""Training of the packaged reader: `./run train reader`."""

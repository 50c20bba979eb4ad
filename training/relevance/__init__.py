"""Calibration of the relevance of passages: `./run train relevance`."""

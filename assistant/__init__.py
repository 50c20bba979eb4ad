"""The project: wiring only. Importing it imports no package: `assistant.boot` runs before any is there."""

import os

# NumPy gives even a small product to all cores, and their threads then wait for the next one at full speed, for 30 ms:
# each question and each document would take a core from an encoder or a neighbour for that long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

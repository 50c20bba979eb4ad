"""Project package: wiring only. Importing it imports no third-party package, since `assistant.boot` runs before any is
installed."""

import os

# OpenBLAS distributes even a small product over all cores, and its threads then spin for 30 ms waiting for the next
# one. Each question and document would take that time from an encoder or another process.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

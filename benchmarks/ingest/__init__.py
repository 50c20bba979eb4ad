"""Benchmark of ingestion: `./run bench ingest`."""

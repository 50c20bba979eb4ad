"""Measurement of ingestion: `./run bench ingest`."""

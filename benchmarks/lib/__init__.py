"""Shared parts of the benchmarks: metrics, data sets, baselines, a running site, fakes."""

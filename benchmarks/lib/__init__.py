"""Shared parts of the measurements: metrics, data sets, baselines, a site, stand-ins."""

"""Measurements, one a module.

Each holds `run(options) -> dict[str, float]` and, where it has options of its own, `add_arguments(parser)`.
"""

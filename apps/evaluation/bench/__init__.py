"""Measurements: each module holds `run(options) -> dict[str, float]` and, where it has options of its own, `add_arguments(parser)`."""
